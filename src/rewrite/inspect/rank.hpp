// A layer as two, with as few channels between them as its rank: a column and a row, or a 1x1 layer
// before or after. The kernel is read as a matrix of c_i and the first layer's taps by c_o and the
// second's, whose rank is the number of channels (Jaderberg, Vedaldi, Zisserman, 2014, for columns
// and rows; Denton et al., 2014, for channels).
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include <plait/rewrite/inspect.hpp>

namespace plait::rewrite {

// Which axes of the window the first layer has; the second has the others.
struct Split {
  bool rows_first = true;
  bool columns_first = true;
};

// All that differ for this window: an axis of one tap stays with the first layer, whose stride then
// leaves fewer positions.
std::vector<Split> splits_of(const Pair& window);

template <class T>
struct RankedChain {
  ChainRank rank;
  std::optional<Layers<T>> layers;  // with fewer products than the layer
};

// Numerically exact, per group: a rank counts the singular values above what rounding the kernel's
// values once makes at most, u ||K||_F with u half an epsilon, and what f64 adds. Looks no further
// than the rank that pays, and not at all at matrices that would take several seconds.
template <class T>
RankedChain<T> ranked_chain(const ConvLayer<T>& layer, const Split& split,
                            const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
