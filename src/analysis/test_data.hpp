// Random operands for measuring and verifying.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>
#include <plait/tensor.hpp>

#include "core/random.hpp"

namespace plait {

// The data of the error classes: inputs like those behind a ReLU, max(0, normal), and weights as He
// et al. 2015 initialise them, normal with variance 2 / depth.
template <class T>
void fill_relu_like(Tensor<T>& tensor, Random& random);
template <class T>
void fill_he(Tensor<T>& tensor, std::int64_t depth, Random& random);
// Integers in [-limit, limit], so that sums of their products are exact.
template <class T>
void fill_integers(Tensor<T>& tensor, std::int64_t limit, Random& random);
// Normal numbers, each scaled by its own power of two from 2^-20 to 2^20, so that sums cancel.
template <class T>
void fill_wide_range(Tensor<T>& tensor, Random& random);
// Normal numbers whose signs alternate along the axes from `first_axis` on.
template <class T>
void fill_alternating(Tensor<T>& tensor, int first_axis, Random& random);

// Dense operands of a problem with the data of the error classes. bias and residual are empty if
// the problem has none.
template <class T>
struct Operands {
  explicit Operands(const Problem& p, std::uint64_t seed = 1)
      : x(p.x_shape()),
        kernel(p.weight_shape()),
        bias(p.bias ? Dims{p.c_o} : Dims{0}),
        residual(p.residual ? p.y_shape() : Dims{0}) {
    Random random(seed);
    fill_relu_like(x, random);
    fill_he(kernel, p.depth(), random);
    fill_he(bias, 1, random);
    fill_he(residual, 1, random);
  }

  TensorView<const T> bias_view() const { return view_or_none(bias); }
  TensorView<const T> residual_view() const { return view_or_none(residual); }

  Tensor<T> x;
  Tensor<T> kernel;
  Tensor<T> bias;
  Tensor<T> residual;

 private:
  static TensorView<const T> view_or_none(const Tensor<T>& tensor) {
    return tensor.size() == 0 ? TensorView<const T>() : tensor.view();
  }
};

}  // namespace plait
