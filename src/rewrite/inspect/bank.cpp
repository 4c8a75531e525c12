#include "rewrite/inspect/bank.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

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

// Whether K[u, v] K[p, q] = K[u, q] K[p, v] for the largest tap [p, q]. Each of the four values may
// have been rounded, by half an epsilon at most, and so are the products here.
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

TapRange used_taps(const std::vector<bool>& used) {
  TapRange range;
  std::int64_t last = -1;
  std::int64_t step = 0;  // greatest common divisor of the distances from the first
  for (std::int64_t tap = 0; tap < static_cast<std::int64_t>(used.size()); ++tap) {
    if (!used[static_cast<std::size_t>(tap)]) continue;
    if (last < 0) range.first = tap;
    step = std::gcd(step, tap - range.first);
    last = tap;
  }
  if (last < 0) return range;
  range.step = std::max<std::int64_t>(step, 1);
  range.count = (last - range.first) / range.step + 1;
  return range;
}

TapRange kept_taps(const TapRange& used, std::int64_t taps, std::int64_t dilation,
                   std::int64_t pad_before, std::int64_t pad_after) {
  const std::int64_t most_before = std::min(taps - 1, pad_before / dilation);
  // Where no tap of the axis is used, any one may be kept.
  const TapRange held = used.count > 0 ? used : TapRange{most_before, 1, 1};
  const std::int64_t before = std::min(held.first, most_before);
  const std::int64_t end = std::max(held.last(), taps - 1 - pad_after / dilation);
  TapRange best{before, end - before + 1, 1};
  // Wider steps must meet all used taps. If there is only one, every step does.
  const std::int64_t distance = held.count == 1 ? 0 : held.step;
  const std::int64_t widest = distance == 0 ? taps : distance;
  for (std::int64_t step = 2; step <= widest; ++step) {
    if (distance % step != 0) continue;
    const std::int64_t first = before - ((before - held.first) % step + step) % step;
    const std::int64_t last = end + ((held.first - end) % step + step) % step;
    if (first < 0 || last >= taps) continue;
    const std::int64_t count = (last - first) / step + 1;
    if (count < best.count) best = {first, count, count == 1 ? 1 : step};
  }
  return best;
}

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
