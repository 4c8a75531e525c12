// What a plan costs, predicted before the run, and the error that it guarantees.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plait {

// What every algorithm guarantees for every output:
//   |computed - exact| <= gamma (range max|x| sum|K| + |bias| + |residual|)
//                         + floor (1 + max|x| + max|K|)
// Here max|x| is over the output's window, padding included, and sum|K| and max|K| are over the
// weights of its output channel. An activation multiplies the bound by its largest slope and rounds
// once more. Outputs whose sums, or parts of them, pass the largest number of the type are infinite
// or NaN. In the gradients, the two operands that are multiplied stand for x and K.
//
// Algorithms that sum directly have range 1 and tile 0, and keep to the smaller bound with the sum
// of |x K| in place of range max|x| sum|K|. Algorithms that transform tiles of tile x tile outputs
// also keep to the sum over c of (max|x_c| over the inputs of the output's tile) (sum|K_c|). Such a
// tile holds every dilation-th output, and one output along an axis where the kernel has one tap.
struct ErrorBound {
  double gamma = 0;
  double range = 1;       // how many times max|x| the inputs around the window may reach: 1 or 32
  double floor = 0;       // for numbers that are too small for the type and may be flushed to zero
  std::int64_t tile = 0;  // side of a transformed tile, in outputs; 0: no transform
};

// Predicted before the run. Times are for the plan's machine and threads.
struct Cost {
  // Operations that one run executes. Products by padding zeros count, and so do those of register
  // tiles beyond the last row or column; biases, residuals, activations and packing do not. Each
  // product is one addition to its sum; adding up the sums of chunks is counted as well.
  std::int64_t multiplications = 0;
  std::int64_t useful_multiplications = 0;  // those that an output depends on
  std::int64_t additions = 0;
  std::int64_t transform_operations = 0;  // multiplications and additions of Winograd's transforms
  std::int64_t l2_bytes = 0;              // moved between L1 and L2
  std::int64_t dram_bytes = 0;            // moved between the last cache and memory
  std::size_t workspace_bytes = 0;
  std::size_t packed_bytes = 0;
  double pack_seconds = 0;     // packing the weight: once, or in every run if not prepacked
  double product_seconds = 0;  // multiplying and adding
  double gather_seconds = 0;   // rearranging the input, the output and weights not prepacked
  double memory_seconds = 0;   // waiting for memory beyond what the other work hides
  double thread_seconds = 0;   // handing work to threads
  double predicted_seconds = 0;
  double error_rms = 0;         // expected rms error / rms output, for the data of Accuracy
  double error_bound = 0;       // ErrorBound::gamma
  double error_range = 1;       // ErrorBound::range
  double error_floor = 0;       // ErrorBound::floor
  std::int64_t error_tile = 0;  // ErrorBound::tile

  ErrorBound bound() const { return {error_bound, error_range, error_floor, error_tile}; }
};

}  // namespace plait
