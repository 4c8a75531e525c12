// An inspection as JSON.

#include <vector>

#include "rewrite/rewrite_report.hpp"

namespace plait::cli {
namespace {

Json padding_json(const Padding& p) { return {p.top, p.bottom, p.left, p.right}; }

Json range_json(const TapRange& range) {
  return {{"first", range.first}, {"count", range.count}, {"step", range.step}};
}

Json window_json(const KernelWindow& window) {
  return {{"rows", range_json(window.rows)},
          {"columns", range_json(window.columns)},
          {"kept_rows", range_json(window.kept_rows)},
          {"kept_columns", range_json(window.kept_columns)},
          {"needed_padding", padding_json(window.needed_padding)}};
}

Json blocks_json(const KernelBlocks& blocks) {
  return {{"as_stored", blocks.as_stored},
          {"components", blocks.components},
          {"groups", blocks.groups},
          {"outputs_per_group", blocks.outputs_per_group},
          {"inputs_per_group", blocks.inputs_per_group},
          {"exhaustive", blocks.exhaustive}};
}

Json copies_json(const std::vector<ChannelCopies>& repeated) {
  Json json = Json::array();
  for (const ChannelCopies& copies : repeated) {
    json.push_back({{"channels", copies.channels}, {"factors", copies.factors}});
  }
  return json;
}

Json symmetries_json(const KernelSymmetries& counts) {
  return {{"top_bottom", counts.top_bottom},
          {"left_right", counts.left_right},
          {"point", counts.point},
          {"transpose", counts.transpose}};
}

Json ranks_json(const std::vector<ChainRank>& ranks) {
  Json json = Json::array();
  for (const ChainRank& rank : ranks) {
    json.push_back({{"layers", rank.layers},
                    {"rank", rank.rank ? Json(*rank.rank) : Json(nullptr)},
                    {"limit", rank.limit},
                    {"too_large", rank.too_large}});
  }
  return json;
}

Json findings_json(const KernelFindings& found) {
  return {{"kernels", found.kernels},
          {"zero_kernels", found.zero_kernels},
          {"dead_inputs", found.dead_inputs},
          {"zero_outputs", found.zero_outputs},
          {"window", window_json(found.window)},
          {"blocks", blocks_json(found.blocks)},
          {"repeated_outputs", copies_json(found.repeated_outputs)},
          {"repeated_inputs", copies_json(found.repeated_inputs)},
          {"rank_one_kernels", found.rank_one_kernels},
          {"symmetric", symmetries_json(found.symmetric)},
          {"antisymmetric", symmetries_json(found.antisymmetric)},
          {"ranks", ranks_json(found.ranks)}};
}

}  // namespace

template <class T>
Json to_json(const Inspection<T>& inspection) {
  const ConvLayer<T>& layer = inspection.layer[0];
  const auto& size = inspection.options.input_size;
  Json json = {{"schema", "plait.inspect/1"},
               {"kernel_shape", shape_json(layer.kernel.shape())},
               {"dtype", sizeof(T) == sizeof(float) ? "f32" : "f64"},
               {"stride", pair_json(layer.stride)},
               {"padding", padding_json(layer.padding)},
               {"dilation", pair_json(layer.dilation)},
               {"groups", layer.groups},
               {"input_size", size ? pair_json(*size) : Json(nullptr)}};
  add_cost(inspection.multiplications_per_position, inspection.cost, json);
  json["found"] = findings_json(inspection.found);
  json["proposals"] = Json::array();
  for (const Rewrite<T>& proposal : inspection.proposals) {
    json["proposals"].push_back(rewrite_json(proposal));
  }
  return json;
}

template Json to_json(const Inspection<float>&);
template Json to_json(const Inspection<double>&);

}  // namespace plait::cli
