// inspect: what a kernel must be, what is found in it, and what the proposals are worth.
#include <plait/rewrite/inspect.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>

#include <plait/error.hpp>
#include <plait/text.hpp>

#include "core/integers.hpp"
#include "core/refuse.hpp"
#include "rewrite/finite.hpp"
#include "rewrite/inspect/proof.hpp"
#include "rewrite/inspect/proposals.hpp"
#include "rewrite/linear/cancel.hpp"

namespace plait {
namespace {

// Measured times of the same work differ by so much from run to run.
constexpr double kNoise = 0.03;

template <class T>
void check_shape(TensorView<const T> kernel) {
  const bool missing = kernel.data() == nullptr && (kernel.rank() == 0 || !kernel.empty());
  if (missing || kernel.rank() != 4) {
    refuse("a kernel to inspect must be c_o x c_i/groups x k_h x k_w but is " +
           (missing ? "missing" : to_string(kernel.shape())));
  }
  for (const std::int64_t size : kernel.shape()) {
    if (size < 1) {
      refuse("every size of a kernel must be at least 1 but it is " + to_string(kernel.shape()));
    }
  }
}

// Of the smallest x that the layer takes, or of the size that is asked for.
template <class T>
void check_layer(const ConvLayer<T>& layer, const InspectOptions& options) {
  const Dims& shape = layer.kernel.shape();
  if (options.groups < 1) {
    refuse("groups must be at least 1 but is " + std::to_string(options.groups));
  }
  if (shape[0] % options.groups != 0) {
    refuse("groups must divide the output channels but " + std::to_string(options.groups) +
           " does not divide " + std::to_string(shape[0]) + " (kernel is " + to_string(shape) +
           ")");
  }
  if (!(options.measure_seconds >= 0)) {
    refuse("measure_seconds must be at least 0 but is " + std::to_string(options.measure_seconds));
  }
  const auto c_i = bounded_product({shape[1], options.groups});
  const auto h = bounded_product({shape[2], std::max<std::int64_t>(options.dilation.h, 0)});
  const auto w = bounded_product({shape[3], std::max<std::int64_t>(options.dilation.w, 0)});
  if (!c_i || !h || !w) {
    refuse("overflow: a kernel of " + to_string(shape) + " in " + std::to_string(options.groups) +
           " groups, dilated by " + std::to_string(options.dilation.h) + "x" +
           std::to_string(options.dilation.w) + ", passes 2^62");
  }
  const Pair size = options.input_size.value_or(
      Pair{std::max<std::int64_t>(*h, 1), std::max<std::int64_t>(*w, 1)});
  problem_of(layer, {1, *c_i, size.h, size.w});
}

template <class T>
ConvLayer<T> checked_layer(TensorView<const T> kernel, const InspectOptions& options) {
  check_shape(kernel);
  ConvLayer<T> layer;
  layer.kernel = dense_copy(kernel);
  layer.stride = options.stride;
  layer.padding = options.padding;
  layer.dilation = options.dilation;
  layer.groups = options.groups;
  check_layer(layer, options);
  rewrite::check_finite("kernel", layer.kernel);
  return layer;
}

// Times max|x|: max over o of ||K[o]||_1.
template <class T>
double largest_output(const Tensor<T>& kernel) {
  double largest = 0;
  const std::int64_t depth = kernel.size() / kernel.size(0);
  for (const T* row = kernel.begin(); row != kernel.end(); row += depth) {
    double sum = 0;
    for (std::int64_t i = 0; i < depth; ++i) sum += std::abs(static_cast<double>(row[i]));
    largest = std::max(largest, sum);
  }
  return largest;
}

template <class T>
void prove(const ConvLayer<T>& layer, KernelProposal<T>& proposal,
           const std::atomic<bool>* cancel) {
  const auto difference = rewrite::difference(layer, proposal.layers, cancel);
  proposal.bitwise = difference.bitwise;
  proposal.kernel_error = difference.error;
  proposal.proof =
      difference.bitwise
          ? "bitwise: the kernel rebuilt from the layers has the same bits (-0 taken for 0)"
          : "bound: no output is off by more than " + short_text(difference.error) +
                " max|x|, the rounding of its sums apart (outputs are " +
                short_text(largest_output(layer.kernel)) + " max|x| at most)";
}

template <class T>
void measure(Inspection<T>& inspection) {
  const InspectOptions& options = inspection.options;
  std::vector<Layers<T>> alternatives = {inspection.layer};
  for (const KernelProposal<T>& proposal : inspection.proposals) {
    alternatives.push_back(proposal.layers);
  }
  const ConvLayer<T>& layer = inspection.layer[0];
  const Dims x_shape{1, layer.kernel.size(1) * layer.groups, options.input_size->h,
                     options.input_size->w};
  LayersCostOptions cost_options;
  cost_options.measure_seconds = inspection.proposals.empty() ? 0 : options.measure_seconds;
  cost_options.threads = options.threads;
  cost_options.cancel = options.cancel;
  const std::vector<LayersCost> costs = compare_layers(alternatives, x_shape, cost_options);
  inspection.cost = costs[0];
  for (std::size_t i = 0; i < inspection.proposals.size(); ++i) {
    inspection.proposals[i].cost = costs[i + 1];
  }
}

template <class T>
void judge(const Inspection<T>& inspection, KernelProposal<T>& proposal) {
  const LayersCost& before = inspection.cost;
  const LayersCost& after = proposal.cost;
  const auto say = [&](double share, double noise, const std::string& of,
                       const std::string& slower) {
    proposal.share = share;
    proposal.cheaper = share < 1 - noise;
    const std::string text = short_text(share);
    proposal.verdict = proposal.cheaper     ? "cheaper: " + text + " of the " + of
                       : share <= 1 + noise ? "no gain: " + text + " of the " + of
                                            : "do not: " + slower + " (" + text + " times)";
  };
  if (before.measured_seconds > 0) {
    say(after.measured_seconds / before.measured_seconds, kNoise, "time", "slower here");
  } else if (before.predicted_seconds > 0) {
    say(after.predicted_seconds / before.predicted_seconds, 0, "predicted time",
        "predicted to be slower here");
  } else {
    say(static_cast<double>(proposal.multiplications_per_position) /
            static_cast<double>(inspection.multiplications_per_position),
        0, "products", "more products");
  }
}

}  // namespace

template <class T>
Inspection<T> inspect(TensorView<const T> kernel, const InspectOptions& options) {
  const rewrite::Cancellable cancellable(options.cancel);
  Inspection<T> inspection;
  inspection.options = options;
  inspection.layer.push_back(checked_layer(kernel, options));
  const ConvLayer<T>& layer = inspection.layer[0];
  inspection.multiplications_per_position = multiplications_per_position(inspection.layer);
  const rewrite::KernelMap map = rewrite::kernel_map(layer);
  inspection.found = rewrite::look_at_kernels(layer, map);
  inspection.proposals = rewrite::proposals_for(layer, map, inspection.found, options.cancel);
  for (KernelProposal<T>& proposal : inspection.proposals) {
    proposal.multiplications_per_position = multiplications_per_position(proposal.layers);
    prove(layer, proposal, options.cancel);
  }
  if (options.input_size) measure(inspection);
  for (KernelProposal<T>& proposal : inspection.proposals) judge(inspection, proposal);
  inspection.options.cancel = nullptr;  // the caller's, and perhaps gone
  return inspection;
}

template Inspection<float> inspect(TensorView<const float>, const InspectOptions&);
template Inspection<double> inspect(TensorView<const double>, const InspectOptions&);

}  // namespace plait
