// Decomposing a kernel: what is asked is checked here, the parts are put together, and what they
// cost is compared.
#include <plait/rewrite/decompose.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <plait/error.hpp>

#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/decompose/approximate.hpp"
#include "rewrite/decompose/factor_plane.hpp"
#include "rewrite/decompose/low_rank.hpp"
#include "rewrite/decompose/middle_channels.hpp"
#include "rewrite/decompose/text.hpp"
#include "rewrite/linear/cancel.hpp"
#include "rewrite/rewrites.hpp"

namespace plait {
namespace rewrite {
namespace {

// === what is asked ===

constexpr std::int64_t kMostValues = std::int64_t{1} << 30;  // 8 GiB in f64

// c_o x c_i/groups x k_h x k_w, or strides in that order, of a kernel that may have one output
// channel or one channel only.
Dims with_channels(const Dims& axes, std::int64_t missing) {
  switch (axes.rank()) {
    case 1:
      return {missing, missing, missing, axes[0]};
    case 2:
      return {missing, missing, axes[0], axes[1]};
    case 3:
      return {missing, axes[0], axes[1], axes[2]};
    default:
      return axes;
  }
}

template <class T>
void check_shape(TensorView<const T> kernel) {
  const int rank = kernel.rank();
  const bool missing = kernel.data() == nullptr && (rank == 0 || element_count(kernel.shape()) > 0);
  if (missing || rank == 0) {
    refuse(
        "the kernel must be c_o x c_i/groups x k_h x k_w, or k_h x k_w or k_w of one channel, but "
        "is " +
        (missing ? "missing" : to_string(kernel.shape())));
  }
  if (element_count(kernel.shape()) > kMostValues) {
    throw Error(
        Status::unsupported,
        "kernels of up to 2^30 values are decomposed but this one is " + to_string(kernel.shape()));
  }
}

void check_options(const DecomposeOptions& options) {
  if (options.rank && options.error)
    refuse("rank and error exclude each other, but both are given");
  if (options.rank && *options.rank < 1) {
    refuse("rank must be at least 1 but is " + std::to_string(*options.rank));
  }
  if (options.error && !(*options.error >= 0 && *options.error < 1)) {
    refuse("error, relative to the kernel's norm, must be in [0, 1) but is " +
           real_text(*options.error));
  }
  if (options.measure_seconds > 0 && !options.input_size) {
    refuse("measuring needs the size of an image, but input_size is not given");
  }
}

template <class T>
Layers<T> checked_layer(TensorView<const T> kernel, const DecomposeOptions& options) {
  check_options(options);
  check_shape(kernel);
  const TensorView<const T> whole(kernel.data(), with_channels(kernel.shape(), 1),
                                  with_channels(kernel.strides(), 0));
  return {rewrite::checked_layer(dense_copy(whole), kernel.shape(), options)};
}

template <class T>
ScaledKernel scaled_kernel(const ConvLayer<T>& layer) {
  ScaledKernel scaled;
  scaled.c_o = layer.kernel.size(0);
  scaled.c_i = layer.kernel.size(1);
  scaled.k_h = layer.kernel.size(2);
  scaled.k_w = layer.kernel.size(3);
  scaled.groups = layer.groups;
  scaled.epsilon = double{std::numeric_limits<T>::epsilon()};
  double largest = 0;
  for (const T value : layer.kernel) largest = std::max(largest, std::abs(double{value}));
  if (largest > 0) std::frexp(largest, &scaled.exponent);
  scaled.values.reserve(static_cast<std::size_t>(layer.kernel.size()));
  for (const T value : layer.kernel) {
    scaled.values.push_back(std::ldexp(double{value}, -scaled.exponent));
  }
  return scaled;
}

void check_rank(std::int64_t rank, const std::vector<FormRanks>& forms) {
  std::string ranges;
  for (const FormRanks& form : forms) {
    if (!form.refused.empty()) continue;
    if (rank <= form.full_rank) return;
    ranges += (ranges.empty() ? "" : ", ") + std::string(name_of(form.form)) + " 1 to " +
              std::to_string(form.full_rank);
  }
  if (ranges.empty()) refuse("the kernel has no form of two layers, of any rank");
  refuse("rank " + std::to_string(rank) + " is in no form's range: " + ranges);
}

// === forms ===

constexpr std::array kForms = {LayerForm::spatial_pairs, LayerForm::spatial_shared,
                               LayerForm::channels_first, LayerForm::channels_last};

struct FormSpectrum {
  FormRanks ranks;
  std::optional<Spectrum> spectrum;  // not where refused
};

std::vector<FormSpectrum> forms_of(const ScaledKernel& kernel, const DecomposeOptions& options) {
  std::vector<FormSpectrum> forms;
  for (const LayerForm form : kForms) {
    const Unfolding unfolding(form, kernel);
    FormSpectrum& one = forms.emplace_back();
    one.ranks.form = form;
    one.ranks.full_rank = unfolding.full_rank();
    one.ranks.refused = unfolding.refusal();
    if (!one.ranks.refused.empty()) continue;
    const Spectrum& spectrum = one.spectrum.emplace(unfolding, kernel, options.cancel);
    one.ranks.exact_rank = spectrum.exact_rank();
    one.ranks.rank_1_percent = spectrum.rank_for(0.01);
    one.ranks.rank_5_percent = spectrum.rank_for(0.05);
    one.ranks.rank_10_percent = spectrum.rank_for(0.10);
    one.ranks.exact_multiplications =
        products_per_position(unfolding, kernel, one.ranks.exact_rank, options.stride);
  }
  return forms;
}

// The exact rank, also of a form that is refused because it says nothing new; 0 if it is too large.
std::int64_t known_rank(LayerForm form, const FormSpectrum& one, const ScaledKernel& kernel,
                        const DecomposeOptions& options) {
  if (one.spectrum) return one.ranks.exact_rank;
  const Unfolding unfolding(form, kernel);
  if (unfolding.full_rank() > kLargestMatrix) return 0;
  return Spectrum(unfolding, kernel, options.cancel).exact_rank();
}

std::vector<MiddleChannels> middle_of(const std::vector<FormSpectrum>& forms,
                                      const ScaledKernel& kernel, const DecomposeOptions& options) {
  const auto known = [&](std::size_t form) {
    return known_rank(kForms.at(form), forms[form], kernel, options);
  };
  const KnownRanks ranks{.first_rank = known(2), .last_rank = known(3), .shared_rank = known(1)};
  if (ranks.first_rank == 0 || ranks.last_rank == 0 || ranks.shared_rank == 0) return {};
  return middle_channels(kernel, ranks, options.cancel);
}

// === one channel ===

template <class T>
void factor_one_channel(const ScaledKernel& kernel, const DecomposeOptions& options,
                        Decomposition<T>& result) {
  const Factoring factoring =
      factor_plane(kernel.plane(0, 0), kernel.exponent, kernel.epsilon, options.cancel);
  Factorisation<T>& told = result.factorisation;
  told.answer = factoring.answer;
  told.reason = factoring.reason;
  told.numbers = factoring.numbers;
  if (factoring.answer != Answer::found) return;
  Approximation<T> layers = layers_of_factors<T>(kernel, factoring, options);
  told.layers = layers.layers;
  told.residual = layers.kernel_error;
  // A column and a row are among the other forms.
  const bool column_and_row = result.separability.separable && std::min(kernel.k_h, kernel.k_w) > 1;
  if (!options.rank && !options.error && !column_and_row) {
    result.approximations.push_back(std::move(layers));
  }
}

// === more channels ===

template <class T>
void factor_channels(const ScaledKernel& kernel, const std::vector<FormSpectrum>& forms,
                     const DecomposeOptions& options, Decomposition<T>& result) {
  Factorisation<T>& told = result.factorisation;
  told.middle = middle_of(forms, kernel, options);
  const FormSpectrum* best = nullptr;
  for (const FormSpectrum& one : forms) {
    if (!one.spectrum || one.ranks.exact_rank == one.ranks.full_rank) continue;
    told.numbers.push_back({"rank_" + std::string(name_of(one.ranks.form)),
                            static_cast<double>(one.ranks.exact_rank)});
    if (best == nullptr || one.ranks.exact_multiplications < best->ranks.exact_multiplications) {
      best = &one;
    }
  }
  if (best == nullptr) {
    told.answer = Answer::undecided;
    told.reason = undecided_words(kernel, told.middle);
    return;
  }
  told.answer = Answer::found;
  told.reason = found_words(kernel, best->ranks, result.multiplications_per_position);
  const Approximation<T> layers =
      approximation<T>(kernel, best->spectrum->unfolding(), best->ranks.exact_rank, options);
  told.layers = layers.layers;
  told.residual = layers.kernel_error;
}

// === approximations ===

// The rank that is asked of a form, or nothing. Sets why not.
std::optional<std::int64_t> wanted_rank(FormSpectrum& one, const DecomposeOptions& options) {
  if (!one.spectrum) return {};
  FormRanks& ranks = one.ranks;
  if (options.error) return one.spectrum->rank_for(*options.error);
  if (options.rank) {
    if (*options.rank <= ranks.full_rank) return options.rank;
    ranks.refused = "rank " + std::to_string(*options.rank) + " is not in its range, 1 to " +
                    std::to_string(ranks.full_rank);
    return {};
  }
  if (ranks.exact_rank < ranks.full_rank) return ranks.exact_rank;
  return {};
}

template <class T>
void approximate(const ScaledKernel& kernel, std::vector<FormSpectrum>& forms,
                 const DecomposeOptions& options, Decomposition<T>& result) {
  for (FormSpectrum& one : forms) {
    const auto rank = wanted_rank(one, options);
    if (!rank) continue;
    result.approximations.push_back(
        approximation<T>(kernel, one.spectrum->unfolding(), *rank, options));
  }
  for (Approximation<T>& each : result.approximations) {
    check_bound(kernel, result.layer, options, each);
    set_proof(result.layer[0].kernel, false, each.output_bound, each);
  }
}

void check_some_form_has_rank(const std::vector<FormSpectrum>& forms,
                              const DecomposeOptions& options) {
  if (!options.rank) return;
  std::vector<FormRanks> ranks;
  ranks.reserve(forms.size());
  for (const FormSpectrum& one : forms) ranks.push_back(one.ranks);
  check_rank(*options.rank, ranks);
}

}  // namespace
}  // namespace rewrite

template <class T>
Decomposition<T> decompose(TensorView<const T> kernel, const DecomposeOptions& options) {
  using namespace rewrite;  // NOLINT(google-build-using-namespace)
  const rewrite::Cancellable cancellable(options.cancel);
  Decomposition<T> result;
  result.options = options;
  result.layer = checked_layer(kernel, options);
  result.multiplications_per_position = multiplications_per_position(result.layer);
  const ScaledKernel scaled = scaled_kernel(result.layer[0]);
  stop_if(options.cancel);
  result.separability = separability(scaled, options.cancel);
  std::vector<FormSpectrum> forms = forms_of(scaled, options);
  check_some_form_has_rank(forms, options);
  if (scaled.one_channel()) {
    factor_one_channel(scaled, options, result);
  } else {
    factor_channels(scaled, forms, options, result);
  }
  approximate(scaled, forms, options, result);
  for (FormSpectrum& one : forms) result.forms.push_back(std::move(one.ranks));
  rewrite::compare_costs(result, result.approximations);
  result.options.cancel = nullptr;  // the caller's, and perhaps gone
  return result;
}

template Decomposition<float> decompose(TensorView<const float>, const DecomposeOptions&);
template Decomposition<double> decompose(TensorView<const double>, const DecomposeOptions&);

}  // namespace plait
