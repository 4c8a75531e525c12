// Checks that an output shares no memory with an input.
#pragma once

#include <string>
#include <string_view>

#include <plait/tensor.hpp>

namespace plait {

// Throws Error if `output` shares memory with `input`, which may be empty.
template <class T>
void check_no_overlap(std::string_view name, TensorView<const T> input, TensorView<T> y) {
  if (input.data() != nullptr &&
      may_overlap(y.data(), y.shape(), y.strides(), sizeof(T), input.data(), input.shape(),
                  input.strides(), sizeof(T))) {
    throw Error(Status::invalid_argument, "the output (" + to_string(y.shape()) + ") overlaps " +
                                              std::string(name) + " (" + to_string(input.shape()) +
                                              ") in memory");
  }
}

}  // namespace plait
