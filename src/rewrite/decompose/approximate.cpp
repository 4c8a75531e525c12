#include "rewrite/decompose/approximate.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "core/integers.hpp"
#include "core/random.hpp"
#include "rewrite/linear/products.hpp"
#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

// Where the entries of the blocks' factors stand in the kernels of the two layers.
class Places {
 public:
  Places(const Unfolding& unfolding, const ScaledKernel& kernel, std::int64_t rank)
      : u_(unfolding), k_(kernel), rank_(rank) {
    // Taps of the second layer.
    switch (u_.form()) {
      case LayerForm::spatial_pairs:
      case LayerForm::spatial_shared:
        second_ = {1, k_.k_w};
        break;
      case LayerForm::channels_first:
        second_ = {k_.k_h, k_.k_w};
        break;
      case LayerForm::channels_last:
      case LayerForm::factors:
        break;
    }
  }

  Pair first_taps() const { return {k_.k_h - second_.h + 1, k_.k_w - second_.w + 1}; }
  Pair second_taps() const { return second_; }

  Dims first_shape() const {
    const Pair taps = first_taps();
    if (pairs()) return {k_.groups * k_.c_i * k_.outputs() * rank_, 1, taps.h, taps.w};
    return {k_.groups * rank_, k_.c_i, taps.h, taps.w};
  }
  Dims second_shape() const {
    return {k_.c_o, pairs() ? k_.c_i * rank_ : rank_, second_.h, second_.w};
  }
  std::int64_t first_groups() const { return pairs() ? k_.groups * k_.c_i : k_.groups; }
  std::int64_t second_groups() const { return pairs() ? k_.c_o : k_.groups; }

  std::int64_t in_first(std::int64_t block, std::int64_t row, std::int64_t t) const {
    return (pairs() ? middle(block, t) : block * rank_ + t) * u_.rows() + row;
  }
  std::int64_t in_second(std::int64_t block, std::int64_t col, std::int64_t t) const {
    const std::int64_t taps = second_.h * second_.w;
    if (pairs()) return (block * rank_ + t) * taps + col;
    return ((block * k_.outputs() + col / taps) * rank_ + t) * taps + col % taps;
  }

  // The first layer computes its channels in the order i, o, t; the second one reads them in the
  // order o, i, t.
  std::vector<std::int64_t> reads() const {
    if (!pairs() || k_.c_i == 1 || k_.outputs() == 1) return {};
    std::vector<std::int64_t> reads;
    reads.reserve(static_cast<std::size_t>(u_.blocks() * rank_));
    for (std::int64_t block = 0; block < u_.blocks(); ++block) {
      for (std::int64_t t = 0; t < rank_; ++t) reads.push_back(middle(block, t));
    }
    return reads;
  }

 private:
  bool pairs() const { return u_.form() == LayerForm::spatial_pairs; }

  // The channel between the layers of a pair, block = o c_ig + i.
  std::int64_t middle(std::int64_t block, std::int64_t t) const {
    const std::int64_t o = block / k_.c_i;
    const std::int64_t input = o / k_.outputs() * k_.c_i + block % k_.c_i;
    return (input * k_.outputs() + o % k_.outputs()) * rank_ + t;
  }

  const Unfolding& u_;
  const ScaledKernel& k_;
  std::int64_t rank_;
  Pair second_ = 1;
};

// The difference of K and the kernel that layers make, for each output and in all.
class Loss {
 public:
  explicit Loss(const ScaledKernel& kernel)
      : kernel_(kernel), by_output_(static_cast<std::size_t>(kernel.c_o)) {}

  void add(std::int64_t offset, double difference) {
    by_output_[static_cast<std::size_t>(offset / (kernel_.c_i * kernel_.taps()))] +=
        std::abs(difference);
    squares_ += difference * difference;
  }
  double relative_error() const {
    return squares_ == 0 ? 0 : std::sqrt(squares_) / norm(kernel_.values);
  }
  double largest_sum() const {
    return std::ldexp(*std::max_element(by_output_.begin(), by_output_.end()), kernel_.exponent);
  }

 private:
  const ScaledKernel& kernel_;
  std::vector<double> by_output_;  // sum of |difference|
  double squares_ = 0;
};

