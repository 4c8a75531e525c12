// What a layer costs by its definition, exactly, whatever algorithm computes it: the chapter's
// question "what is the computational cost?", for the layer and for its gradients.
//
// A sum of t terms is t multiplications and t - 1 additions; a bias is one more addition per
// output. Residual and activation are not counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/machine.hpp>
#include <plait/problem.hpp>

namespace plait {

struct LayerCost {
  Direction direction = Direction::forward;
  // Counts that include products by padding zeros, as the formulas do.
  std::int64_t multiplications = 0;
  std::int64_t additions = 0;
  std::int64_t operations = 0;  // multiplications + additions: the chapter's count
  std::int64_t macs = 0;        // multiplications
  std::int64_t flops = 0;       // 2 macs: the figure behind every GFLOP/s
  // Counts without products by padding zeros. Padding by other values is counted here as above.
  std::int64_t multiplications_without_padding = 0;
  std::int64_t additions_without_padding = 0;

  std::int64_t parameters = 0;
  std::int64_t parameters_with_bias = 0;
  // Bytes of the dense tensors, in the problem's dtype.
  std::int64_t bytes_input = 0;
  std::int64_t bytes_weight = 0;
  std::int64_t bytes_output = 0;
  std::int64_t bytes_grad_input = 0;
  std::int64_t bytes_grad_weight = 0;
  std::int64_t bytes_grad_output = 0;
  // Bytes of all operands that are in memory at once, with the bias and its gradient if there is
  // one. Training forward needs the same as forward: x is kept for the gradient of the weight.
  std::int64_t memory_forward_bytes = 0;           // x, weight, y
  std::int64_t memory_training_forward_bytes = 0;  // x, weight, y
  std::int64_t memory_backward_bytes = 0;          // x, weight, dy, dx, dweight

  // flops / bytes of what the direction reads and writes, each counted once.
  double arithmetic_intensity = 0;
  // The longer of two times on the machine's default threads, at the rates that planning uses: of
  // the multiplications at the peak, and of moving these bytes (from memory if they do not fit the
  // last cache).
  double roofline_seconds = 0;
};

// The cost of the problem's own direction. Throws Error if the problem is not valid, a count passes
// 64 bits, or an axis has more than 2^24 taps.
PLAIT_API LayerCost cost(const Problem& problem, const Machine& machine = host_machine());

// How a figure is computed: "n c_o h' w' (c_i/g) k_h k_w = 1 * 64 * 56 * 56 * 64 * 3 * 3".
struct CostFormula {
  std::string_view key;  // the name of the field
  std::string text;
};
// The formulas of all fields that do not depend on the machine, in the order of the fields.
PLAIT_API std::vector<CostFormula> cost_formulas(const Problem& problem);

}  // namespace plait
