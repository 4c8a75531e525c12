#include "algorithms/winograd/errors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error_model.hpp"
#include "kernels/winograd/toom_cook.hpp"

namespace plait::algorithm::winograd {
namespace {

using kernels::power;
using Matrices = kernels::ToomCook<double>;

// Of half of a normal distribution: the squared mean over the mean square is 1 / pi.
constexpr double kMeanShare = 0.318;
// In the model's roundings: of both transforms and the weight, and how much larger than by
// chunked_sum_rms the error of the sums at the points is. Fitted to all forms at 8, 64 and 512
// channels, which lie within 7 % [AVX-512, 2026-11-26].
constexpr double kTransformRoundings = 5;  // for each axis
constexpr double kSumShare = 1.75;

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

// How much the transforms along one axis amplify errors. The last sums are over the points.
struct AxisErrors {
  Form form;
  double of_mean = 0;  // of the mean square of an output's error: what the inputs' mean makes of it
  double of_rest = 0;  // and the rest of their mean square
  double worst = 0;    // of the size of what passes from an input to an output
  double inputs = 0;   // largest sum of a row of B^T, in magnitudes,
  double outputs = 0;  // and of A^T,
  double weights = 0;  // and the largest entry of G
  double of_input = 0;   // from the inputs' values at the points to an output: of |A| |G|
  double of_weight = 0;  // and from the weights': of |A| |B^T|
};

AxisErrors axis_errors(const Form& form) {
  const Matrices matrices =
      kernels::toom_cook(kernels::toom_points<double>(form.t()), form.m, form.r);
  AxisErrors errors{form};
  for (std::size_t p = 0; p < static_cast<std::size_t>(form.t()); ++p) {
    const Norms in = norms_of(matrices.b[p]);
    const double gathered = norms_of(matrices.g[p]).squares * norms_of(matrices.a[p]).squares;
    errors.of_mean += gathered * in.sum * in.sum;
    errors.of_rest += gathered * in.squares;
    errors.inputs = std::max(errors.inputs, in.absolute);
    errors.weights = std::max(errors.weights, norms_of(matrices.g[p]).largest);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(form.m); ++i) {
    double sum = 0;
    double outputs = 0;
    double of_input = 0;
    double of_weight = 0;
    for (std::size_t p = 0; p < static_cast<std::size_t>(form.t()); ++p) {
      const double a = std::abs(matrices.a[p][i]);
      const double b = norms_of(matrices.b[p]).absolute;
      const double g = norms_of(matrices.g[p]).largest;
      sum += a * b * g;
      outputs += a;
      of_input += a * g;
      of_weight += a * b;
    }
    errors.worst = std::max(errors.worst, sum);
    errors.outputs = std::max(errors.outputs, outputs);
    errors.of_input = std::max(errors.of_input, of_input);
    errors.of_weight = std::max(errors.of_weight, of_weight);
  }
  return errors;
}

// Planning asks for them again and again.
const AxisErrors& errors_of(const Form& form) {
  static const auto all = [] {
    std::array<AxisErrors, std::size(kForms)> errors;
    std::transform(std::begin(kForms), std::end(kForms), errors.begin(), axis_errors);
    return errors;
  }();
  return *std::find_if(all.begin(), all.end(),
                       [&](const AxisErrors& errors) { return errors.form == form; });
}

}  // namespace

// A product at a point has the mean square E[V^2] E[U^2]; its sum over the channels is off by the
// roundings of a chunked sum, of V and of U, all in proportion to its own size; and the outputs
// gather these errors with the squares of A. Inputs have mean square 1, weights too: of E[V^2] a
// share is that of their mean. All of it is a product of what happens down the tile and across.
double expected_rms(const Form& form, int axes, std::int64_t channels) {
  const AxisErrors& axis = errors_of(form);
  const double error =
      kMeanShare * power(axis.of_mean, axes) + (1 - kMeanShare) * power(axis.of_rest, axes);
  const auto terms = static_cast<double>(std::min(channels, form.chunk()));
  const double roundings =
      kSumShare * (terms + chunks_of(form, channels)) / 2 + kTransformRoundings * axes;
  // Of outputs of r products along each axis, m of which share an error.
  const double squared_size = power<double>(form.m * form.r, axes);
  return kRoundingRmsShare * kUnitRoundoff * std::sqrt(error * roundings / squared_size);
}

// Every path from an input to an output passes the roundings of both transforms, of the weight, of
// the sum over channels, of bias and residual; its size is that of the matrices' entries on it.
double error_gamma(const Form& form, int axes, std::int64_t channels) {
  const double largest = std::max(1.0, power(errors_of(form).worst, axes));  // 1: of the bias
  const double roundings = 2.0 * form.t() * axes + 2 +
                           static_cast<double>(std::min(channels, form.chunk())) +
                           chunks_of(form, channels) + 3;
  return largest * roundings * kUnitRoundoff / (1 - roundings * kUnitRoundoff);
}

// What is flushed to zero is off by at most 2^-126, f. A value at a point is the end of 2 t
// operations along each axis, whose errors grow by the sums of B^T and by at most 2 in a pair of
// points: it is off by (sum of B^T + 4 t)^axes f, and meets the weights. A weight at a point is off
// by f and meets the tile's inputs, of at most `range` times those of the window. Sums over the
// channels are off by 2 f for each, and with what the outputs' transform flushes by (sum of A^T + 4
// t)^axes times that. A window below 2^-126 lets inputs up to 64 f into its tile, which gamma
// shrinks below f; biases, residuals and their sums make the rest.
double error_floor(const Form& form, int axes, std::int64_t terms) {
  const AxisErrors& axis = errors_of(form);
  const double steps = 4.0 * form.t();
  const double growth = power((axis.inputs + steps) * axis.of_input, axes) +
                        range_of(form) * power(axis.of_weight, axes) +
                        2 * power(axis.outputs + steps, axes) + 1;
  return (growth * static_cast<double>(terms) + 4) * kSmallestNormal;
}

double range_of(const Form& form) { return form.m == 2 ? 1 : 32; }

double largest_growth(const Form& form, int axes) {
  const AxisErrors& axis = errors_of(form);
  return power(
      std::max(1.0, axis.inputs) * std::max(1.0, axis.outputs) * std::max(1.0, axis.weights), axes);
}

}  // namespace plait::algorithm::winograd
