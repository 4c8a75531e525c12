// A decomposition as JSON.

#include <string>
#include <vector>

#include "rewrite/rewrite_report.hpp"

namespace plait::cli {
namespace {

Json separability_json(const Separability& found) {
  constexpr std::int64_t kMostListed = 64;  // kernels; more have their largest ratio only
  Json json = {{"separable", found.separable},
               {"kernels", found.kernels},
               {"separable_kernels", found.separable_kernels},
               {"largest_ratio", found.largest_ratio},
               {"tolerance", found.tolerance},
               {"singular_values", nullptr}};
  if (found.kernels > kMostListed) return json;
  const std::int64_t rank = found.singular_values.size(2);
  json["singular_values"] = Json::array();
  for (std::int64_t kernel = 0; kernel < found.kernels; ++kernel) {
    const double* begin = found.singular_values.data() + kernel * rank;
    json["singular_values"].push_back(std::vector<double>(begin, begin + rank));
  }
  return json;
}

template <class T>
Json factorisation_json(const Factorisation<T>& told) {
  const bool found = told.answer == Answer::found;
  Json json = {
      {"answer", name_of(told.answer)},  {"reason", told.reason},
      {"numbers", Json::object()},       {"residual", found ? Json(told.residual) : Json(nullptr)},
      {"layers", Json::array()},         {"kernels", nullptr},
      {"middle_channels", Json::array()}};
  for (const ConvLayer<T>& layer : told.layers) json["layers"].push_back(layer_json(layer));
  for (const NamedNumber& number : told.numbers) json["numbers"][number.name] = number.value;
  for (const MiddleChannels& split : told.middle) {
    json["middle_channels"].push_back({{"first", pair_json(split.first)},
                                       {"second", pair_json(split.second)},
                                       {"lower", split.lower},
                                       {"upper", split.upper}});
  }
  // The values of one channel are few.
  const bool one_channel = found && told.layers[0].kernel.size(0) == 1 &&
                           told.layers[0].kernel.size(1) == 1 && told.layers[1].kernel.size(0) == 1;
  if (!one_channel) return json;
  json["kernels"] = Json::array();
  for (const ConvLayer<T>& layer : told.layers) {
    Json rows = Json::array();
    const std::int64_t width = layer.kernel.size(3);
    for (std::int64_t u = 0; u < layer.kernel.size(2); ++u) {
      const T* begin = layer.kernel.data() + u * width;
      rows.push_back(std::vector<double>(begin, begin + width));
    }
    json["kernels"].push_back(rows);
  }
  return json;
}

Json form_json(const FormRanks& form) {
  Json json = {{"form", name_of(form.form)},
               {"description", description_of(form.form)},
               {"refused", form.refused.empty() ? Json(nullptr) : Json(form.refused)}};
  if (form.exact_rank == 0) return json;
  json.update(Json{{"full_rank", form.full_rank},
                   {"exact_rank", form.exact_rank},
                   {"rank_1_percent", form.rank_1_percent},
                   {"rank_5_percent", form.rank_5_percent},
                   {"rank_10_percent", form.rank_10_percent},
                   {"exact_multiplications_per_position", form.exact_multiplications}});
  return json;
}

template <class T>
Json approximation_json(const Approximation<T>& each) {
  Json json = rewrite_json(each);
  json.update(Json{{"form", name_of(each.form)},
                   {"rank", each.rank},
                   {"full_rank", each.full_rank},
                   {"kernel_error", each.kernel_error},
                   {"bound_share", each.bound_share ? Json(*each.bound_share) : Json(nullptr)}});
  return json;
}

}  // namespace

template <class T>
Json to_json(const Decomposition<T>& d) {
  const DecomposeOptions& options = d.options;
  Json layer = layer_json(d.layer[0]);
  for (const char* channels : {"reads", "writes", "y_channels"}) layer.erase(channels);
  Json json = {{"schema", "plait.decompose/1"},
               {"dtype", sizeof(T) == sizeof(double) ? "f64" : "f32"},
               {"layer", layer},
               {"rank", options.rank ? Json(*options.rank) : Json(nullptr)},
               {"error", options.error ? Json(*options.error) : Json(nullptr)},
               {"input_size", options.input_size ? pair_json(*options.input_size) : Json(nullptr)},
               {"cost", Json::object()},
               {"separability", separability_json(d.separability)},
               {"factorisation", factorisation_json(d.factorisation)},
               {"forms", Json::array()},
               {"approximations", Json::array()}};
  add_cost(d.multiplications_per_position, d.cost, json["cost"]);
  for (const FormRanks& form : d.forms) json["forms"].push_back(form_json(form));
  for (const Approximation<T>& each : d.approximations) {
    json["approximations"].push_back(approximation_json(each));
  }
  return json;
}

template Json to_json(const Decomposition<float>&);
template Json to_json(const Decomposition<double>&);

}  // namespace plait::cli
