// Random data of a problem, laid out with the problem's strides.
#pragma once

#include <plait/plan.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait::cli {

// x as behind a ReLU (normal, negative values set to 0), and normal K, bias and residual: the data
// that Cost::error_rms is an expectation for. They are the same at every call; bias and residual
// are empty where the problem has none. T is the problem's dtype.
template <class T>
class BenchOperands {
 public:
  explicit BenchOperands(const Problem& problem);
  BenchOperands(const BenchOperands&) = delete;
  BenchOperands& operator=(const BenchOperands&) = delete;

  TensorView<const T> x() const { return x_; }
  TensorView<const T> kernel() const { return kernel_; }
  TensorView<const T> bias() const { return bias_; }
  TensorView<const T> residual() const { return residual_; }
  TensorView<T> y() const { return y_; }

 private:
  Tensor<T> storage_[5];
  TensorView<T> x_;
  TensorView<T> kernel_;
  TensorView<T> bias_;
  TensorView<T> residual_;
  TensorView<T> y_;
};

}  // namespace plait::cli
