#include "rewrite/decompose/low_rank.hpp"

#include <algorithm>
#include <cmath>

#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {

Unfolding::Unfolding(LayerForm form, const ScaledKernel& kernel) : form_(form), kernel_(&kernel) {
  switch (form) {
    case LayerForm::spatial_pairs:
      blocks_ = kernel.c_o * kernel.c_i;
      rows_ = kernel.k_h;
      cols_ = kernel.k_w;
      return;
    case LayerForm::spatial_shared:
      blocks_ = kernel.groups;
      rows_ = kernel.c_i * kernel.k_h;
      cols_ = kernel.outputs() * kernel.k_w;
      return;
    case LayerForm::channels_first:
      blocks_ = kernel.groups;
      rows_ = kernel.c_i;
      cols_ = kernel.outputs() * kernel.taps();
      return;
    case LayerForm::channels_last:
      blocks_ = kernel.groups;
      rows_ = kernel.c_i * kernel.taps();
      cols_ = kernel.outputs();
      return;
    case LayerForm::factors:
      return;
  }
}

std::int64_t Unfolding::offset(std::int64_t block, std::int64_t row, std::int64_t col) const {
  const ScaledKernel& k = *kernel_;
  const std::int64_t taps = k.taps();
  const std::int64_t per_output = k.c_i * taps;
  const std::int64_t first = block * k.outputs();  // output of a group
  switch (form_) {
    case LayerForm::spatial_pairs:
      return block * taps + row * k.k_w + col;
    case LayerForm::spatial_shared:
      return (first + col / k.k_w) * per_output + row * k.k_w + col % k.k_w;
    case LayerForm::channels_first:
      return (first + col / taps) * per_output + row * taps + col % taps;
    case LayerForm::channels_last:
      return (first + col) * per_output + row;
    case LayerForm::factors:
      break;
  }
  return 0;
}

Matrix Unfolding::matrix(std::int64_t block) const {
  Matrix matrix(rows_, cols_);
  double* to = matrix.values.data();
  for (std::int64_t col = 0; col < cols_; ++col) {
    for (std::int64_t row = 0; row < rows_; ++row) {
      *to++ = kernel_->values[static_cast<std::size_t>(offset(block, row, col))];
    }
  }
  return matrix;
}

std::string Unfolding::refusal() const {
  const ScaledKernel& k = *kernel_;
  const bool spatial = form_ == LayerForm::spatial_pairs || form_ == LayerForm::spatial_shared;
  if (spatial && std::min(k.k_h, k.k_w) == 1) {
    return "the kernel is " + std::to_string(k.k_h) + "x" + std::to_string(k.k_w) +
           ", not larger than 1 on both axes";
  }
  if (form_ == LayerForm::spatial_shared && k.c_i == 1 && k.outputs() == 1) {
    return "with one input and one output channel per group it is spatial_pairs";
  }
  if (form_ == LayerForm::channels_first && k.c_i == 1) return "a group has one input channel";
  if (form_ == LayerForm::channels_last && k.outputs() == 1)
    return "a group has one output channel";
  if (form_ == LayerForm::channels_last && k.taps() == 1) {
    return "for a 1x1 kernel it is channels_first";
  }
  if (full_rank() > kLargestMatrix) {
    return "its matrix, " + std::to_string(rows_) + "x" + std::to_string(cols_) +
           " per group, has more than " + std::to_string(kLargestMatrix) + " rows and columns";
  }
  return "";
}

Spectrum::Spectrum(const Unfolding& unfolding, const ScaledKernel& kernel,
                   const std::atomic<bool>* cancel)
    : unfolding_(unfolding),
      dropped_(static_cast<std::size_t>(unfolding.full_rank()) + 1),
      exact_error_(tolerance_of(kernel.epsilon, unfolding.full_rank())) {
  for (std::int64_t block = 0; block < unfolding.blocks(); ++block) {
    stop_if(cancel);
    const std::vector<double> values = svd(unfolding.matrix(block), false).values;
    double sum = 0;
    for (std::size_t rank = values.size(); rank-- > 0;) {
      sum += values[rank] * values[rank];
      dropped_[rank] += sum;
    }
  }
}

double Spectrum::error(std::int64_t rank) const {
  if (dropped_[0] == 0) return 0;
  return std::sqrt(dropped_[static_cast<std::size_t>(rank)] / dropped_[0]);
}

std::int64_t Spectrum::rank_for(double wanted) const {
  const std::int64_t full = unfolding_.full_rank();
  for (std::int64_t rank = 1; rank < full; ++rank) {
    if (error(rank) <= std::max(wanted, exact_error_)) return rank;
  }
  return full;
}

Separability separability(const ScaledKernel& kernel, const std::atomic<bool>* cancel) {
  const std::int64_t rank = std::min(kernel.k_h, kernel.k_w);
  Separability found;
  found.kernels = kernel.c_o * kernel.c_i;
  found.tolerance = tolerance_of(kernel.epsilon, std::max(kernel.k_h, kernel.k_w));
  found.singular_values = Tensor<double>({kernel.c_o, kernel.c_i, rank});
  double* to = found.singular_values.data();
  for (std::int64_t o = 0; o < kernel.c_o; ++o) {
    stop_if(cancel);
    for (std::int64_t i = 0; i < kernel.c_i; ++i) {
      const std::vector<double> values = svd(matrix_of(kernel.plane(o, i)), false).values;
      for (const double value : values) *to++ = std::ldexp(value, kernel.exponent);
      const double second = values.size() > 1 ? values[1] : 0;
      if (second <= found.tolerance * values[0]) ++found.separable_kernels;
      if (values[0] > 0) found.largest_ratio = std::max(found.largest_ratio, second / values[0]);
    }
  }
  found.separable = found.separable_kernels == found.kernels;
  return found;
}

}  // namespace plait::rewrite
