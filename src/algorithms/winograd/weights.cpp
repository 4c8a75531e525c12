#include "algorithms/winograd/weights.hpp"

#include <algorithm>
#include <array>

#include "algorithms/winograd/guard.hpp"
#include "kernels/winograd/toom_cook.hpp"

namespace plait::algorithm::winograd {
namespace {

constexpr std::size_t kMost = kernels::kMostToomPoints;
using Matrix = std::array<std::array<double, kMost>, kMost>;

// The t x r matrix G of one axis.
Matrix weights_at_points(const kernels::AxisForm& axis) {
  Matrix g{};
  if (axis.r == 1) {
    g[0][0] = 1;
    return g;
  }
  const auto matrices = kernels::toom_cook(kernels::toom_points<double>(axis.t()), axis.m, axis.r);
  for (std::size_t p = 0; p < static_cast<std::size_t>(axis.t()); ++p) {
    for (std::size_t u = 0; u < static_cast<std::size_t>(axis.r); ++u) g[p][u] = matrices.g[p][u];
  }
  return g;
}

}  // namespace

std::int64_t weight_blocks(const Problem& problem, const Blocking& blocking) {
  return problem.groups * blocking.row_blocks;
}

void transform_weights(const Problem& problem, const Blocking& blocking, const float* kernel,
                       const float* bias, std::int64_t block, float* out) {
  const Matrix down = weights_at_points(blocking.down);
  const Matrix across = weights_at_points(blocking.across);
  const auto taps_down = static_cast<std::size_t>(blocking.down.r);
  const auto taps_across = static_cast<std::size_t>(blocking.across.r);
  const auto points_down = static_cast<std::size_t>(blocking.down.t());
  const auto points_across = static_cast<std::size_t>(blocking.across.t());
  const std::int64_t taps = problem.k_h * problem.k_w;
  const std::int64_t rows = blocking.tiles->rows();
  const std::int64_t per_group = problem.c_o / problem.groups;
  const std::int64_t group = block / blocking.row_blocks;
  const std::int64_t first = block % blocking.row_blocks * rows;
  const std::int64_t count = std::min(rows, per_group - first);
  const float* const from = kernel + (group * per_group + first) * blocking.channels * taps;
  float* const to = out + block * blocking.points() * blocking.channels * rows;
  std::fill(to, to + blocking.points() * blocking.channels * rows, 0.0F);
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t c = 0; c < blocking.channels; ++c) {
      const float* const g = from + (row * blocking.channels + c) * taps;
      Matrix half{};  // G g
      for (std::size_t p = 0; p < points_down; ++p) {
        for (std::size_t v = 0; v < taps_across; ++v) {
          double sum = 0;
          for (std::size_t u = 0; u < taps_down; ++u) {
            sum += down[p][u] * static_cast<double>(g[u * taps_across + v]);
          }
          half[p][v] = sum;
        }
      }
      float* const u = to + c * rows + row;
      for (std::size_t p = 0; p < points_down; ++p) {
        for (std::size_t q = 0; q < points_across; ++q) {
          double sum = 0;
          for (std::size_t v = 0; v < taps_across; ++v) sum += half[p][v] * across[q][v];
          u[static_cast<std::int64_t>(p * points_across + q) * blocking.channels * rows] =
              static_cast<float>(sum);
        }
      }
    }
  }
  float* const biases = out + blocking.biases_at + block * rows;
  std::fill(biases, biases + rows, 0.0F);
  if (bias != nullptr) {
    const float* const own = bias + group * per_group + first;
    std::copy(own, own + count, biases);
  }
  const std::int64_t terms = blocking.channels * taps;
  const std::int64_t lanes = blocking.direct_tiles->rows();
  float* direct = out + blocking.kernel_at + block * rows * terms;
  for (std::int64_t part = 0; part < rows; part += lanes) {
    for (std::int64_t term = 0; term < terms; ++term) {
      for (std::int64_t row = part; row < part + lanes; ++row) {
        *direct++ = row < count ? from[row * terms + term] : 0.0F;
      }
    }
  }
  out[blocking.limits_at + block] = largest_input(
      blocking.form, axes_of(problem), {from, static_cast<std::size_t>(count * terms)}, terms);
}

}  // namespace plait::algorithm::winograd
