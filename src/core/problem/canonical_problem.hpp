// One spelling for all problems that are the same sums over the same numbers in the same memory.
#pragma once

#include <string>

#include <plait/problem.hpp>

namespace plait {

// The spelling of a normalized problem (normalized_problem.hpp) that the algorithms are asked
// about, so that all spellings of a layer cost the same. The operands keep their addresses and the
// weight keeps its order, so that each sum has the same terms in the same order. What changes are
// shapes, strides and layouts:
// - Padding that no window reads is dropped.
// - An axis that the window covers completely becomes channels, if x lies in memory like that.
// - A single column, with a kernel of one column, becomes a row.
// - Images become rows if the window has one row, and rows become pixels if it also has one column.
//   The pixels of a 1x1 layer that lie evenly in x, y and the residual become one image that is as
//   nearly square as their number allows.
// - Memory that is dense in both layouts counts as nhwc if there is one pixel, else as nchw.
// Gradients are left as they are.
Problem canonical_problem(const Problem& normalized);

// The weight's shape and groups as packed formats name them, "64x32x1x3 g2". One column is named as
// one row: the bytes are the same, so that a weight packed for images of one column serves others.
std::string packed_weight_text(const Problem& problem);

}  // namespace plait
