// The sums that define a convolution and its gradients, one result at a time, for any type of
// number. Floats are summed in f64, other types in their own. Tests use one that counts.
#pragma once

#include <cstdint>

#include <plait/problem.hpp>

#include "core/problem/axis_reach.hpp"

namespace plait::algorithm::reference {

template <class T>
struct SumOf {
  using Type = T;
};
template <>
struct SumOf<float> {
  using Type = double;
};
template <class T>
using Sum = typename SumOf<T>::Type;

inline constexpr std::int64_t kOutside = -1;

// The input position that `position` reads on an axis of `size`, or kOutside for a fill value.
inline std::int64_t source_position(PaddingMode mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case PaddingMode::reflect:  // ... 2 1 | 0 1 2 ...: the border itself is not repeated
      return position < 0 ? -position : 2 * (size - 1) - position;
    case PaddingMode::symmetric:  // ... 1 0 | 0 1 2 ...: the border is repeated
      return position < 0 ? -1 - position : 2 * size - 1 - position;
    case PaddingMode::replicate:
      return position < 0 ? 0 : size - 1;
    case PaddingMode::circular:
      return (position % size + size) % size;
    case PaddingMode::zeros:
    case PaddingMode::constant:
      break;
  }
  return kOutside;
}

// The row and the column of x that tap (u, v) of output (i, j) reads, or kOutside.
inline std::int64_t source_row(const Problem& p, std::int64_t i, std::int64_t u) {
  return source_position(p.padding_mode, i * p.stride.h + u * p.dilation.h - p.padding.top, p.h);
}
inline std::int64_t source_column(const Problem& p, std::int64_t j, std::int64_t v) {
  return source_position(p.padding_mode, j * p.stride.w + v * p.dilation.w - p.padding.left, p.w);
}

// Calls f(output, tap) for all pairs that read position `source` of x, also as padding.
template <class F>
void for_each_reader(const AxisWindows& axis, PaddingMode mode, std::int64_t source, const F& f) {
  const bool repeats = mode != PaddingMode::zeros && mode != PaddingMode::constant;
  const std::int64_t first = repeats ? -axis.before : source;
  const std::int64_t last = repeats ? axis.size + axis.after - 1 : source;
  for (std::int64_t tap = 0; tap < axis.taps; ++tap) {
    for (std::int64_t position = first; position <= last; ++position) {
      if (source_position(mode, position, axis.size) != source) continue;
      const std::int64_t steps = position + axis.before - tap * axis.dilation;
      if (steps < 0 || steps % axis.stride != 0) continue;
      if (steps / axis.stride < axis.outputs) f(steps / axis.stride, tap);
    }
  }
}

// The first of the c_i/groups channels of x that output channel o reads.
inline std::int64_t first_channel(const Problem& p, std::int64_t o) {
  return o / (p.c_o / p.groups) * (p.c_i / p.groups);
}

// Image n of x as its layer reads it.
template <class T>
class Input {
 public:
  Input(const Problem& p, const T* x, std::int64_t n)
      : strides_(p.effective_x_strides()),
        image_(x + n * strides_[0]),
        fill_(p.padding_mode == PaddingMode::constant ? p.padding_value : 0) {}

  // `row` and `column` are results of source_position().
  Sum<T> at(std::int64_t c, std::int64_t row, std::int64_t column) const {
    if (row == kOutside || column == kOutside) return fill_;
    return static_cast<Sum<T>>(image_[c * strides_[1] + row * strides_[2] + column * strides_[3]]);
  }

 private:
  Dims strides_;
  const T* image_;
  Sum<T> fill_;
};

// Calls f(x, K), both of type Sum<T>, for the products of y[n, o, i, j]:
//   sum over c, u, v of x[n, first_channel(o) + c, i s_h + u d_h - p_top, j s_w + v d_w - p_left]
//                       * K[o, c, u, v]
template <class T, class F>
void for_each_product(const Problem& p, const T* x, const T* kernel, std::int64_t n, std::int64_t o,
                      std::int64_t i, std::int64_t j, const F& f) {
  const Input<T> input(p, x, n);
  const std::int64_t channels = p.c_i / p.groups;
  const std::int64_t first = first_channel(p, o);
  const T* weight = kernel + o * channels * p.k_h * p.k_w;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t u = 0; u < p.k_h; ++u) {
      const std::int64_t row = source_row(p, i, u);
      for (std::int64_t v = 0; v < p.k_w; ++v, ++weight) {
        const std::int64_t column = source_column(p, j, v);
        f(input.at(first + c, row, column), static_cast<Sum<T>>(*weight));
      }
    }
  }
}

