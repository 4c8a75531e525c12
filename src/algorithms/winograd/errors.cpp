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

// max(0, x) of a normal x has a squared mean of 1 / pi times its mean square.
constexpr double kMeanShare = 0.318;
// The roundings of both transforms and of the weight along an axis, and the error of the sums at
// the points divided by that of chunked_sum_rms. Fitted to all forms at 8, 64 and 512 channels,
// whose errors lie within 7 % of the model [AVX-512, 2026-11-26].
constexpr double kTransformRoundings = 5;
constexpr double kSumShare = 1.75;

double chunks_of(const Form& form, std::int64_t channels) {
  return std::ceil(static_cast<double>(channels) / static_cast<double>(form.chunk()));
}

struct Norms {
  double sum = 0;
  double squares = 0;   // sum of the squares
  double absolute = 0;  // sum of the magnitudes
  double largest = 0;   // largest magnitude
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

// How much the transforms along one axis amplify errors.
struct AxisErrors {
  Form form;
  double of_mean = 0;  // error variance from the mean of the inputs
  double of_rest = 0;  // error variance from the rest of their mean square
  double worst = 0;    // largest sum over paths input -> output of |A| |B| max |G|
  double inputs = 0;   // largest sum of magnitudes in a row of B^T
  double outputs = 0;  // largest sum of magnitudes in a row of A^T
  double weights = 0;  // largest magnitude in G
  // Largest sums over the points of what multiplies the value of an input, |A| max |G|, and that of
  // a weight, |A| |B^T|, on the way to an output.
  double of_input = 0;
  double of_weight = 0;
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

// They are computed once, since every plan needs them.
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

// A product at a point has the mean square E[V^2] E[U^2]. Its sum over the channels has the
// rounding errors of a chunked sum, of V and of U, all in proportion to its size, and the outputs
// add up the squares of these errors with the squares of A. Inputs and weights have mean square 1,
// and kMeanShare of that of the inputs is due to their mean. Each factor is one down times one
// across.
double expected_rms(const Form& form, int axes, std::int64_t channels) {
  const AxisErrors& axis = errors_of(form);
  const double error =
      kMeanShare * power(axis.of_mean, axes) + (1 - kMeanShare) * power(axis.of_rest, axes);
  const auto terms = static_cast<double>(std::min(channels, form.chunk()));
  const double roundings =
      kSumShare * (terms + chunks_of(form, channels)) / 2 + kTransformRoundings * axes;
  // An output has r products along each axis, and `error` is the sum over m outputs.
  const double squared_size = power<double>(form.m * form.r, axes);
  return kRoundingRmsShare * kUnitRoundoff * std::sqrt(error * roundings / squared_size);
}

// Every path from an input to an output passes the roundings of both transforms, of the weight, of
// the sum over channels, and of bias and residual. Its size is the product of the entries on it.
double error_gamma(const Form& form, int axes, std::int64_t channels) {
  const double largest =
      std::max(1.0, power(errors_of(form).worst, axes));  // the bias has factor 1
  const double roundings = 2.0 * form.t() * axes + 2 +
                           static_cast<double>(std::min(channels, form.chunk())) +
                           chunks_of(form, channels) + 3;
  return largest * roundings * kUnitRoundoff / (1 - roundings * kUnitRoundoff);
}

// A number that is flushed to zero has an error of at most f = 2^-126. The value of an input at a
// point takes 2 t operations along each axis, whose errors grow by the sums of B^T and by at most 2
// in a pair of points; its error is at most (sum of B^T + 4 t)^axes f, times the weights. The value
// of a weight at a point has an error of at most f, times the tile's inputs, which are at most
// range_of() times those of the window. A sum over the channels has an error of at most 2 f for
// each channel, which the transform of the outputs multiplies by at most (sum of A^T + 4 t)^axes. A
// window below 2^-126 allows inputs of up to 64 f in its tile, which gamma makes smaller than f.
// Biases, residuals and their sums add the rest.
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
