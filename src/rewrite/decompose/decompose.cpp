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

#include "rewrite/decompose/approximate.hpp"
#include "rewrite/decompose/check.hpp"
#include "rewrite/decompose/factor_plane.hpp"
#include "rewrite/decompose/low_rank.hpp"
#include "rewrite/decompose/middle_channels.hpp"
#include "rewrite/decompose/separable.hpp"
#include "rewrite/decompose/words.hpp"
#include "rewrite/linear/cancel.hpp"

namespace plait {
namespace rewrite {
namespace {

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

// === costs ===

template <class T>
void compare_costs(const DecomposeOptions& options, Decomposition<T>& result) {
  if (options.input_size) {
    std::vector<Layers<T>> alternatives = {result.layer};
    for (const Approximation<T>& each : result.approximations) alternatives.push_back(each.layers);
    const ConvLayer<T>& layer = result.layer[0];
    const std::vector<LayersCost> costs = compare_layers(
        alternatives,
        {1, layer.kernel.size(1) * layer.groups, options.input_size->h, options.input_size->w},
        {.measure_seconds = options.measure_seconds,
         .threads = options.threads,
         .cancel = options.cancel});
    result.cost = costs[0];
    for (std::size_t i = 0; i < result.approximations.size(); ++i) {
      result.approximations[i].cost = costs[i + 1];
    }
  }
  for (Approximation<T>& each : result.approximations) {
    const CostPair products{each.multiplications_per_position, result.multiplications_per_position};
    each.share = share_of(each.cost, result.cost, products);
    each.verdict = verdict_of(each.cost, result.cost, products);
  }
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
  compare_costs(options, result);
  return result;
}

template Decomposition<float> decompose(TensorView<const float>, const DecomposeOptions&);
template Decomposition<double> decompose(TensorView<const double>, const DecomposeOptions&);

}  // namespace plait
