// Let the layers have k1 and k2 taps and m channels between them. Then K[u] is the sum over s of
// K2[s] K1[u - s], products of c_og x m and m x c_ig matrices. So
//   - tap u, a sum of p(u) products, has a rank of at most p(u) m; at the corners p = 1;
//   - K as c_og x (c_ig taps) has a rank of at most m |k2|, and as c_ig x (c_og taps) of m |k1|.
// On the other hand, m = rank(K as c_ig x (c_og taps)) |k1| is enough: K1 shifts the inputs that
// matter to every tap it has, and K2 takes each tap from one of them; m = rank(K as c_og x (c_ig
// taps)) |k2| likewise. For a column then a row, K[u, v] = K2[v] K1[u] for all taps: m is the rank
// of the (c_ig k_h) x (c_og k_w) matrix of them, which is not a bound but the number itself.
#include "rewrite/decompose/middle_channels.hpp"

#include <algorithm>
#include <cmath>

#include "core/integers.hpp"
#include "rewrite/decompose/low_rank.hpp"
#include "rewrite/linear/svd.hpp"

namespace plait::rewrite {
namespace {

constexpr std::int64_t kLargestTapSide = 15;
constexpr double kMostWork = 1e9;  // multiply-adds for the ranks of all taps; else the corners only

// The rank of a tap's matrix c_og x c_ig: the singular values that rounding the kernel cannot make.
std::int64_t rank_of_tap(const ScaledKernel& kernel, std::int64_t group, std::int64_t tap,
                         double threshold) {
  Matrix matrix(kernel.outputs(), kernel.c_i);
  for (std::int64_t o = 0; o < matrix.rows; ++o) {
    for (std::int64_t i = 0; i < matrix.cols; ++i) {
      matrix(o, i) = kernel.at(group * kernel.outputs() + o, i)[tap];
    }
  }
  const std::vector<double> values = svd(matrix, false).values;
  return std::count_if(values.begin(), values.end(),
                       [threshold](double value) { return value > threshold; });
}

// For each tap the largest rank over the groups, or -1 where that would take too long.
std::vector<std::int64_t> ranks_of_taps(const ScaledKernel& kernel,
                                        const std::atomic<bool>* cancel) {
  const std::int64_t least = std::min(kernel.outputs(), kernel.c_i);
  const double work = static_cast<double>(kernel.values.size()) * static_cast<double>(least);
  const double threshold = tolerance_of(kernel.epsilon, least) * norm(kernel.values);
  std::vector<std::int64_t> ranks(static_cast<std::size_t>(kernel.taps()), -1);
  for (std::int64_t u = 0; u < kernel.k_h; ++u) {
    for (std::int64_t v = 0; v < kernel.k_w; ++v) {
      const bool corner = (u == 0 || u == kernel.k_h - 1) && (v == 0 || v == kernel.k_w - 1);
      if ((!corner && work > kMostWork) || least > kLargestMatrix) continue;
      auto& rank = ranks[static_cast<std::size_t>(u * kernel.k_w + v)];
      for (std::int64_t group = 0; group < kernel.groups; ++group) {
        stop_if(cancel);
        rank = std::max(rank, rank_of_tap(kernel, group, u * kernel.k_w + v, threshold));
      }
    }
  }
  return ranks;
}

// How many s in [0, k2) have u - s in [0, k1).
std::int64_t products(std::int64_t u, std::int64_t k1, std::int64_t k2) {
  return std::min(u, k2 - 1) - std::max<std::int64_t>(0, u - k1 + 1) + 1;
}

// The exact rank of a row then a column, which is that of a column then a row for the transposed
// kernel.
std::int64_t rank_row_first(const ScaledKernel& kernel, const std::atomic<bool>* cancel) {
  ScaledKernel other = kernel;
  std::swap(other.k_h, other.k_w);
  double* to = other.values.data();
  for (std::int64_t o = 0; o < kernel.c_o; ++o) {
    for (std::int64_t i = 0; i < kernel.c_i; ++i) {
      for (std::int64_t v = 0; v < kernel.k_w; ++v) {
        for (std::int64_t u = 0; u < kernel.k_h; ++u) *to++ = kernel.at(o, i)[u * kernel.k_w + v];
      }
    }
  }
  const Unfolding unfolding(LayerForm::spatial_shared, other);
  if (unfolding.full_rank() > kLargestMatrix) return 0;
  return Spectrum(unfolding, other, cancel).exact_rank();
}

}  // namespace

std::vector<MiddleChannels> middle_channels(const ScaledKernel& kernel, const KnownRanks& known,
                                            const std::atomic<bool>* cancel) {
  std::vector<MiddleChannels> splits;
  const bool two_axes = kernel.k_h > 1 && kernel.k_w > 1;
  if (!two_axes && std::max(kernel.k_h, kernel.k_w) < 3) return splits;
  const std::vector<std::int64_t> taps = ranks_of_taps(kernel, cancel);
  const bool all = std::max(kernel.k_h, kernel.k_w) <= kLargestTapSide;
  for (std::int64_t a = 1; a <= kernel.k_h; ++a) {
    for (std::int64_t b = 1; b <= kernel.k_w; ++b) {
      const Pair first(a, b);
      const Pair second(kernel.k_h - a + 1, kernel.k_w - b + 1);
      const bool column_first = two_axes && second.h == 1 && b == 1;
      const bool row_first = two_axes && a == 1 && second.w == 1;
      if (first == Pair(1) || second == Pair(1) || (!all && !column_first && !row_first)) continue;
      MiddleChannels split{first, second, 0, 0};
      if (column_first) split.lower = split.upper = known.shared_rank;
      if (row_first) split.lower = split.upper = rank_row_first(kernel, cancel);
      if (split.lower == 0) {
        split.lower = std::max(ceil_div(known.last_rank, second.h * second.w),
                               ceil_div(known.first_rank, a * b));
        for (std::int64_t u = 0; u < kernel.k_h; ++u) {
          for (std::int64_t v = 0; v < kernel.k_w; ++v) {
            const std::int64_t rank = taps[static_cast<std::size_t>(u * kernel.k_w + v)];
            if (rank < 0) continue;
            const std::int64_t terms = products(u, a, second.h) * products(v, b, second.w);
            split.lower = std::max(split.lower, ceil_div(rank, terms));
          }
        }
        split.upper = std::min(known.first_rank * a * b, known.last_rank * second.h * second.w);
      }
      splits.push_back(split);
    }
  }
  return splits;
}

}  // namespace plait::rewrite