// An element of a gradient, and the number of its products.
template <class T>
struct Gradient {
  Sum<T> sum{};
  std::int64_t products = 0;
};

// dx[n, c, row, column] = sum of dy[n, o, i, j] * K[o, c, u, v] over the outputs and taps that read
// it, at its place or where padding repeats it.
template <class T>
Gradient<T> data_gradient(const Problem& p, const T* dy, const T* kernel, std::int64_t n,
                          std::int64_t c, std::int64_t row, std::int64_t column) {
  const Dims strides = p.effective_y_strides();
  const std::int64_t channels = p.c_i / p.groups;
  const std::int64_t outputs = p.c_o / p.groups;
  const std::int64_t first = c / channels * outputs;
  const AxisWindows columns = AxisWindows::columns_of(p);
  Gradient<T> gradient;
  for_each_reader(
      AxisWindows::rows_of(p), p.padding_mode, row, [&](std::int64_t i, std::int64_t u) {
        for_each_reader(columns, p.padding_mode, column, [&](std::int64_t j, std::int64_t v) {
          for (std::int64_t o = first; o < first + outputs; ++o) {
            const auto slope = static_cast<Sum<T>>(
                dy[n * strides[0] + o * strides[1] + i * strides[2] + j * strides[3]]);
            const auto weight = static_cast<Sum<T>>(
                kernel[((o * channels + c % channels) * p.k_h + u) * p.k_w + v]);
            gradient.sum += slope * weight;
          }
          gradient.products += outputs;
        });
      });
  return gradient;
}

// dK[o, c, u, v] = sum over n, i, j of dy[n, o, i, j] * the x that tap (u, v) reads there. Returns
// early when stop(), called at every row, is true.
template <class T, class Stop>
Gradient<T> weight_gradient(const Problem& p, const T* x, const T* dy, std::int64_t o,
                            std::int64_t c, std::int64_t u, std::int64_t v, const Stop& stop) {
  const Dims strides = p.effective_y_strides();
  const std::int64_t h_o = p.h_o();
  const std::int64_t w_o = p.w_o();
  const std::int64_t channel = first_channel(p, o) + c;
  Gradient<T> gradient;
  for (std::int64_t n = 0; n < p.n; ++n) {
    const Input<T> input(p, x, n);
    for (std::int64_t i = 0; i < h_o && !stop(); ++i) {
      const std::int64_t row = source_row(p, i, u);
      for (std::int64_t j = 0; j < w_o; ++j) {
        const std::int64_t column = source_column(p, j, v);
        const auto slope = static_cast<Sum<T>>(
            dy[n * strides[0] + o * strides[1] + i * strides[2] + j * strides[3]]);
        gradient.sum += slope * input.at(channel, row, column);
      }
      gradient.products += w_o;
    }
  }
  return gradient;
}

// dbias[o] = sum over n, i, j of dy[n, o, i, j]. `stop` is as for weight_gradient.
template <class T, class Stop>
Gradient<T> bias_gradient(const Problem& p, const T* dy, std::int64_t o, const Stop& stop) {
  const Dims strides = p.effective_y_strides();
  Gradient<T> gradient;
  for (std::int64_t n = 0; n < p.n; ++n) {
    for (std::int64_t i = 0; i < p.h_o() && !stop(); ++i) {
      for (std::int64_t j = 0; j < p.w_o(); ++j) {
        gradient.sum += static_cast<Sum<T>>(
            dy[n * strides[0] + o * strides[1] + i * strides[2] + j * strides[3]]);
      }
    }
  }
  return gradient;
}

}  // namespace plait::algorithm::reference
