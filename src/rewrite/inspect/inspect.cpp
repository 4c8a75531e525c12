// inspect: what is proposed for a kernel, and what that is worth.
#include <plait/rewrite/inspect.hpp>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include <plait/text.hpp>

#include "core/refuse.hpp"
#include "rewrite/inspect/bank.hpp"
#include "rewrite/inspect/proof.hpp"
#include "rewrite/inspect/rank.hpp"
#include "rewrite/inspect/repeats.hpp"
#include "rewrite/inspect/selection.hpp"
#include "rewrite/linear/cancel.hpp"
#include "rewrite/rewrites.hpp"

namespace plait {
namespace rewrite {
namespace {

template <class T>
class Proposals {
 public:
  Proposals(const ConvLayer<T>& layer, const KernelMap& map, KernelFindings& found,
            const std::atomic<bool>* cancel)
      : layer_(layer), map_(map), found_(found), cancel_(cancel), least_(whole(layer)) {}

  // Proposes parts of the layer, which are exact, and puts the smallest of them into least_.
  void add_parts() {
    find_blocks();
    std::vector<std::pair<std::string, Selection>> of_channels;
    of_channels.emplace_back("dead channels", without_dead(layer_, found_));
    of_channels.emplace_back("groups", in_groups(layer_, found_.blocks.as_stored));
    if (!packing_.groups.empty()) {
      Selection packed = whole(layer_);
      packed.groups = packing_.groups;
      packed.outputs = packing_.outputs;
      packed.inputs = packing_.inputs;
      of_channels.emplace_back("reordered groups", std::move(packed));
    }
    const Selection all = least_;
    for (const auto& [name, selection] : of_channels) {
      const bool reordered = name == "reordered groups";
      if (selection.products() >= (reordered ? least_ : all).products()) continue;
      add_part(name, selection);
      if (selection.products() < least_.products()) least_ = selection;
    }
    const bool channels = least_.products() < all.products();
    Selection window = all;
    window.rows = found_.window.kept_rows;
    window.columns = found_.window.kept_columns;
    if (window.products() >= all.products()) return;
    add_part("window", window);
    least_.rows = window.rows;
    least_.columns = window.columns;
    if (channels) add_part("combined", least_);
  }

  // Proposes, for that smallest part, to compute repeated kernels once, and pairs of layers.
  void add_chains() {
    const ConvLayer<T> left = layer_of(layer_, map_, least_);
    const std::string words = selection_text(layer_, least_, left);
    const std::vector<ChannelCopies> outputs = output_classes(left);
    const std::vector<ChannelCopies> inputs = input_classes(left);
    found_.repeated_outputs = repeated(outputs, left.writes);
    found_.repeated_inputs = repeated(inputs, left.reads);
    if (!found_.repeated_outputs.empty()) {
      add_chain("repeated outputs", words,
                counted(static_cast<std::int64_t>(outputs.size()), "output") +
                    " computed, then copied or scaled by a 1x1 layer",
                computed_once(left, outputs));
    }
    if (!found_.repeated_inputs.empty()) {
      add_chain("repeated inputs", words,
                counted(left.kernel.size(1) * left.groups, "input") + " added up to " +
                    count_text(static_cast<std::int64_t>(inputs.size())) + " by a 1x1 layer first",
                summed_first(left, inputs));
    }
    for (const Split& split : splits_of({left.kernel.size(2), left.kernel.size(3)})) {
      RankedChain<T> chain = ranked_chain(left, split, cancel_);
      found_.ranks.push_back(chain.rank);
      if (!chain.layers) continue;
      const std::int64_t between = (*chain.layers)[0].kernel.size(0);
      add_chain(chain.rank.layers, words,
                chain.rank.layers + " by way of " + counted(between, "channel") +
                    (left.groups > 1 ? " in " + counted(left.groups, "group") : ""),
                std::move(chain.layers));
    }
  }

  std::vector<Rewrite<T>> take() { return std::move(proposals_); }

