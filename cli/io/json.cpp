#include "io/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace plait::cli {

Json pair_json(const Pair& pair) { return {pair.h, pair.w}; }

Json shape_json(const Dims& shape) { return std::vector<std::int64_t>(shape.begin(), shape.end()); }

Json to_json(const Cost& cost) {
  return {{"multiplications", cost.multiplications},
          {"useful_multiplications", cost.useful_multiplications},
          {"additions", cost.additions},
          {"transform_operations", cost.transform_operations},
          {"l2_bytes", cost.l2_bytes},
          {"dram_bytes", cost.dram_bytes},
          {"workspace_bytes", cost.workspace_bytes},
          {"packed_bytes", cost.packed_bytes},
          {"pack_seconds", cost.pack_seconds},
          {"product_seconds", cost.product_seconds},
          {"gather_seconds", cost.gather_seconds},
          {"memory_seconds", cost.memory_seconds},
          {"thread_seconds", cost.thread_seconds},
          {"predicted_seconds", cost.predicted_seconds},
          {"error_rms", cost.error_rms},
          {"error_bound", cost.error_bound},
          {"error_range", cost.error_range},
          {"error_floor", cost.error_floor}};
}

Json to_json(const LayerCost& cost) {
  return {{"direction", name_of(cost.direction)},
          {"multiplications", cost.multiplications},
          {"additions", cost.additions},
          {"operations", cost.operations},
          {"macs", cost.macs},
          {"flops", cost.flops},
          {"multiplications_without_padding", cost.multiplications_without_padding},
          {"additions_without_padding", cost.additions_without_padding},
          {"parameters", cost.parameters},
          {"parameters_with_bias", cost.parameters_with_bias},
          {"bytes_input", cost.bytes_input},
          {"bytes_weight", cost.bytes_weight},
          {"bytes_output", cost.bytes_output},
          {"bytes_grad_input", cost.bytes_grad_input},
          {"bytes_grad_weight", cost.bytes_grad_weight},
          {"bytes_grad_output", cost.bytes_grad_output},
          {"memory_forward_bytes", cost.memory_forward_bytes},
          {"memory_training_forward_bytes", cost.memory_training_forward_bytes},
          {"memory_backward_bytes", cost.memory_backward_bytes},
          {"arithmetic_intensity", cost.arithmetic_intensity},
          {"roofline_seconds", cost.roofline_seconds}};
}

Json to_json(const Limits& limits) {
  Json json = {
      {"accuracy", name_of(limits.accuracy)},
      {"max_workspace_bytes", nullptr},
      {"threads", limits.threads},
      {"prepacked", limits.prepacked},
      {"packed_format", limits.packed_format},
      {"algorithm", limits.algorithm},
      {"reproducible", limits.reproducible},
      {"tile_columns", limits.tile_columns == 0 ? Json(nullptr) : Json(limits.tile_columns)}};
  if (limits.max_workspace_bytes != kNoWorkspaceCap) {
    json["max_workspace_bytes"] = limits.max_workspace_bytes;
  }
  return json;
}

Json to_json(const Rates& rates) {
  return {{"ghz", rates.ghz},
          {"vector_fmas_per_cycle", rates.vector_fmas_per_cycle},
          {"l2_bytes_per_second", rates.l2_bytes_per_second},
          {"l3_bytes_per_second", rates.l3_bytes_per_second},
          {"dram_bytes_per_second", rates.dram_bytes_per_second},
          {"fork_join_seconds", rates.fork_join_seconds}};
}

Json to_json(const Machine& machine) {
  Json targets = Json::array();
  for (const Target target : machine.targets) targets.push_back(name_of(target));
  return {{"cpu", machine.cpu},
          {"targets", targets},
          {"target", name_of(machine.target)},
          {"f32_lanes", lanes_of(machine.target)},
          {"cores", machine.cores},
          {"affinity", machine.affinity},
          {"cgroup_cpus", machine.cgroup_cpus ? Json(*machine.cgroup_cpus) : Json(nullptr)},
          {"thread_limit", machine.thread_limit ? Json(*machine.thread_limit) : Json(nullptr)},
          {"default_threads", machine.default_threads()},
          {"wide_fma_units", machine.wide_fma_units},
          {"caches",
           {{"l1_bytes", machine.caches.l1_bytes},
            {"l2_bytes", machine.caches.l2_bytes},
            {"l3_bytes", machine.caches.l3_bytes},
            {"line_bytes", machine.caches.line_bytes}}},
          {"rates", to_json(machine.rates)}};
}

Json to_json(const Explanation& explanation) {
  Json candidates = Json::array();
  for (const Candidate& candidate : explanation.candidates) {
    const bool refused = candidate.standing == Candidate::Standing::refused;
    candidates.push_back({{"algorithm", candidate.algorithm},
                          {"summary", candidate.summary},
                          {"standing", name_of(candidate.standing)},
                          {"reason", candidate.reason},
                          {"factor", refused ? Json(nullptr) : Json(candidate.factor)},
                          {"cost", refused ? Json(nullptr) : to_json(candidate.cost)}});
  }
  return {{"schema", "plait.plan/1"},
          {"problem", explanation.problem_line},
          {"computed_as", explanation.computed_as},
          {"algorithm", explanation.chosen().algorithm},
          {"cpu", explanation.cpu},
          {"target", name_of(explanation.target)},
          {"threads", explanation.threads},
          {"limits", to_json(explanation.limits)},
          {"reproducible_price", explanation.reproducible_price},
          {"config", explanation.config},
          {"candidates", candidates}};
}

std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace plait::cli
