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
  // With the products by padding zeros, as the formulas have them.
  std::int64_t multiplications = 0;
  std::int64_t additions = 0;
  std::int64_t operations = 0;  // both: the chapter's count
  std::int64_t macs = 0;        // multiplications
  std::int64_t flops = 0;       // 2 macs: the figure behind every GFLOP/s
  // Without them. Padding that is not of zeros is counted above and here.
  std::int64_t multiplications_without_padding = 0;
  std::int64_t additions_without_padding = 0;

  std::int64_t parameters = 0;
  std::int64_t parameters_with_bias = 0;
  // Of the problem's type, as many elements as the shapes have.
  std::int64_t bytes_input = 0;
  std::int64_t bytes_kernel = 0;
  std::int64_t bytes_output = 0;
  std::int64_t bytes_grad_input = 0;
  std::int64_t bytes_grad_kernel = 0;
  std::int64_t bytes_grad_output = 0;
  // Of all operands that are there at once; with the bias and its gradient where there is one.
  std::int64_t memory_forward_bytes = 0;           // x, K, y
  std::int64_t memory_training_forward_bytes = 0;  // the same: x is kept for the gradient of K
  std::int64_t memory_backward_bytes = 0;          // x, K, dy, dx, dK

  double arithmetic_intensity =
      0;  // flops / bytes of what the direction reads and writes, once each
  // The longer of multiplying at the machine's peak and of moving these bytes, from memory if they
  // do not fit its last cache, on its default threads; by the rates that planning reckons with.
  double roofline_seconds = 0;
};

// In the problem's own direction. Throws Error if the problem is not valid, a count passes 64 bits,
// or an axis has more than 2^24 taps.
PLAIT_API LayerCost cost(const Problem& problem, const Machine& machine = host_machine());

// How a figure comes about: "n c_o h' w' (c_i/g) k_h k_w = 1 * 64 * 56 * 56 * 64 * 3 * 3".
struct CostFormula {
  std::string_view key;  // the name of the field
  std::string text;
};
// Of all figures but the machine's, in the order of the fields.
PLAIT_API std::vector<CostFormula> cost_formulas(const Problem& problem);

}  // namespace plait
