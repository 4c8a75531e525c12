// What to propose for a layer, before anything is proved or timed.
#pragma once

#include <atomic>
#include <vector>

#include "rewrite/inspect/bank.hpp"

namespace plait::rewrite {

// Blocks, repeats and ranks are added to `found`. Of each proposal name, words and layers are
// filled in; all have fewer products than the layer.
template <class T>
std::vector<KernelProposal<T>> proposals_for(const ConvLayer<T>& layer, const KernelMap& map,
                                             KernelFindings& found,
                                             const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
