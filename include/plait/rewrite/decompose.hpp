// Decomposing a kernel: whether it is two smaller ones with nothing between them, and cheaper
// layers that come close to it. For cross-correlation, two layers in a row are one whose kernel is
// the full convolution of theirs, summed over the m channels between them:
//
//   K[o, i] = sum over m of K1[m, i] * K2[o, m],  of size k1 + k2 - 1 on each axis
//
// So one channel's kernel, read as the coefficients of a polynomial in x and y, is made of two
// smaller ones exactly if that polynomial factors over the reals, which most in two variables do
// not. With more channels between, factors always exist; the fewest decide whether they pay.
// Source: Dive into Deep Learning, "Multiple Input and Multiple Output Channels", exercise 1.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/rewrite/layers.hpp>
#include <plait/tensor.hpp>

namespace plait {

// How two layers stand for one, with R channels in between, for a kernel of c_o x c_i/g x k_h x k_w
// in g groups (c_og = c_o/g, c_ig = c_i/g).
enum class LayerForm {
  spatial_pairs,   // k_h x 1, then 1 x k_w; rank R for each pair of an output and an input channel
  spatial_shared,  // k_h x 1, then 1 x k_w; R channels between, shared by a group's outputs
  channels_first,  // 1 x 1 to R channels per group, then k_h x k_w
  channels_last,   // k_h x k_w to R channels per group, then 1 x 1
  factors,         // the two kernels of an exact factorisation of one channel
};
PLAIT_API std::string_view name_of(LayerForm form);           // "spatial_pairs", ...
PLAIT_API LayerForm parse_layer_form(std::string_view text);  // throws Error listing the known
PLAIT_API std::string_view description_of(LayerForm form);    // "k_h x 1 then 1 x k_w, ..."

struct DecomposeOptions {
  // Approximations of this rank, or of the least rank that keeps the kernel's relative error
  // (Frobenius) at most this. Neither: those that are exact.
  std::optional<std::int64_t> rank = {};
  std::optional<double> error = {};  // in [0, 1)
  // The layer that the kernel belongs to: the layers made compute the same outputs.
  Pair stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  std::int64_t groups = 1;
  std::optional<Pair> input_size = {};  // h x w of one image; without it only products are compared
  double measure_seconds = 0;  // with input_size: to spend on each alternative; 0: not measured
  int threads = 0;             // 0: the machine's default
  const std::atomic<bool>* cancel = nullptr;  // once set, the call throws Error
};

// Which k_h x k_w kernels are a column times a row: those of rank one. The singular values say so:
// sigma_2 / sigma_1 is how far, relatively, the nearest such kernel is.
struct Separability {
  bool separable = false;  // all kernels; zero kernels count
  std::int64_t kernels = 0;
  std::int64_t separable_kernels = 0;
  double largest_ratio = 0;  // of sigma_2 / sigma_1
  // Separable: sigma_2 <= tolerance * sigma_1. 16 units of rounding of the kernel's type: by Weyl's
  // inequality, rounding every value once moves a singular value by half a unit of sigma_1.
  double tolerance = 0;
  Tensor<double> singular_values;  // c_o x c_i/g x min(k_h, k_w), largest first
};

enum class Answer { found, impossible, undecided };
PLAIT_API std::string_view name_of(Answer answer);  // "found", ...

struct NamedNumber {
  std::string name;
  double value = 0;
};

// How many channels two layers of these sizes need between them, per group.
struct MiddleChannels {
  Pair first, second;      // k_h x k_w of the layers
  std::int64_t lower = 0;  // no fewer will do
  std::int64_t upper = 0;  // so many do; equal to `lower` where the number is decided
};

template <class T>
struct Factorisation {
  // One channel: whether the kernel is two kernels, both larger than 1x1. More channels: found if
  // one of the forms needs fewer channels between its layers than a kernel of that shape can need,
  // else undecided: with enough channels there are always two layers.
  Answer answer = Answer::undecided;
  std::string reason;                // in words
  std::vector<NamedNumber> numbers;  // what proves it
  Layers<T> layers;                  // if found
  double residual = 0;  // ||K - layers|| / ||K||, Frobenius, of the layers as rounded to T
  std::vector<MiddleChannels> middle;  // of more channels: bounds for every split of the size
};

// The ranks that a form needs. Rank R has the relative error sqrt(sum of the squares of all
// singular values from R + 1 on) / ||K||, and nothing of that form is nearer (Eckart and Young,
// 1936).
struct FormRanks {
  LayerForm form = LayerForm::spatial_pairs;
  std::string refused;              // why the kernel has no such form, or why it was not looked at
  std::int64_t full_rank = 0;       // enough for every kernel of this shape
  std::int64_t exact_rank = 0;      // reproduces the kernel within rounding
  std::int64_t rank_1_percent = 0;  // the least of at most that error
  std::int64_t rank_5_percent = 0;
  std::int64_t rank_10_percent = 0;
  std::int64_t exact_multiplications = 0;  // per position, of the layers of the exact rank
};

// Two layers instead of one. The name is that of the form.
template <class T>
struct Approximation : Rewrite<T> {
  LayerForm form = LayerForm::spatial_pairs;
  std::int64_t rank = 0;
  std::int64_t full_rank = 0;
  // ||K - K^||_F / ||K||_F for the kernel K^ that the layers make, as rounded to T. For x of
  // independent values of mean zero this is also the expected rms error / rms output.
  double kernel_error = 0;
  // The largest difference of outputs on random data, by its bound: at most 1. Nothing where there
  // is no difference, or where the check would take too much memory.
  std::optional<double> bound_share;
};

template <class T>
struct Decomposition {
  Layers<T> layer;  // as given
  DecomposeOptions options;
  Separability separability;
  Factorisation<T> factorisation;
  std::vector<FormRanks> forms;
  // As asked by rank or error; with neither the exact ones that need less than their full rank, and
  // the two kernels of one channel.
  std::vector<Approximation<T>> approximations;
  std::int64_t multiplications_per_position = 0;  // of the layer
  LayersCost cost;  // of the layer, with input_size; not measured if there is no alternative
};

// Decomposes a kernel of c_o x c_i/g x k_h x k_w, c_i x k_h x k_w of one output channel, or k_h x
// k_w or k_w of one channel, of any strides. All is computed in f64 and rounded to T once at the
// end. The time is that of singular value decompositions: of c_o c_i/g matrices k_h x k_w, and for
// each group of (c_ig k_h) x (c_og k_w), c_ig x (c_og k_h k_w) and (c_ig k_h k_w) x c_og; those of
// more than 2048 rows and columns are not looked at. Throws Error, naming the shapes and the rule:
// for other shapes and wrong options, for a rank that no form has, and with the index of the first
// one for values that are not finite.
template <class T>
PLAIT_API Decomposition<T> decompose(TensorView<const T> kernel,
                                     const DecomposeOptions& options = {});
template <class T>
Decomposition<T> decompose(const Tensor<T>& kernel, const DecomposeOptions& options = {}) {
  return decompose<T>(kernel.view(), options);
}

// Lines of text: the answers, then tables of the ranks that the forms need and of the
// approximations.
PLAIT_API std::ostream& operator<<(std::ostream& out, const Decomposition<float>& decomposition);
PLAIT_API std::ostream& operator<<(std::ostream& out, const Decomposition<double>& decomposition);

}  // namespace plait
