#include "rewrite/inspect/bank.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rewrite/inspect/window.hpp"

namespace plait::rewrite {
namespace {

// One k_h x k_w kernel.
template <class T>
struct Taps {
  const T* values;
  std::int64_t k_h;
  std::int64_t k_w;

  T at(std::int64_t u, std::int64_t v) const { return values[u * k_w + v]; }
};

// Whether K[u, v] = sign K[image(u, v)] at every tap.
template <class T, class Image>
bool equals_image(const Taps<T>& taps, T sign, Image&& image) {
  for (std::int64_t u = 0; u < taps.k_h; ++u) {
    for (std::int64_t v = 0; v < taps.k_w; ++v) {
      if (taps.at(u, v) != sign * image(u, v)) return false;
    }
  }
  return true;
}

template <class T>
void count_symmetries(const Taps<T>& taps, T sign, KernelSymmetries& counts) {
  const std::int64_t bottom = taps.k_h - 1;
  const std::int64_t right = taps.k_w - 1;
  const auto count = [&](bool asked, std::int64_t& to, auto&& image) {
    if (asked && equals_image(taps, sign, image)) ++to;
  };
  count(bottom > 0, counts.top_bottom, [&](auto u, auto v) { return taps.at(bottom - u, v); });
  count(right > 0, counts.left_right, [&](auto u, auto v) { return taps.at(u, right - v); });
  count(bottom > 0 || right > 0, counts.point,
        [&](auto u, auto v) { return taps.at(bottom - u, right - v); });
  count(bottom == right && bottom > 0, counts.transpose,
        [&](auto u, auto v) { return taps.at(v, u); });
}

// Whether K[u, v] K[p, q] = K[u, q] K[p, v] for the largest tap [p, q], within what rounding the
// four values of a kernel of rank one can do (each is off by half an epsilon at most), and rounding
// here.
template <class T>
bool has_rank_one(const Taps<T>& taps) {
  const T* end = taps.values + taps.k_h * taps.k_w;
  const T* largest =
      std::max_element(taps.values, end, [](T a, T b) { return std::abs(a) < std::abs(b); });
  const double pivot = static_cast<double>(*largest);
  const std::int64_t p = (largest - taps.values) / taps.k_w;
  const std::int64_t q = (largest - taps.values) % taps.k_w;
  const double allowed = 4.0 * std::numeric_limits<T>::epsilon();
  for (std::int64_t u = 0; u < taps.k_h; ++u) {
    // Divided by the pivot's square, so that no product leaves the range.
    const double column = static_cast<double>(taps.at(u, q)) / pivot;
    for (std::int64_t v = 0; v < taps.k_w; ++v) {
      const double row = static_cast<double>(taps.at(p, v)) / pivot;
      if (std::abs(static_cast<double>(taps.at(u, v)) / pivot - column * row) > allowed) {
        return false;
      }
    }
  }
  return true;
}

template <class T>
void look_at_window(const ConvLayer<T>& layer, KernelWindow& window) {
  const std::int64_t k_h = layer.kernel.size(2);
  const std::int64_t k_w = layer.kernel.size(3);
  std::vector<bool> rows(static_cast<std::size_t>(k_h));
  std::vector<bool> columns(static_cast<std::size_t>(k_w));
  const T* value = layer.kernel.data();
  for (std::int64_t kernel = 0; kernel < layer.kernel.size(0) * layer.kernel.size(1); ++kernel) {
    for (std::size_t u = 0; u < rows.size(); ++u) {
      for (std::size_t v = 0; v < columns.size(); ++v) {
        if (*value++ == 0) continue;
        rows[u] = true;
        columns[v] = true;
      }
    }
  }
  const Padding& pad = layer.padding;
  const Pair& dilation = layer.dilation;
  window.rows = used_taps(rows);
  window.columns = used_taps(columns);
  window.kept_rows = kept_taps(window.rows, k_h, dilation.h, pad.top, pad.bottom);
  window.kept_columns = kept_taps(window.columns, k_w, dilation.w, pad.left, pad.right);
  if (window.rows.count == 0) return;
  window.needed_padding = {
      window.rows.first * dilation.h, (k_h - 1 - window.rows.last()) * dilation.h,
      window.columns.first * dilation.w, (k_w - 1 - window.columns.last()) * dilation.w};
}

}  // namespace

template <class T>
KernelMap kernel_map(const ConvLayer<T>& layer) {
  const Tensor<T>& kernel = layer.kernel;
  KernelMap map{
      .c_o = kernel.size(0), .c_i = kernel.size(1) * layer.groups, .groups = layer.groups};
  const std::int64_t taps = kernel.size(2) * kernel.size(3);
  map.nonzero.resize(static_cast<std::size_t>(kernel.size(0) * kernel.size(1)));
  const T* from = kernel.data();
  for (std::uint8_t& nonzero : map.nonzero) {
    nonzero = std::any_of(from, from + taps, [](T value) { return value != 0; }) ? 1 : 0;
    from += taps;
  }
  return map;
}

template <class T>
KernelFindings look_at_kernels(const ConvLayer<T>& layer, const KernelMap& map) {
  KernelFindings found;
  found.kernels = static_cast<std::int64_t>(map.nonzero.size());
  found.zero_kernels = std::count(map.nonzero.begin(), map.nonzero.end(), 0);
  std::vector<bool> read(static_cast<std::size_t>(map.c_i));
  Taps<T> taps{layer.kernel.data(), layer.kernel.size(2), layer.kernel.size(3)};
  for (std::int64_t o = 0; o < map.c_o; ++o) {
    bool zero = true;
    for (std::int64_t j = 0; j < map.inputs_per_group(); ++j) {
      if (map.at(o, j)) {
        zero = false;
        read[static_cast<std::size_t>(map.input_of(o, j))] = true;
        count_symmetries(taps, T{1}, found.symmetric);
        count_symmetries(taps, T{-1}, found.antisymmetric);
        found.rank_one_kernels += has_rank_one(taps) ? 1 : 0;
      }
      taps.values += taps.k_h * taps.k_w;
    }
    if (zero) found.zero_outputs.push_back(o);
  }
  for (std::int64_t i = 0; i < map.c_i; ++i) {
    if (!read[static_cast<std::size_t>(i)]) found.dead_inputs.push_back(i);
  }
  look_at_window(layer, found.window);
  return found;
}

template KernelMap kernel_map(const ConvLayer<float>&);
template KernelMap kernel_map(const ConvLayer<double>&);
template KernelFindings look_at_kernels(const ConvLayer<float>&, const KernelMap&);
template KernelFindings look_at_kernels(const ConvLayer<double>&, const KernelMap&);

}  // namespace plait::rewrite
