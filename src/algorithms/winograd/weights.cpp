#include "algorithms/winograd/weights.hpp"

#include <algorithm>
#include <array>

#include "kernels/toom_cook.hpp"

namespace plait::winograd {
namespace {

constexpr std::size_t kMost = kernels::kMostToomPoints;

}  // namespace

std::int64_t weight_blocks(const Problem& problem, const Cut& cut) {
  return problem.groups * cut.row_blocks;
}

void transform_weights(const Problem& problem, const Cut& cut, const float* kernel,
                       const float* bias, std::int64_t block, float* out) {
  const Form& form = cut.form;
  const auto matrices = kernels::toom_cook(kernels::toom_points<double>(form.t()), form.m, form.r);
  const auto t = static_cast<std::size_t>(form.t());
  const auto r = static_cast<std::size_t>(form.r);
  const std::int64_t rows = cut.tiles->rows();
  const std::int64_t per_group = problem.c_o / problem.groups;
  const std::int64_t group = block / cut.row_blocks;
  const std::int64_t first = block % cut.row_blocks * rows;
  const std::int64_t count = std::min(rows, per_group - first);
  const float* const from = kernel + (group * per_group + first) * cut.channels * form.r * form.r;
  float* const to = out + block * form.points() * cut.channels * rows;
  std::fill(to, to + form.points() * cut.channels * rows, 0.0F);
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t c = 0; c < cut.channels; ++c) {
      const float* const g = from + (row * cut.channels + c) * form.r * form.r;
      std::array<std::array<double, kMost>, kMost> half{};  // G g
      for (std::size_t p = 0; p < t; ++p) {
        for (std::size_t v = 0; v < r; ++v) {
          double sum = 0;
          for (std::size_t u = 0; u < r; ++u) {
            sum += matrices.g[p][u] * static_cast<double>(g[u * r + v]);
          }
          half[p][v] = sum;
        }
      }
      float* const u = to + c * rows + row;
      for (std::size_t p = 0; p < t; ++p) {
        for (std::size_t q = 0; q < t; ++q) {
          double sum = 0;
          for (std::size_t v = 0; v < r; ++v) sum += half[p][v] * matrices.g[q][v];
          u[static_cast<std::int64_t>(p * t + q) * cut.channels * rows] = static_cast<float>(sum);
        }
      }
    }
  }
  float* const biases =
      out + weight_blocks(problem, cut) * form.points() * cut.channels * rows + block * rows;
  std::fill(biases, biases + rows, 0.0F);
  if (bias != nullptr) {
    const float* const own = bias + group * per_group + first;
    std::copy(own, own + count, biases);
  }
}

}  // namespace plait::winograd
