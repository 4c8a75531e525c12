// What decompose() says in words, and a decomposition as lines of text.
#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include <plait/error.hpp>
#include <plait/rewrite/decompose.hpp>
#include <plait/text.hpp>

#include "core/values.hpp"
#include "rewrite/decompose/text.hpp"

namespace plait {
namespace rewrite {

std::string found_words(const ScaledKernel& kernel, const FormRanks& ranks,
                        std::int64_t kernel_products) {
  const bool pairs = ranks.form == LayerForm::spatial_pairs;
  const std::string each = pairs               ? " for each pair of channels"
                           : kernel.groups > 1 ? " per group"
                                               : "";
  return std::string(description_of(ranks.form)) + ": " + std::to_string(ranks.exact_rank) +
         (ranks.exact_rank == 1 ? " channel" : " channels") + " between the layers" + each +
         (ranks.exact_rank == 1 ? " is" : " are") +
         " enough, where a kernel of this shape can need " + std::to_string(ranks.full_rank) +
         "; " + count_text(ranks.exact_multiplications) + " products per position instead of " +
         count_text(kernel_products);
}

std::string undecided_words(const ScaledKernel& kernel, const std::vector<MiddleChannels>& middle) {
  std::string full =
      "no form looked at needs fewer channels between its layers than a kernel of this shape can "
      "need";
  if (middle.empty()) return full;
  const auto least = std::min_element(
      middle.begin(), middle.end(),
      [](const MiddleChannels& a, const MiddleChannels& b) { return a.lower < b.lower; });
  const auto enough = std::min_element(
      middle.begin(), middle.end(),
      [](const MiddleChannels& a, const MiddleChannels& b) { return a.upper < b.upper; });
  return full + "; two kernels larger than 1x1 need at least " + std::to_string(least->lower) +
         (kernel.groups > 1 ? " per group" : "") + ", and " + pair_text(enough->first) + " then " +
         pair_text(enough->second) + " with " + std::to_string(enough->upper) +
         " can always be had";
}

}  // namespace rewrite

std::string_view name_of(LayerForm form) {
  switch (form) {
    case LayerForm::spatial_pairs:
      return "spatial_pairs";
    case LayerForm::spatial_shared:
      return "spatial_shared";
    case LayerForm::channels_first:
      return "channels_first";
    case LayerForm::channels_last:
      return "channels_last";
    case LayerForm::factors:
      return "factors";
  }
  return "?";
}

std::string_view description_of(LayerForm form) {
  switch (form) {
    case LayerForm::spatial_pairs:
      return "k_h x 1 then 1 x k_w, each pair of channels by itself";
    case LayerForm::spatial_shared:
      return "k_h x 1 then 1 x k_w, channels between shared";
    case LayerForm::channels_first:
      return "1x1 then k_h x k_w";
    case LayerForm::channels_last:
      return "k_h x k_w then 1x1";
    case LayerForm::factors:
      return "two kernels larger than 1x1";
  }
  return "?";
}

LayerForm parse_layer_form(std::string_view text) {
  std::string known;
  for (const LayerForm form :
       {LayerForm::spatial_pairs, LayerForm::spatial_shared, LayerForm::channels_first,
        LayerForm::channels_last, LayerForm::factors}) {
    if (text == name_of(form)) return form;
    known += (known.empty() ? "" : ", ") + std::string(name_of(form));
  }
  throw Error(Status::invalid_argument,
              "unknown form of layers " + quoted(text) + " (known: " + known + ")");
}

std::string_view name_of(Answer answer) {
  switch (answer) {
    case Answer::found:
      return "found";
    case Answer::impossible:
      return "impossible";
    case Answer::undecided:
      return "undecided";
  }
  return "?";
}

namespace {

using Row = std::vector<std::string>;

constexpr std::size_t kLabel = 11;
constexpr std::int64_t kShownTaps = 25;  // of a factor
constexpr std::size_t kShownSplits = 8;

std::string labelled(std::string label, const std::string& text) {
  label.resize(kLabel, ' ');
  return label + text + "\n";
}

// "[1, 2; 3, 4]"
template <class T>
std::string taps_text(const Tensor<T>& kernel) {
  std::string text;
  for (std::int64_t u = 0; u < kernel.size(2); ++u) {
    text += u == 0 ? "[" : "; ";
    for (std::int64_t v = 0; v < kernel.size(3); ++v) {
      // What rounding alone makes of a zero or of a whole number is told as such.
      const auto value = static_cast<double>(static_cast<float>(kernel(0, 0, u, v)));
      const double whole = std::round(value);
      const bool near = std::abs(value - whole) <= 1e-6 * std::max(1.0, std::abs(whole));
      std::string number = real_text(near ? whole + 0.0 : value);
      if (!near) number = short_text(value);
      text += (v == 0 ? "" : ", ") + (number == "-0" ? std::string("0") : number);
    }
  }
  return text + "]";
}

template <class T>
std::string separable_text(const Decomposition<T>& d) {
  const Separability& found = d.separability;
  if (found.kernels > 1) {
    return std::string(found.separable ? "yes: all " : "no: ") +
           (found.separable ? "" : count_text(found.separable_kernels) + " of ") +
           count_text(found.kernels) + " kernels, sigma_2 / sigma_1 up to " +
           short_text(found.largest_ratio) + " (tolerance " + short_text(found.tolerance) + ")";
  }
  std::string values;
  for (const double value : found.singular_values) {
    values += (values.empty() ? "" : ", ") + short_text(value);
  }
  return std::string(found.separable ? "yes" : "no") + ": singular values " + values +
         "; sigma_2 / sigma_1 is " + short_text(found.largest_ratio) + " (tolerance " +
         short_text(found.tolerance) + ")";
}

template <class T>
std::string factors_text(const Decomposition<T>& d) {
  const Factorisation<T>& told = d.factorisation;
  std::string text = labelled("factors", std::string(name_of(told.answer)) + ": " + told.reason);
  std::string numbers;
  for (const NamedNumber& number : told.numbers) {
    std::string name = number.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    numbers += (numbers.empty() ? "" : ", ") + name + " " + short_text(number.value);
  }
  if (!numbers.empty()) text += labelled("", numbers);
  const bool one_channel = d.layer[0].kernel.size(0) * d.layer[0].kernel.size(1) == 1;
  if (told.layers.size() == 2 && one_channel &&
      std::max(told.layers[0].kernel.size(), told.layers[1].kernel.size()) <= kShownTaps) {
    text +=
        labelled("", taps_text(told.layers[0].kernel) + " * " + taps_text(told.layers[1].kernel));
  }
  return text;
}

// The splits that can do with the fewest channels.
std::string middle_text(std::vector<MiddleChannels> splits) {
  if (splits.empty()) return "";
  std::stable_sort(
      splits.begin(), splits.end(),
      [](const MiddleChannels& a, const MiddleChannels& b) { return a.upper < b.upper; });
  std::vector<Row> rows = {{"first", "second", "at least", "enough", ""}};
  for (std::size_t i = 0; i < std::min(splits.size(), kShownSplits); ++i) {
    const MiddleChannels& split = splits[i];
    const auto size = [](const Pair& p) { return std::to_string(p.h) + "x" + std::to_string(p.w); };
    rows.push_back({size(split.first), size(split.second), count_text(split.lower),
                    count_text(split.upper), split.lower == split.upper ? "decided" : ""});
  }
  std::string text =
      "\nchannels between two kernels larger than 1x1\n" + table_text(rows, {.words_last = true});
  if (splits.size() > kShownSplits) {
    text += "... " + std::to_string(splits.size() - kShownSplits) + " more\n";
  }
  return text;
}

std::string forms_text(const std::vector<FormRanks>& forms) {
  const bool any = std::any_of(forms.begin(), forms.end(),
                               [](const FormRanks& form) { return form.exact_rank > 0; });
  if (!any) return "";
  std::vector<Row> rows = {{"form", "exact", "1 %", "5 %", "10 %", "always", ""}};
  for (const FormRanks& form : forms) {
    if (form.exact_rank == 0) {
      rows.push_back({std::string(name_of(form.form)), "-", "-", "-", "-", "-", form.refused});
      continue;
    }
    rows.push_back({std::string(name_of(form.form)), count_text(form.exact_rank),
                    count_text(form.rank_1_percent), count_text(form.rank_5_percent),
                    count_text(form.rank_10_percent), count_text(form.full_rank),
                    form.refused.empty() ? std::string(description_of(form.form)) : form.refused});
  }
  return "\nrank needed for an error of the kernel\n" + table_text(rows, {.words_last = true});
}

template <class T>
std::string approximations_text(const Decomposition<T>& d) {
  if (d.approximations.empty()) return "";
  const bool timed = d.options.input_size.has_value();
  const bool measured = d.cost.measured_seconds > 0;
  std::vector<Row> rows = {{"layers", "rank", "error", "output bound", "reached", "products"}};
  if (timed) rows[0].emplace_back("per image");
  if (timed) rows[0].emplace_back("predicted");
  if (measured) rows[0].emplace_back("measured");
  rows[0].emplace_back("");
  const auto add_cost = [&](Row& row, const LayersCost& cost) {
    if (timed) row.push_back(count_text(cost.multiplications));
    if (timed) row.push_back(seconds_text(cost.predicted_seconds));
    if (measured) row.push_back(seconds_text(cost.measured_seconds));
  };
  Row kernel = {"the kernel", "", "", "", "", count_text(d.multiplications_per_position)};
  add_cost(kernel, d.cost);
  rows.push_back(kernel);
  for (const Approximation<T>& each : d.approximations) {
    Row row = {each.name,
               each.form == LayerForm::factors ? "" : count_text(each.rank),
               short_text(each.kernel_error),
               short_text(each.output_bound),
               each.bound_share ? short_text(*each.bound_share) : "-",
               count_text(each.multiplications_per_position)};
    add_cost(row, each.cost);
    row.push_back(each.verdict);
    rows.push_back(row);
  }
  return "\nlayers instead\n" + table_text(rows, {.words_last = true}) +
         "error: of the kernel, relative (Frobenius). output bound: no output differs by more than "
         "this\ntimes max|x|; reached: the share of it on random x. products: per output "
         "position.\n";
}

template <class T>
std::string text_of(const Decomposition<T>& d) {
  const ConvLayer<T>& layer = d.layer[0];
  const std::string groups =
      layer.groups == 1 ? "" : " in " + std::to_string(layer.groups) + " groups";
  return labelled("kernel", to_string(layer.kernel.shape()) + groups +
                                (sizeof(T) == sizeof(double) ? ", f64" : ", f32")) +
         labelled("separable", separable_text(d)) + factors_text(d) +
         middle_text(d.factorisation.middle) + forms_text(d.forms) + approximations_text(d);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Decomposition<float>& decomposition) {
  return out << text_of(decomposition);
}
std::ostream& operator<<(std::ostream& out, const Decomposition<double>& decomposition) {
  return out << text_of(decomposition);
}

}  // namespace plait
