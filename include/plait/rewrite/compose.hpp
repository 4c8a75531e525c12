// Two convolution layers with nothing between them as one layer: the chapter's first exercise.
//
//   W[o, c, u2 d2 s1 + u1 d1, v2 d2 s1 + v1 d1] += K2[o, m, u2, v2] K1[m, c, u1, v1]
//
// over the middle channels m and all taps, for K1 of c_m x c_i/g1 x k_h x k_w and K2 of c_o x
// c_m/g2 x k_h x k_w, each with a stride s, a dilation d, a padding p and groups g of its own. W is
// dense (dilation 1) and has on each axis 1 + d1 (k1 - 1) + s1 d2 (k2 - 1) taps: k1 + k2 - 1 of
// plain layers. Its stride is s1 s2, its padding p1 + s1 p2 on each side, so that its output has
// always the size of the two layers' output; its bias b2[o] + sum over m, u2, v2 of K2[o, m, u2,
// v2] b1[m]; its groups gcd(g1, g2), with zeros where the finer groups do not meet.
//
// Without padding2 it computes what the two layers compute. With padding2 the second layer reads
// zeros around the middle map, where W goes on with the first layer: W computes exactly the layers
// with padding1 p1 + s1 p2 and padding2 0. So outputs at the border can differ, namely those whose
// second window has a tap at a padded middle position whose first window has a tap within x; any
// padded middle position, if b1 is not 0. Source: Dive into Deep Learning, "Multiple Input and
// Multiple Output Channels", exercise 1.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/export.hpp>
#include <plait/problem.hpp>
#include <plait/rewrite/layers.hpp>
#include <plait/tensor.hpp>

namespace plait {

template <class T>
struct ComposeOptions {
  Pair stride1 = 1, stride2 = 1;
  Pair dilation1 = 1, dilation2 = 1;
  std::int64_t groups1 = 1, groups2 = 1;
  TensorView<const T> bias1 = {}, bias2 = {};  // c_m and c_o, or none
  Padding padding1 = 0, padding2 = 0;          // of zeros
  std::optional<Pair> input_size = {};         // h x w of x
  bool require_exact = false;                  // Error instead of outputs that can differ
  const std::atomic<bool>* cancel = nullptr;   // once set, the call throws Error
};

// Which of the h' x w' outputs of some layers can differ, all channels together: some channel of
// each such output does for generic kernels, biases and inputs. Takes h' + w' bytes.
class PLAIT_API DifferingOutputs {
 public:
  // What the second windows of a row or of a column of outputs have a tap at.
  enum Taps : std::uint8_t {
    kInside = 1,   // a position of the middle map whose first window has a tap within x
    kMeeting = 2,  // a padded position, likewise
    kPadded = 4,   // a padded position
  };

  // For each row of outputs and each column the Taps there are, added. With `biased` any padded
  // position makes a difference.
  DifferingOutputs(std::vector<std::uint8_t> rows, std::vector<std::uint8_t> columns, bool biased);

  std::int64_t h() const { return static_cast<std::int64_t>(rows_.size()); }
  std::int64_t w() const { return static_cast<std::int64_t>(columns_.size()); }
  bool operator()(std::int64_t i, std::int64_t j) const {
    return differs(rows_[static_cast<std::size_t>(i)], columns_[static_cast<std::size_t>(j)]);
  }
  std::int64_t count() const;
  std::optional<Pair> first() const;  // in row-major order; none if there is none
  // Rows of the same Taps differ in the same columns.
  std::uint8_t row_taps(std::int64_t i) const { return rows_[static_cast<std::size_t>(i)]; }

 private:
  bool differs(unsigned row, unsigned column) const;

  std::vector<std::uint8_t> rows_, columns_;
  bool biased_;
};

// Multiplications of the two layers and of the one that stands for both, padding zeros included.
struct ComposedProducts {
  std::int64_t two_layers = 0;
  std::int64_t one_layer = 0;

  // Above 1 composing is dearer, below 1 cheaper.
  double factor() const { return static_cast<double>(one_layer) / static_cast<double>(two_layers); }
};

template <class T>
struct Composition {
  Tensor<T> kernel;  // c_o x c_i/groups x K_h x K_w
  Tensor<T> bias;    // c_o, or empty: neither layer has one
  Pair stride = 1;
  Padding padding = 0;
  std::int64_t groups = 1;

  // Whether no output can differ: of x of input_size, or, without one, of x of any size that both
  // layers accept. Kernels count as generic: zeros in them make no layer exact.
  bool exact = true;
  std::string inexact_because;                // empty if exact
  std::optional<DifferingOutputs> differing;  // with input_size

  ComposedProducts per_position;  // for each output, channels together, as in layers.hpp
  std::optional<ComposedProducts> per_image;  // with input_size
};

// The shape of the kernel that compose() makes. Throws Error where that would, but for exactness.
template <class T>
PLAIT_API Dims composed_shape(TensorView<const T> kernel1, TensorView<const T> kernel2,
                              const ComposeOptions<T>& options = {});

// The one layer. Its values are summed in f64 and rounded once; one thread, O(c_o c_m c_i k1 k2)
// without groups, for k1 and k2 taps. Kernels may have any strides. Throws Error, naming both
// shapes and the rule, where the layers do not fit each other or x; for a value that is not finite,
// with its place, and for results that pass T's range or shapes that pass 2^62 bytes; and with
// require_exact where outputs can differ, saying how many, the first, and why.
template <class T>
PLAIT_API Composition<T> compose(TensorView<const T> kernel1, TensorView<const T> kernel2,
                                 const ComposeOptions<T>& options = {});
template <class T>
Composition<T> compose(const Tensor<T>& kernel1, const Tensor<T>& kernel2,
                       const std::type_identity_t<ComposeOptions<T>>& options = {}) {
  return compose<T>(kernel1.view(), kernel2.view(), options);
}

// The two layers, and the one, as layers.hpp runs and compares them. Throws Error as compose() does
// where the layers are wrong.
template <class T>
PLAIT_API Layers<T> two_layers(TensorView<const T> kernel1, TensorView<const T> kernel2,
                               const ComposeOptions<T>& options = {});
template <class T>
PLAIT_API Layers<T> one_layer(const Composition<T>& composition);

}  // namespace plait
