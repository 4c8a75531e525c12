// One spelling for all problems that are the same sums over the same numbers in the same memory.
#pragma once

#include <string>

#include <plait/problem.hpp>

namespace plait {

// Among the spellings of an effective problem (normalized_problem.hpp), the one that rooms are
// asked about, so that none costs more than another. Operands keep their addresses and K its order,
// so that each sum has the same terms in the same order; shapes, strides and layouts are others:
// - padding that no window reads is left out;
// - an axis that the window covers whole becomes channels, where x lies like that;
// - one column with a kernel of one column is a row;
// - images are rows where the window has one row, and rows are pixels where it has one column too:
//   those of a 1x1 layer that lie evenly in x, y and the residual become one image, as near to a
//   square as its pixels can be laid;
// - memory that is dense in both layouts is nhwc where there is one pixel, else nchw.
// Gradients are left as they are.
Problem canonical_problem(const Problem& effective);

// K's shape and groups as packed formats have them, "64x32x1x3 g2": one column stands there as one
// row, whose bytes are the same, so that weights packed for images of one column serve wider ones.
std::string packed_kernel_text(const Problem& problem);

}  // namespace plait
