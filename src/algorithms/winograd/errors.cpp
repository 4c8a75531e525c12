#include "algorithms/winograd/errors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error_model.hpp"
#include "kernels/toom_cook.hpp"

namespace plait::winograd {
namespace {

using Matrices = kernels::ToomCook<double>;

// Of half of a normal distribution: the squared mean over the mean square is 1 / pi.
constexpr double kMeanShare = 0.318;
// In the model's roundings: of both transforms and the weight, and how much larger than by
// chunked_sum_rms the error of the sums at the points is. Fitted to all forms at 8, 64 and 512
// channels, which lie within 6 % [AVX-512, 2026-11-26].
constexpr double kTransformRoundings = 9;
constexpr double kSumShare = 1.75;

Matrices matrices_of(const Form& form) {
  return kernels::toom_cook(kernels::toom_points<double>(form.t()), form.m, form.r);
}

double chunks_of(const Form& form, std::int64_t channels) {
  return std::ceil(static_cast<double>(channels) / static_cast<double>(form.chunk()));
}

struct Norms {
  double sum = 0;      // of the entries
  double squares = 0;  // of these
  double absolute = 0;
  double largest = 0;
};

Norms norms_of(const Matrices::Row& row) {
  Norms norms;
  for (const double entry : row) {
    norms.sum += entry;
    norms.squares += entry * entry;
    norms.absolute += std::abs(entry);
    norms.largest = std::max(norms.largest, std::abs(entry));
  }
  return norms;
}

// Calls visit(point down, point across) for every point of a tile.
template <class Visit>
void for_points(const Form& form, const Visit& visit) {
  for (std::size_t p = 0; p < static_cast<std::size_t>(form.t()); ++p) {
    for (std::size_t q = 0; q < static_cast<std::size_t>(form.t()); ++q) visit(p, q);
  }
}

}  // namespace

// A product at a point has the mean square E[V^2] E[U^2]; its sum over the channels is off by the
// roundings of a chunked sum, of V and of U, all in proportion to its own size; and the outputs
// gather these errors with the squares of A. Inputs have mean square 1, weights too.
double expected_rms(const Form& form, std::int64_t channels) {
  const Matrices matrices = matrices_of(form);
  const auto terms = static_cast<double>(std::min(channels, form.chunk()));
  const double chunks = chunks_of(form, channels);
  const double roundings = kSumShare * (terms + chunks) / 2 + kTransformRoundings;
  double error = 0;
  for_points(form, [&](std::size_t p, std::size_t q) {
    const Norms in_p = norms_of(matrices.b[p]);
    const Norms in_q = norms_of(matrices.b[q]);
    const double v = kMeanShare * in_p.sum * in_p.sum * in_q.sum * in_q.sum +
                     (1 - kMeanShare) * in_p.squares * in_q.squares;
    const double u = norms_of(matrices.g[p]).squares * norms_of(matrices.g[q]).squares;
    const double a = norms_of(matrices.a[p]).squares * norms_of(matrices.a[q]).squares;
    error += u * v * a / (form.m * form.m);
  });
  const double output = form.r * form.r;
  return kRoundingRmsShare * kUnitRoundoff * std::sqrt(error / output * roundings);
}

// Every path from an input to an output passes the roundings of both transforms, of the weight, of
// the sum over channels, of bias and residual; its size is that of the matrices' entries on it.
double error_gamma(const Form& form, std::int64_t channels) {
  const Matrices matrices = matrices_of(form);
  double largest = 1;  // of bias and residual
  for (std::size_t i = 0; i < static_cast<std::size_t>(form.m); ++i) {
    for (std::size_t j = 0; j < static_cast<std::size_t>(form.m); ++j) {
      double sum = 0;
      for_points(form, [&](std::size_t p, std::size_t q) {
        sum += std::abs(matrices.a[p][i] * matrices.a[q][j]) * norms_of(matrices.b[p]).absolute *
               norms_of(matrices.b[q]).absolute * norms_of(matrices.g[p]).largest *
               norms_of(matrices.g[q]).largest;
      });
      largest = std::max(largest, sum);
    }
  }
  const double roundings = 4.0 * form.t() + 2 +
                           static_cast<double>(std::min(channels, form.chunk())) +
                           chunks_of(form, channels) + 3;
  return largest * roundings * kUnitRoundoff / (1 - roundings * kUnitRoundoff);
}

}  // namespace plait::winograd
