// What a plan costs, predicted before the run, and the error that it guarantees.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plait {

// A guarantee, for every output o of every algorithm:
//   |computed - exact| <= gamma (range max|x| sum|K| + |bias| + |residual|)
//                         + floor (1 + max|x| + max|K|)
// with max|x| over the output's window, padding included, and sum|K| and max|K| over the weights of
// its output channel. An activation multiplies it by its largest slope, and rounds once more.
// Outputs whose sums, or parts of them, are beyond the largest number of the type are infinite or
// NaN. Backward, what is multiplied takes the places of x and K.
// Direct algorithms, whose range is 1 and tile 0, keep to (sum of |x K|) in the place of
// range max|x| sum|K|. Those that transform tiles of tile x tile outputs keep to
// sum over c of (max |x_c| over the inputs of the output's tile) (sum |K_c|) as well; a tile holds
// every dilation-th output, and only one along an axis on which the kernel has one tap.
struct ErrorBound {
  double gamma = 0;
  double range = 1;  // how far an input of the window's surroundings may be above it: 1 or 32
  double floor = 0;  // of numbers too small for the type, which may be flushed to zero
  std::int64_t tile = 0;
};

// Predicted before the run. Times are for the plan's machine and threads.
struct Cost {
  // What is executed. Every product is added to its sum, the first one to nothing; sums of chunks
  // are added up besides. Biases, residuals and activations are not counted, nor is what packing
  // the weights takes.
  std::int64_t multiplications = 0;  // padding zeros and what register tiles compute beyond the
                                     // last row or column included
  std::int64_t useful_multiplications = 0;  // those that an output depends on
  std::int64_t additions = 0;
  std::int64_t transform_operations = 0;  // multiplications and additions of transforms
  std::int64_t l2_bytes = 0;              // moved between L1 and L2
  std::int64_t dram_bytes = 0;            // moved between the last cache and memory
  std::size_t workspace_bytes = 0;
  std::size_t packed_bytes = 0;
  double pack_seconds = 0;     // packing the weights: once, or in every run if not prepacked
  double product_seconds = 0;  // multiplying and adding
  double gather_seconds = 0;   // rearranging the input, the output and weights not prepacked
  double memory_seconds = 0;   // waiting for memory beyond what the other work hides
  double thread_seconds = 0;   // handing work to threads
  double predicted_seconds = 0;
  double error_rms = 0;         // expected rms error / rms output, for the data of Accuracy
  double error_bound = 0;       // gamma of the ErrorBound,
  double error_range = 1;       // its range,
  double error_floor = 0;       // its floor,
  std::int64_t error_tile = 0;  // and its tile

  ErrorBound bound() const { return {error_bound, error_range, error_floor, error_tile}; }
};

}  // namespace plait
