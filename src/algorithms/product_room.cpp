#include "algorithms/product_room.hpp"

#include <algorithm>

#include "core/error_model.hpp"

namespace plait {
namespace {

std::string format_of(std::string_view room, const Problem& problem, Target target, int tile_rows) {
  return std::string(room) + " " + std::string(name_of(target)) + " r" + std::to_string(tile_rows) +
         " " + to_string(problem.kernel_shape()) + " g" + std::to_string(problem.groups) +
         (problem.bias ? " bias" : "");
}

// Rows of the tile that a packed format was made for; -1 if it was not made for this.
int rows_of_format(std::string_view room, const Problem& problem, Target target,
                   const std::string& format) {
  for (const kernels::Tile& tile : kernels::tile_set(target).tiles) {
    if (format == format_of(room, problem, target, tile.rows)) return tile.rows;
  }
  return -1;
}

// Elements of x, K and y, each moved once.
std::int64_t operand_bytes(const Problem& problem) {
  return (element_count(problem.x_shape()) + element_count(problem.kernel_shape()) +
          element_count(problem.y_shape())) *
         static_cast<std::int64_t>(size_of(problem.dtype));
}

}  // namespace

Verdict accepts_as_product(const Problem& problem) {
  if (problem.direction != Direction::forward) {
    return Verdict::no("only the forward direction, not " +
                       std::string(name_of(problem.direction)));
  }
  if (problem.dtype != Dtype::f32) {
    return Verdict::no("only f32, not " + std::string(name_of(problem.dtype)));
  }
  if (problem.padding_mode != PaddingMode::zeros) {
    return Verdict::no("only padding with zeros, not " +
                       std::string(name_of(problem.padding_mode)));
  }
  if (problem.residual) return Verdict::no("no residual input");
  if (problem.activation.kind != ActivationKind::none &&
      problem.activation.kind != ActivationKind::relu) {
    return Verdict::no("fuses no activation but relu, not " +
                       std::string(name_of(problem.activation.kind)));
  }
  return Verdict::yes();
}

kernels::ProductShape product_shape(const Problem& problem) {
  return {problem.n * problem.groups, problem.groups, problem.c_o / problem.groups,
          problem.h_o() * problem.w_o(), problem.depth()};
}

kernels::Blocking product_blocking(const ProductRequest& request, const Problem& problem,
                                   const Limits& limits, const Machine& machine) {
  kernels::BlockingRequest blocking;
  blocking.shape = product_shape(problem);
  blocking.threads = limits.threads;
  blocking.max_workspace_bytes = limits.max_workspace_bytes;
  blocking.prepacked = limits.prepacked;
  blocking.fill_seconds_per_element = request.fill_cycles_per_element * 1e-9 / machine.rates.ghz;
  blocking.source_in_place = request.source_in_place;
  if (!limits.packed_format.empty()) {
    blocking.tile_rows =
        rows_of_format(request.room, problem, machine.target, limits.packed_format);
  }
  return kernels::choose_blocking(blocking, machine);
}

Verdict accepts_blocking(const kernels::Blocking& blocking, std::string_view room,
                         const Limits& limits) {
  if (blocking.tile != nullptr) return Verdict::yes();
  const bool capped = limits.max_workspace_bytes != kNoWorkspaceCap;
  return Verdict::no(
      "no " + std::string(room) + " tile takes weights packed as \"" + limits.packed_format + "\"" +
      (capped ? " within " + std::to_string(limits.max_workspace_bytes) + " bytes of workspace"
              : ""));
}

Cost product_cost(const Problem& problem, const Machine& machine,
                  const kernels::Blocking& blocking) {
  Cost cost;
  cost.multiplications = blocking.executed_macs;
  cost.additions = blocking.executed_macs;
  cost.l2_bytes = blocking.l2_bytes;
  cost.workspace_bytes = kernels::workspace_bytes(blocking);
  cost.packed_bytes = blocking.packs_in_run ? 0 : blocking.weights_bytes;
  cost.pack_seconds = blocking.pack_seconds;
  cost.product_seconds = blocking.product_seconds;
  cost.gather_seconds = blocking.fill_seconds + (blocking.packs_in_run ? blocking.pack_seconds : 0);
  cost.thread_seconds = blocking.thread_seconds;

  const std::int64_t bytes = operand_bytes(problem);
  const bool from_memory = bytes > machine.caches.l3_bytes;
  cost.dram_bytes = from_memory ? bytes : 0;
  const double move_seconds =
      static_cast<double>(bytes) / blocking.threads /
      (from_memory ? machine.rates.dram_bytes_per_second : machine.rates.l3_bytes_per_second);
  cost.memory_seconds = std::max(0.0, move_seconds - cost.product_seconds);
  cost.predicted_seconds =
      cost.product_seconds + cost.gather_seconds + cost.memory_seconds + cost.thread_seconds;
  cost.error_rms = chunked_sum_rms(problem.depth(), kernels::kChunk);
  cost.error_bound = chunked_sum_bound(problem.depth(), kernels::kChunk);
  return cost;
}

ProductExecution::ProductExecution(std::string_view room, const Problem& problem,
                                   const kernels::Blocking& blocking)
    : room_(room), problem_(problem), shape_(product_shape(problem)), blocking_(blocking) {}

std::string ProductExecution::packed_format() const {
  return format_of(room_, problem_, blocking_.target, blocking_.tile->rows);
}

void ProductExecution::pack(const void* kernel, const void* bias, std::byte* out) const {
  kernels::pack_weights(shape_, blocking_, static_cast<const float*>(kernel),
                        static_cast<const float*>(bias), reinterpret_cast<float*>(out));
}

void ProductExecution::run_from(const kernels::PanelSource& source, const Args& args) const {
  kernels::ProductArgs product;
  product.source = &source;
  product.packed = reinterpret_cast<const float*>(args.packed);
  product.a = static_cast<const float*>(args.kernel);
  product.bias = static_cast<const float*>(args.bias);
  product.has_bias = problem_.bias;
  product.relu = problem_.activation.kind == ActivationKind::relu;
  const Dims strides = problem_.effective_y_strides();
  product.y = {
      static_cast<float*>(args.y), strides[0], strides[1], strides[2], strides[3], problem_.w_o()};
  product.workspace = args.workspace;
  product.executor = args.executor;
  product.cancel = args.cancel;
  kernels::run_product(shape_, blocking_, product);
  if (args.report != nullptr) {
    *args.report = {std::string(room_), kernels::tile_set(blocking_.target).target,
                    blocking_.threads};
  }
}

}  // namespace plait
