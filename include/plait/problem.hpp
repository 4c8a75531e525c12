// A convolution problem: everything that decides the result except the numbers themselves, and
// its one-line text form, the problem line.
//
//   y[n, o, i, j] = act( sum over c, u, v of x[n, c, i*s_h + u*d_h - p_top, j*s_w + v*d_w - p_left]
//                        * K[o, c, u, v]  + bias[o] + residual[n, o, i, j] )
//
// with x of shape n x c_i x h x w, the weight K of shape c_o x c_i/groups x k_h x k_w, and c
// running over the c_i/groups input channels of o's group. This is cross-correlation, the
// convolution of deep learning (source: Dive into Deep Learning, "Multiple Input and Multiple
// Output Channels").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <plait/activation.hpp>
#include <plait/export.hpp>
#include <plait/tensor.hpp>

namespace plait {

// A value per spatial axis; one number stands for both axes.
struct Pair {
  std::int64_t h = 1;
  std::int64_t w = 1;

  constexpr Pair() = default;
  constexpr Pair(std::int64_t both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor)
  constexpr Pair(std::int64_t h_, std::int64_t w_) : h(h_), w(w_) {}
  friend constexpr bool operator==(const Pair&, const Pair&) = default;
};

// Rows and columns added on each side of the input.
struct Padding {
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  std::int64_t left = 0;
  std::int64_t right = 0;

  constexpr Padding() = default;
  constexpr Padding(std::int64_t all)  // NOLINT(google-explicit-constructor)
      : top(all), bottom(all), left(all), right(all) {}
  constexpr Padding(std::int64_t h, std::int64_t w) : top(h), bottom(h), left(w), right(w) {}
  constexpr Padding(std::int64_t top_, std::int64_t bottom_, std::int64_t left_,
                    std::int64_t right_)
      : top(top_), bottom(bottom_), left(left_), right(right_) {}
  friend constexpr bool operator==(const Padding&, const Padding&) = default;
};

// Which values the padding holds. Around 1 2 3 on an axis: reflect 3 2 | 1 2 3 | 2 1, symmetric
// 2 1 | 1 2 3 | 3 2, replicate 1 1 | 1 2 3 | 3 3, circular 2 3 | 1 2 3 | 1 2. numpy.pad calls these
// reflect, symmetric, edge and wrap.
enum class PaddingMode { zeros, reflect, replicate, circular, constant, symmetric };
enum class Dtype { f32, f64, bf16, i8, u8 };
enum class Layout { nchw, nhwc };
enum class Direction { forward, backward_data, backward_weights, backward_bias };

// One convolution layer: sizes, geometry, what is added, and how the tensors lie in memory.
struct PLAIT_API Problem {
  std::int64_t n = 1;
  std::int64_t c_i = 1;
  std::int64_t h = 1;
  std::int64_t w = 1;
  std::int64_t c_o = 1;
  std::int64_t k_h = 1;
  std::int64_t k_w = 1;
  Pair stride;
  Padding padding;
  PaddingMode padding_mode = PaddingMode::zeros;
  double padding_value = 0;  // for PaddingMode::constant
  Pair dilation;
  std::int64_t groups = 1;
  bool bias = false;
  bool residual = false;
  Activation activation;
  Dtype dtype = Dtype::f32;
  Direction direction = Direction::forward;
  Layout x_layout = Layout::nchw;
  Layout y_layout = Layout::nchw;  // of the residual too
  // Element strides in the order n, c, h, w. Where absent, the tensor is dense in its layout.
  std::optional<Dims> x_strides;
  std::optional<Dims> y_strides;
  std::optional<Dims> residual_strides;

  // Of n x c_i x h x w and c_o x c_i/groups x k_h x k_w; all else is as above. Not validated: c_i
  // is that of x, and what the weight has instead is for the caller to refuse.
  static Problem of(const Dims& x_shape, const Dims& weight_shape, const Pair& stride = 1,
                    const Padding& padding = 0, const Pair& dilation = 1, std::int64_t groups = 1);

  // Output size: floor((h + p_top + p_bottom - d_h (k_h - 1) - 1) / s_h) + 1, w alike.
  std::int64_t h_o() const;
  std::int64_t w_o() const;
  Dims x_shape() const { return {n, c_i, h, w}; }  // logical order, whatever the layout
  Dims weight_shape() const { return {c_o, c_i / groups, k_h, k_w}; }
  Dims y_shape() const { return {n, c_o, h_o(), w_o()}; }
  Dims effective_x_strides() const;
  Dims effective_y_strides() const;
  Dims effective_residual_strides() const;
  // Terms in the sum of one output: c_i/groups * k_h * k_w.
  std::int64_t depth() const { return c_i / groups * k_h * k_w; }
  // Products of the forward sums, those by padding zeros included: n c_o h' w' depth().
  std::int64_t multiplications() const;

  friend bool operator==(const Problem&, const Problem&) = default;
};

// Throws Error, naming the shapes and the rule, unless every size, stride, pad and group fits and
// every element count, byte offset and operation count stays below 2^62.
PLAIT_API void validate(const Problem& problem);

// Element strides (in the order n, c, h, w) of a dense tensor of logical shape n x c x h x w.
PLAIT_API Dims layout_strides(const Dims& nchw_shape, Layout layout);

// Padding such that the output is ceil(size / stride) per axis; an odd row or column goes to the
// bottom and right (upper: ONNX SAME_UPPER, TensorFlow) or to the top and left (lower).
PLAIT_API Padding same_padding(const Problem& problem, bool upper);
// Padding such that every window that touches the input at all gives an output: d (k - 1) on each
// side.
PLAIT_API Padding full_padding(const Problem& problem);

// The problem line:
//   [name:] n x c_i x h x w , c_o x c_i/groups x k_h x k_w , options in any order
// for example "conv1: 1x3x224x224,64x3x7x7,s2,p3". docs/problem-line.md lists the options.
struct NamedProblem {
  std::string name;  // may be empty
  Problem problem;
};

// Throws Error with the column (from 1) and the offending text. The result is validated.
PLAIT_API NamedProblem parse_problem_line(std::string_view line);
PLAIT_API Problem parse_problem(std::string_view line);
// A file's text: a problem line per line, blank lines and `#` comments passed over. Errors name
// the line number.
PLAIT_API std::vector<NamedProblem> parse_problem_lines(std::string_view text);
// The canonical line without a name; parse_problem(to_string(p)) == p.
PLAIT_API std::string to_string(const Problem& problem);

// The values of single options, as they stand behind the option's letter in the line.
PLAIT_API Pair parse_pair(std::string_view text);              // "2", "2x1"
PLAIT_API Activation parse_activation(std::string_view text);  // "relu", "leaky:0.1"
PLAIT_API Direction parse_direction(std::string_view text);    // "forward", "backward_data", ...
// "1", "1x2", "2_3_2_3", "same_upper": needs the sizes, stride and dilation of the problem.
PLAIT_API Padding parse_padding(std::string_view text, const Problem& of);

PLAIT_API std::string_view name_of(PaddingMode mode);
PLAIT_API std::string_view name_of(Dtype dtype);
PLAIT_API std::string_view name_of(Layout layout);
PLAIT_API std::string_view name_of(Direction direction);
PLAIT_API std::size_t size_of(Dtype dtype);  // bytes

}  // namespace plait
