#include "rewrite/rewrite_report.hpp"

namespace plait::cli {

template <class T>
Json layer_json(const ConvLayer<T>& layer) {
  const Padding& p = layer.padding;
  return {{"kernel_shape", shape_json(layer.kernel.shape())},
          {"stride", pair_json(layer.stride)},
          {"padding", {p.top, p.bottom, p.left, p.right}},
          {"dilation", pair_json(layer.dilation)},
          {"groups", layer.groups},
          {"reads", layer.reads},
          {"writes", layer.writes},
          {"y_channels", layer.writes.empty() ? layer.kernel.size(0) : layer.y_channels}};
}

void add_cost(std::int64_t per_position, const LayersCost& cost, Json& json) {
  const auto seconds = [](double value) { return value > 0 ? Json(value) : Json(nullptr); };
  json["multiplications_per_position"] = per_position;
  json["multiplications"] = cost.multiplications > 0 ? Json(cost.multiplications) : Json(nullptr);
  json["predicted_seconds"] = seconds(cost.predicted_seconds);
  json["measured_seconds"] = seconds(cost.measured_seconds);
}

template <class T>
Json rewrite_json(const Rewrite<T>& rewrite) {
  Json json = {{"name", rewrite.name},
               {"what", rewrite.what},
               {"layers", Json::array()},
               {"bitwise", rewrite.bitwise},
               {"output_bound", rewrite.output_bound},
               {"proof", rewrite.proof}};
  for (const ConvLayer<T>& layer : rewrite.layers) json["layers"].push_back(layer_json(layer));
  add_cost(rewrite.multiplications_per_position, rewrite.cost, json);
  json["share"] = rewrite.share;
  json["cheaper"] = rewrite.cheaper;
  json["verdict"] = rewrite.verdict;
  return json;
}

template Json layer_json(const ConvLayer<float>&);
template Json layer_json(const ConvLayer<double>&);
template Json rewrite_json(const Rewrite<float>&);
template Json rewrite_json(const Rewrite<double>&);

}  // namespace plait::cli