 private:
  void find_blocks() {
    const std::vector<Channels> components = components_of(map_);
    KernelBlocks& blocks = found_.blocks;
    blocks.as_stored = stored_blocks(map_);
    blocks.components = static_cast<std::int64_t>(components.size());
    if (components.empty()) return;
    packing_ = pack(components, map_.c_o);
    blocks.groups = static_cast<std::int64_t>(packing_.groups.size());
    blocks.outputs_per_group = packing_.outputs;
    blocks.inputs_per_group = packing_.inputs;
    blocks.exhaustive = packing_.exhaustive;
  }

  void add_part(const std::string& name, const Selection& selection) {
    Rewrite<T> proposal;
    proposal.name = name;
    ConvLayer<T> part = layer_of(layer_, map_, selection);
    proposal.what = selection_text(layer_, selection, part);
    proposal.layers.push_back(std::move(part));
    proposals_.push_back(std::move(proposal));
  }

  void add_chain(const std::string& name, const std::string& part, const std::string& words,
                 std::optional<Layers<T>> layers) {
    if (!layers || multiplications_per_position(*layers) >= least_.products()) return;
    Rewrite<T> proposal;
    proposal.name = name;
    proposal.what = (part.empty() ? "" : part + "; ") + words;
    proposal.layers = std::move(*layers);
    proposals_.push_back(std::move(proposal));
  }

  // The classes of more than one channel, by the numbers that channels have outside of the layer.
  static std::vector<ChannelCopies> repeated(std::vector<ChannelCopies> classes,
                                             const std::vector<std::int64_t>& list) {
    std::erase_if(classes, [](const ChannelCopies& one) { return one.channels.size() < 2; });
    for (ChannelCopies& one : classes) {
      for (std::int64_t& channel : one.channels) {
        if (!list.empty()) channel = list[static_cast<std::size_t>(channel)];
      }
    }
    return classes;
  }

  const ConvLayer<T>& layer_;
  const KernelMap& map_;
  KernelFindings& found_;
  const std::atomic<bool>* cancel_;
  Packing packing_;
  Selection least_;
  std::vector<Rewrite<T>> proposals_;
};

// What to propose, before anything is proved or timed: names, words and layers, each with fewer
// products than the layer. Blocks, repeats and ranks are added to `found`.
template <class T>
std::vector<Rewrite<T>> proposals_for(const ConvLayer<T>& layer, const KernelMap& map,
                                      KernelFindings& found, const std::atomic<bool>* cancel) {
  Proposals<T> proposals(layer, map, found, cancel);
  proposals.add_parts();
  proposals.add_chains();
  return proposals.take();
}

}  // namespace
}  // namespace rewrite

template <class T>
Inspection<T> inspect(TensorView<const T> kernel, const InspectOptions& options) {
  const rewrite::Cancellable cancellable(options.cancel);
  Inspection<T> inspection;
  inspection.options = options;
  const bool missing = kernel.data() == nullptr && (kernel.rank() == 0 || !kernel.empty());
  if (missing || kernel.rank() != 4) {
    refuse("a kernel to inspect must be c_o x c_i/groups x k_h x k_w but is " +
           (missing ? "missing" : to_string(kernel.shape())));
  }
  inspection.layer.push_back(rewrite::checked_layer(dense_copy(kernel), kernel.shape(), options));
  const ConvLayer<T>& layer = inspection.layer[0];
  inspection.multiplications_per_position = multiplications_per_position(inspection.layer);
  const rewrite::KernelMap map = rewrite::kernel_map(layer);
  inspection.found = rewrite::look_at_kernels(layer, map);
  inspection.proposals = rewrite::proposals_for(layer, map, inspection.found, options.cancel);
  for (Rewrite<T>& proposal : inspection.proposals) {
    proposal.multiplications_per_position = multiplications_per_position(proposal.layers);
    const auto difference = rewrite::difference(layer, proposal.layers, options.cancel);
    rewrite::set_proof(layer.kernel, difference.bitwise, difference.error, proposal);
  }
  rewrite::compare_costs(inspection, inspection.proposals);
  inspection.options.cancel = nullptr;  // the caller's, and perhaps gone
  return inspection;
}

template Inspection<float> inspect(TensorView<const float>, const InspectOptions&);
template Inspection<double> inspect(TensorView<const double>, const InspectOptions&);

}  // namespace plait