// The layer that has the taps of an axis takes the padding, stride and dilation of that axis, so
// that the other one meets no padding. Where both have taps, the first takes the padding and the
// second the stride.
template <class T>
void set_geometry(LayerForm form, const DecomposeOptions& options, ConvLayer<T>& first,
                  ConvLayer<T>& second) {
  const Pair& s = options.stride;
  const Pair& d = options.dilation;
  const Padding& p = options.padding;
  switch (form) {
    case LayerForm::spatial_pairs:
    case LayerForm::spatial_shared:
      first.stride = {s.h, 1};
      first.padding = {p.top, p.bottom, 0, 0};
      first.dilation = {d.h, 1};
      second.stride = {1, s.w};
      second.padding = {0, 0, p.left, p.right};
      second.dilation = {1, d.w};
      return;
    case LayerForm::channels_first:
      second.stride = s;
      second.padding = p;
      second.dilation = d;
      return;
    case LayerForm::channels_last:
      first.stride = s;
      first.padding = p;
      first.dilation = d;
      return;
    case LayerForm::factors:
      first.padding = p;
      first.dilation = d;
      second.stride = s;
      second.dilation = d;
      return;
  }
}

template <class T>
void set_form(LayerForm form, Approximation<T>& result) {
  result.form = form;
  result.name = name_of(form);
  result.what = description_of(form);
}

template <class T>
void set_loss(const Loss& loss, Approximation<T>& result) {
  result.kernel_error = loss.relative_error();
  result.output_bound = loss.largest_sum();
  result.multiplications_per_position = multiplications_per_position(result.layers);
}

template <class T>
Tensor<T> tensor_of(const Plane& plane, int exponent) {
  Tensor<T> tensor({1, 1, plane.rows, plane.cols});
  std::transform(plane.values.begin(), plane.values.end(), tensor.begin(),
                 [exponent](double value) { return static_cast<T>(std::ldexp(value, exponent)); });
  return tensor;
}

template <class T>
Plane plane_of(const Tensor<T>& tensor, int exponent) {
  Plane plane(static_cast<int>(tensor.size(2)), static_cast<int>(tensor.size(3)));
  std::transform(tensor.begin(), tensor.end(), plane.values.begin(),
                 [exponent](T value) { return std::ldexp(double{value}, exponent); });
  return plane;
}

template <class T>
Layers<double> in_f64(const Layers<T>& layers) {
  Layers<double> result;
  for (const ConvLayer<T>& layer : layers) {
    ConvLayer<double>& other = result.emplace_back();
    other.kernel = Tensor<double>(layer.kernel.shape());
    std::copy(layer.kernel.begin(), layer.kernel.end(), other.kernel.begin());
    other.stride = layer.stride;
    other.padding = layer.padding;
    other.dilation = layer.dilation;
    other.groups = layer.groups;
    other.reads = layer.reads;
  }
  return result;
}

// The shape of an image with some 6 x 6 outputs, padding apart; nothing if it would be large.
std::optional<Dims> image_for(const ScaledKernel& k, const DecomposeOptions& options) {
  constexpr std::int64_t kMostElements = std::int64_t{1} << 22;
  constexpr std::int64_t kOutputs = 6;
  const auto size = [](std::int64_t taps, std::int64_t dilation, std::int64_t stride,
                       std::int64_t before, std::int64_t after) -> std::optional<std::int64_t> {
    const auto window = bounded_product({dilation, taps - 1}, kMostElements);
    const auto steps = bounded_product({stride, kOutputs - 1}, kMostElements);
    if (!window || !steps || before > kMostElements || after > kMostElements) return {};
    return *window + *steps + 1;
  };
  const Padding& p = options.padding;
  const auto h = size(k.k_h, options.dilation.h, options.stride.h, p.top, p.bottom);
  const auto w = size(k.k_w, options.dilation.w, options.stride.w, p.left, p.right);
  if (!h || !w) return {};
  const std::int64_t channels = k.c_i * k.groups;
  if (!bounded_product({channels, *h + p.top + p.bottom, *w + p.left + p.right}, kMostElements)) {
    return {};
  }
  return Dims{1, channels, *h, *w};
}

}  // namespace

std::int64_t products_per_position(const Unfolding& unfolding, const ScaledKernel& kernel,
                                   std::int64_t rank, const Pair& stride) {
  const Places places(unfolding, kernel, rank);
  ConvLayer<double> first;
  ConvLayer<double> second;
  DecomposeOptions options;
  options.stride = stride;
  set_geometry(unfolding.form(), options, first, second);
  const Dims a = places.first_shape();
  const Dims b = places.second_shape();
  return saturated_sum(
      saturated_product({a[0], a[1], a[2], a[3], second.stride.h, second.stride.w}),
      saturated_product({b[0], b[1], b[2], b[3]}));
}

