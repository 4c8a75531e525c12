// Looking into the kernels of a layer for structure, and for cheaper layers that compute the same:
// blocks of channels that do not meet (as they are stored, or after putting the channels in another
// order), channels that do nothing, taps that are zero everywhere, kernels that repeat, and kernels
// of low rank (separable ones among them). Each proposal is a chain of layers that can be run, and
// comes with a proof: the kernel is rebuilt from its layers and compared with the given one.
//
// Values are compared as numbers, so that -0 is a zero. What is proposed computes the same as the
// layer for finite x; a zero weight that is left out would have made NaN of an infinite x.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/rewrite/layers.hpp>
#include <plait/tensor.hpp>

namespace plait {

struct InspectOptions {
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  std::int64_t groups = 1;
  std::optional<Pair> input_size = {};  // h x w of one image; without it only products are compared
  double measure_seconds = 0.1;  // with input_size: to spend on each alternative; 0: not measured
  int threads = 0;               // 0: the machine's default
  const std::atomic<bool>* cancel = nullptr;  // once set, the call throws Error
};

// Taps along one axis of a kernel: first, first + step, ..., `count` of them.
struct TapRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;

  std::int64_t last() const { return first + (count - 1) * step; }
  friend bool operator==(const TapRange&, const TapRange&) = default;
};

// Outside of these rows and columns all kernels are zero. Leaving out a row in front takes
// dilation rows of padding away there, so that a layer can leave out no more than its padding has.
struct KernelWindow {
  TapRange rows, columns;            // the fewest that hold every tap that is not zero
  TapRange kept_rows, kept_columns;  // the fewest of a layer with this padding
  Padding needed_padding;            // from which on the layer could keep the fewest
};

// Blocks of channels between which all kernels are zero.
struct KernelBlocks {
  std::int64_t as_stored = 1;   // most equal groups, each of consecutive channels
  std::int64_t components = 0;  // blocks in any order of the channels, dead channels apart
  // The cheapest equal groups of whole components; their layer reads and writes the channels in
  // another order, and pads smaller groups with zero kernels. At most as many outputs as there are.
  std::int64_t groups = 1;
  std::int64_t outputs_per_group = 0;
  std::int64_t inputs_per_group = 0;
  bool exhaustive = true;  // whether no other packing of the components is cheaper; else it may be
};

// Channels that are the same up to factors: factors[i] times the first one.
struct ChannelCopies {
  std::vector<std::int64_t> channels;
  std::vector<double> factors;
};

// How many kernels that are not zero equal their image; a kernel can count in several.
struct KernelSymmetries {
  std::int64_t top_bottom = 0;  // K[u, v] = K[k_h - 1 - u, v]
  std::int64_t left_right = 0;  // K[u, v] = K[u, k_w - 1 - v]
  std::int64_t point = 0;       // K[u, v] = K[k_h - 1 - u, k_w - 1 - v]
  std::int64_t transpose = 0;   // K[u, v] = K[v, u]
};

// The least number of channels between two layers that together are the kernel.
struct ChainRank {
  std::string layers;                // "3x1 then 1x3"
  std::optional<std::int64_t> rank;  // nothing: above `limit`
  std::int64_t limit = 0;            // the most at which two layers have fewer products
  bool too_large = false;            // not looked for: the matrix is too large
};

struct KernelFindings {
  std::int64_t kernels = 0;  // c_o c_i/groups
  std::int64_t zero_kernels = 0;
  std::vector<std::int64_t> dead_inputs;   // read by no kernel that is not zero
  std::vector<std::int64_t> zero_outputs;  // whose kernels are all zero
  KernelWindow window;
  KernelBlocks blocks;
  std::vector<ChannelCopies> repeated_outputs;  // two or more each; zero outputs apart
  std::vector<ChannelCopies> repeated_inputs;   // two or more each; dead inputs apart
  std::int64_t rank_one_kernels = 0;            // not zero, a column times a row
  KernelSymmetries symmetric;
  KernelSymmetries antisymmetric;  // equal to minus their image
  // Of what is left when dead channels, zero taps and zero blocks are gone. A rank is numerical:
  // rounding the values of a kernel of that rank once explains all that is beyond it.
  std::vector<ChainRank> ranks;
};

template <class T>
struct Inspection {
  Layers<T> layer;  // as given
  InspectOptions options;
  KernelFindings found;
  std::int64_t multiplications_per_position = 0;
  LayersCost cost;  // with input_size; not measured if nothing is proposed
  // Each has fewer products than the layer. Their names are "dead channels", "groups" (as they are
  // stored), "reordered groups", "window", "combined" (of these), "repeated outputs", "repeated
  // inputs", and those of a ChainRank's layers: "3x1 then 1x3".
  std::vector<Rewrite<T>> proposals;
};

// Inspects a kernel of c_o x c_i/groups x k_h x k_w, of any strides. The time is some c_o^2 c_i for
// comparing channels, and that of matrix products of c_o x c_i k_h k_w for ranks. Throws Error,
// naming the shapes and the rule, for other shapes and wrong options, and with the index of the
// first one for values that are not finite.
template <class T>
PLAIT_API Inspection<T> inspect(TensorView<const T> kernel, const InspectOptions& options = {});
template <class T>
Inspection<T> inspect(const Tensor<T>& kernel, const InspectOptions& options = {}) {
  return inspect<T>(kernel.view(), options);
}

// Lines of text: what was found, then a table of the proposals, and what each of them is.
PLAIT_API std::ostream& operator<<(std::ostream& out, const Inspection<float>& inspection);
PLAIT_API std::ostream& operator<<(std::ostream& out, const Inspection<double>& inspection);

}  // namespace plait
