// What `plait run` computes: files and option texts turned into tensors and a problem.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

#include "io/npy.hpp"

namespace plait::cli {

// The values of the options as they were given; empty ones were not.
struct ConvolutionOptions {
  std::string input;
  std::string kernel;  // a preset or a .npy file
  std::string bias;
  std::string stride;
  std::string padding;
  std::string padding_mode;
  std::string dilation;
  std::string activation;
  std::string dtype;
  std::string layout;
  std::string weight_layout;
  std::int64_t groups = 1;
};

struct RunInputs {
  bool photograph = false;
  bool inception = false;                  // then kernel, bias and problem are unset, and x is f32
  int x_rank = 4;                          // of x as given: 2, 3 or 4
  int kernel_rank = 4;                     // of K as given: 2, 3 or 4
  Layout layout = Layout::nchw;            // of the input file, and so of an output .npy
  Array x;                                 // n x c_i x h x w
  Array kernel;                            // c_o x c_i/groups x k_h x k_w, dtype of x
  std::optional<Array> bias;               // c_o, dtype of x
  Problem problem;                         // valid
  std::vector<std::string> channel_names;  // of a preset's output
  std::vector<std::string> notes;          // what was converted or skipped, for the user
};

// Reads and checks everything, and computes nothing. Throws Error.
RunInputs read_run_inputs(const ConvolutionOptions& options);

// y[n, c_o, h', w'] as it goes to a .npy file: in the input's layout, and without the axes that the
// input left out (h x w with a k_h x k_w kernel gives h' x w'; otherwise one picture gives
// c_o x h' x w').
template <class T>
Tensor<T> as_given(Tensor<T> y, const RunInputs& inputs);

}  // namespace plait::cli
