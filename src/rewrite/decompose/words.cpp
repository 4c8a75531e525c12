#include "rewrite/decompose/words.hpp"

#include <algorithm>

#include <plait/error.hpp>
#include <plait/text.hpp>

#include "core/values.hpp"

namespace plait {
namespace rewrite {
namespace {

// Times of two layers that differ by less than this are the same: clocks wander.
constexpr double kSame = 0.03;

}  // namespace

double share_of(const LayersCost& layers, const LayersCost& kernel, const CostPair& products) {
  if (kernel.measured_seconds > 0) return layers.measured_seconds / kernel.measured_seconds;
  if (kernel.predicted_seconds > 0) return layers.predicted_seconds / kernel.predicted_seconds;
  return static_cast<double>(products.layers) / static_cast<double>(products.kernel);
}

std::string verdict_of(const LayersCost& layers, const LayersCost& kernel,
                       const CostPair& products) {
  const double share = share_of(layers, kernel, products);
  if (kernel.measured_seconds > 0) {
    if (share > 1 + kSame) return "do not: slower here (" + short_text(share) + " times)";
    if (share > 1 - kSame) return "do not: no faster here (" + short_text(share) + " times)";
    return "do: " + short_text(share) + " of the time here";
  }
  if (kernel.predicted_seconds > 0) {
    return "no time measured: " + short_text(share) + " of the predicted time";
  }
  return "no time measured: " + count_text(products.layers) + " products instead of " +
         count_text(products.kernel);
}

std::string found_words(const ScaledKernel& kernel, const FormRanks& ranks,
                        std::int64_t kernel_products) {
  const bool pairs = ranks.form == LayerForm::spatial_pairs;
  const std::string each = pairs               ? " for each pair of channels"
                           : kernel.groups > 1 ? " per group"
                                               : "";
  return std::string(description_of(ranks.form)) + ": " + std::to_string(ranks.exact_rank) +
         (ranks.exact_rank == 1 ? " channel" : " channels") + " between the layers" + each +
         (ranks.exact_rank == 1 ? " is" : " are") +
         " enough, where a kernel of this shape can need " + std::to_string(ranks.full_rank) +
         "; " + count_text(ranks.exact_multiplications) + " products per position instead of " +
         count_text(kernel_products);
}

std::string undecided_words(const ScaledKernel& kernel, const std::vector<MiddleChannels>& middle) {
  std::string full =
      "no form looked at needs fewer channels between its layers than a kernel of this shape can "
      "need";
  if (middle.empty()) return full;
  const auto least = std::min_element(
      middle.begin(), middle.end(),
      [](const MiddleChannels& a, const MiddleChannels& b) { return a.lower < b.lower; });
  const auto enough = std::min_element(
      middle.begin(), middle.end(),
      [](const MiddleChannels& a, const MiddleChannels& b) { return a.upper < b.upper; });
  return full + "; two kernels larger than 1x1 need at least " + std::to_string(least->lower) +
         (kernel.groups > 1 ? " per group" : "") + ", and " + pair_text(enough->first) + " then " +
         pair_text(enough->second) + " with " + std::to_string(enough->upper) +
         " can always be had";
}

}  // namespace rewrite

std::string_view name_of(LayerForm form) {
  switch (form) {
    case LayerForm::spatial_pairs:
      return "spatial_pairs";
    case LayerForm::spatial_shared:
      return "spatial_shared";
    case LayerForm::channels_first:
      return "channels_first";
    case LayerForm::channels_last:
      return "channels_last";
    case LayerForm::factors:
      return "factors";
  }
  return "?";
}

std::string_view description_of(LayerForm form) {
  switch (form) {
    case LayerForm::spatial_pairs:
      return "k_h x 1 then 1 x k_w, each pair of channels by itself";
    case LayerForm::spatial_shared:
      return "k_h x 1 then 1 x k_w, channels between shared";
    case LayerForm::channels_first:
      return "1x1 then k_h x k_w";
    case LayerForm::channels_last:
      return "k_h x k_w then 1x1";
    case LayerForm::factors:
      return "two kernels larger than 1x1";
  }
  return "?";
}

LayerForm parse_layer_form(std::string_view text) {
  std::string known;
  for (const LayerForm form :
       {LayerForm::spatial_pairs, LayerForm::spatial_shared, LayerForm::channels_first,
        LayerForm::channels_last, LayerForm::factors}) {
    if (text == name_of(form)) return form;
    known += (known.empty() ? "" : ", ") + std::string(name_of(form));
  }
  throw Error(Status::invalid_argument,
              "unknown form of layers " + quoted(text) + " (known: " + known + ")");
}

std::string_view name_of(Answer answer) {
  switch (answer) {
    case Answer::found:
      return "found";
    case Answer::impossible:
      return "impossible";
    case Answer::undecided:
      return "undecided";
  }
  return "?";
}

}  // namespace plait