template <class T>
Approximation<T> approximation(const ScaledKernel& kernel, const Unfolding& unfolding,
                               std::int64_t rank, const DecomposeOptions& options) {
  const Places places(unfolding, kernel, rank);
  Approximation<T> result;
  set_form(unfolding.form(), result);
  result.rank = rank;
  result.full_rank = unfolding.full_rank();
  result.layers.resize(2);
  ConvLayer<T>& first = result.layers[0];
  ConvLayer<T>& second = result.layers[1];
  first.kernel = Tensor<T>(places.first_shape());
  second.kernel = Tensor<T>(places.second_shape());
  first.groups = places.first_groups();
  second.groups = places.second_groups();
  second.reads = places.reads();
  set_geometry(unfolding.form(), options, first, second);

  // Each layer takes the square root of each singular value, and half of the kernel's exponent.
  const int half = kernel.exponent / 2;
  const int other_half = kernel.exponent - half;
  Loss loss(kernel);
  Matrix a(rank, unfolding.rows());
  Matrix b(rank, unfolding.cols());
  for (std::int64_t block = 0; block < unfolding.blocks(); ++block) {
    stop_if(options.cancel);
    const Matrix matrix = unfolding.matrix(block);
    const Svd parts = svd(matrix, true);
    for (std::int64_t t = 0; t < rank; ++t) {
      const double root = std::sqrt(parts.values[static_cast<std::size_t>(t)]);
      for (std::int64_t row = 0; row < a.cols; ++row) {
        T& value = first.kernel.data()[places.in_first(block, row, t)];
        value = static_cast<T>(std::ldexp(root * parts.left(row, t), half));
        a(t, row) = std::ldexp(double{value}, -half);
      }
      for (std::int64_t col = 0; col < b.cols; ++col) {
        T& value = second.kernel.data()[places.in_second(block, col, t)];
        value = static_cast<T>(std::ldexp(root * parts.right(col, t), other_half));
        b(t, col) = std::ldexp(double{value}, -other_half);
      }
    }
    const Matrix made = transposed_product(b, a);  // cols x rows
    for (std::int64_t row = 0; row < a.cols; ++row) {
      for (std::int64_t col = 0; col < b.cols; ++col) {
        loss.add(unfolding.offset(block, row, col), matrix(row, col) - made(col, row));
      }
    }
  }
  set_loss(loss, result);
  return result;
}

template <class T>
Approximation<T> layers_of_factors(const ScaledKernel& kernel, const Factoring& factoring,
                                   const DecomposeOptions& options) {
  Approximation<T> result;
  set_form(LayerForm::factors, result);
  result.rank = result.full_rank = 1;
  result.layers.resize(2);
  result.layers[0].kernel = tensor_of<T>(factoring.first, 0);
  result.layers[1].kernel = tensor_of<T>(factoring.second, kernel.exponent);
  set_geometry(LayerForm::factors, options, result.layers[0], result.layers[1]);
  const Plane made = full_convolution(plane_of(result.layers[0].kernel, 0),
                                      plane_of(result.layers[1].kernel, -kernel.exponent));
  Loss loss(kernel);
  for (std::size_t i = 0; i < made.values.size(); ++i) {
    loss.add(static_cast<std::int64_t>(i), kernel.values[i] - made.values[i]);
  }
  set_loss(loss, result);
  return result;
}

template <class T>
void check_bound(const ScaledKernel& kernel, const Layers<T>& layer,
                 const DecomposeOptions& options, Approximation<T>& approximation) {
  constexpr double kAboveRounding = 1e-10;  // smaller errors drown in the rounding of f64 runs
  if (approximation.kernel_error < kAboveRounding || approximation.output_bound == 0) return;
  const std::optional<Dims> shape = image_for(kernel, options);
  if (!shape) return;
  Tensor<double> x(*shape);
  Random random(1);
  for (double& value : x) value = random.chance(0.5) ? 1 : -1;
  const RunLayersOptions run{.threads = options.threads, .cancel = options.cancel};
  const Tensor<double> given = run_layers<double>(in_f64(layer), x.view(), run);
  const Tensor<double> made = run_layers<double>(in_f64(approximation.layers), x.view(), run);
  double largest = 0;
  for (std::int64_t i = 0; i < given.size(); ++i) {
    largest = std::max(largest, std::abs(given.data()[i] - made.data()[i]));
  }
  approximation.bound_share = largest / approximation.output_bound;
}

template Approximation<float> approximation(const ScaledKernel&, const Unfolding&, std::int64_t,
                                            const DecomposeOptions&);
template Approximation<double> approximation(const ScaledKernel&, const Unfolding&, std::int64_t,
                                             const DecomposeOptions&);
template Approximation<float> layers_of_factors(const ScaledKernel&, const Factoring&,
                                                const DecomposeOptions&);
template Approximation<double> layers_of_factors(const ScaledKernel&, const Factoring&,
                                                 const DecomposeOptions&);
template void check_bound(const ScaledKernel&, const Layers<float>&, const DecomposeOptions&,
                          Approximation<float>&);
template void check_bound(const ScaledKernel&, const Layers<double>&, const DecomposeOptions&,
                          Approximation<double>&);

}  // namespace plait::rewrite
