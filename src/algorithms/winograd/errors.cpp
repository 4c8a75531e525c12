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
// channels, which lie within 7 % [AVX-512, 2026-11-26].
constexpr double kTransformRoundings = 10;
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

}  // namespace

// A product at a point has the mean square E[V^2] E[U^2]; its sum over the channels is off by the
// roundings of a chunked sum, of V and of U, all in proportion to its own size; and the outputs
// gather these errors with the squares of A. Inputs have mean square 1, weights too: of E[V^2] a
// share is that of their mean. All of it is a product of what happens down the tile and across.
double expected_rms(const Form& form, std::int64_t channels) {
  const Matrices matrices = matrices_of(form);
  double of_mean = 0;
  double of_rest = 0;
  for (std::size_t p = 0; p < static_cast<std::size_t>(form.t()); ++p) {
    const Norms in = norms_of(matrices.b[p]);
    const double gathered = norms_of(matrices.g[p]).squares * norms_of(matrices.a[p]).squares;
    of_mean += gathered * in.sum * in.sum;
    of_rest += gathered * in.squares;
  }
  const double error = kMeanShare * of_mean * of_mean + (1 - kMeanShare) * of_rest * of_rest;
  const auto terms = static_cast<double>(std::min(channels, form.chunk()));
  const double roundings =
      kSumShare * (terms + chunks_of(form, channels)) / 2 + kTransformRoundings;
  const double size = form.m * form.r;  // rms over m x m outputs of r x r products
  return kRoundingRmsShare * kUnitRoundoff * std::sqrt(error * roundings) / size;
}

// Every path from an input to an output passes the roundings of both transforms, of the weight, of
// the sum over channels, of bias and residual; its size is that of the matrices' entries on it.
double error_gamma(const Form& form, std::int64_t channels) {
  const Matrices matrices = matrices_of(form);
  double largest = 1;  // of bias and residual
  for (std::size_t i = 0; i < static_cast<std::size_t>(form.m); ++i) {
    double sum = 0;
    for (std::size_t p = 0; p < static_cast<std::size_t>(form.t()); ++p) {
      sum += std::abs(matrices.a[p][i]) * norms_of(matrices.b[p]).absolute *
             norms_of(matrices.g[p]).largest;
    }
    largest = std::max(largest, sum * sum);
  }
  const double roundings = 4.0 * form.t() + 2 +
                           static_cast<double>(std::min(channels, form.chunk())) +
                           chunks_of(form, channels) + 3;
  return largest * roundings * kUnitRoundoff / (1 - roundings * kUnitRoundoff);
}

}  // namespace plait::winograd
