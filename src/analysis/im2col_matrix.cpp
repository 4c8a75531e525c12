// Writes the patches matrix row by row, as its definition reads.
#include <plait/analysis/im2col.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/error.hpp>

#include "core/integers.hpp"
#include "core/problem/padding.hpp"
#include "core/refuse.hpp"

namespace plait {
namespace {

std::string size_text(const Pair& pair) {
  return std::to_string(pair.h) + "x" + std::to_string(pair.w);
}

// The number of windows along an axis. Nothing if a size is wrong or too large to multiply here:
// validate() has the messages for these.
std::optional<std::int64_t> windows(std::int64_t size, std::int64_t before, std::int64_t after,
                                    std::int64_t taps, std::int64_t stride, std::int64_t dilation) {
  if (size < 1 || before < 0 || after < 0 || taps < 1 || stride < 1 || dilation < 1) return {};
  const Int128 padded = Int128{size} + before + after;
  const Int128 spare = padded - Int128{dilation} * (taps - 1) - 1;
  if (spare < 0 || padded >= kCountLimit) return {};
  return static_cast<std::int64_t>(spare / stride + 1);
}

// Runs before validate(), whose message would speak of the products of a layer that nobody asked
// for.
void check_matrix_size(const Problem& p) {
  const Padding& pad = p.padding;
  const auto rows = windows(p.h, pad.top, pad.bottom, p.k_h, p.stride.h, p.dilation.h);
  const auto columns = windows(p.w, pad.left, pad.right, p.k_w, p.stride.w, p.dilation.w);
  if (!rows || !columns || p.n < 1 || p.c_i < 1) return;
  const auto element_bytes = static_cast<std::int64_t>(size_of(p.dtype));
  if (bounded_product({p.n, *rows, *columns, p.c_i, p.k_h, p.k_w, element_bytes}, kCountLimit - 1))
    return;
  const Pair window(p.k_h, p.k_w);
  refuse("overflow: the patches matrix, n x (h' w') x (c k_h k_w) = " + std::to_string(p.n) + "x(" +
         size_text({*rows, *columns}) + ")x(" + std::to_string(p.c_i) + "x" + size_text(window) +
         ") of " + std::to_string(element_bytes) + " bytes, passes 2^62 bytes (x is " +
         to_string(p.x_shape()) + ", kernel is " + size_text(window) + ")");
}

// The valid layer with one output channel whose patches are asked for. `shape` is n x c x h x w; an
// empty batch is checked as one image.
Problem problem_of(const Dims& shape, const std::optional<Dims>& strides,
                   const Im2colOptions& options, Dtype dtype) {
  Problem problem = Problem::of(shape, {1, shape[1], options.kernel.h, options.kernel.w},
                                options.stride, options.padding, options.dilation);
  problem.n = std::max<std::int64_t>(1, problem.n);
  problem.padding_mode = options.padding_mode;
  problem.padding_value = options.padding_value;
  problem.dtype = dtype;
  problem.x_strides = strides;
  check_matrix_size(problem);
  validate(problem);
  return problem;
}

// The sizes or strides n, c, h, w of an x that may have no batch axis.
Dims with_batch(const Dims& axes, std::int64_t batch) {
  return axes.rank() == 4 ? axes : Dims{batch, axes[0], axes[1], axes[2]};
}

[[noreturn]] void refuse_x(const std::string& what) {
  refuse("x must be n x c x h x w or c x h x w but is " + what);
}

void check_rank(const Dims& shape) {
  if (shape.rank() != 3 && shape.rank() != 4) refuse_x(to_string(shape));
}

Dims matrix_shape(const Problem& problem, int x_rank) {
  const std::int64_t pixels = problem.h_o() * problem.w_o();
  if (x_rank == 3) return {pixels, problem.depth()};
  return {problem.n, pixels, problem.depth()};
}

void stop_if(const std::atomic<bool>* cancel) {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    throw Error(Status::cancelled, "cancelled while the patches matrix was made");
  }
}

// The positions of the taps of one window along an axis.
struct Taps {
  std::vector<std::int64_t> positions;  // in the input; kOutside: the padding value
  bool adjacent = false;                // all taps are inside and next to each other

  // `first` is the position of the first tap, which may lie before the input.
  void place(PaddingMode mode, std::int64_t first, std::int64_t step, std::int64_t size,
             std::int64_t after) {
    const auto taps = static_cast<std::int64_t>(positions.size());
    adjacent = step == 1 && first >= 0 && first + taps <= size;
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      positions[static_cast<std::size_t>(tap)] =
          source_position(mode, first + tap * step, size, after);
    }
  }
};

template <class T>
class Patches {
 public:
  Patches(const Problem& problem, TensorView<const T> x, const std::atomic<bool>* cancel)
      : p_(problem),
        cancel_(cancel),
        x_(x.data()),
        strides_(with_batch(x.strides(), 0)),
        outside_(static_cast<T>(problem.padding_value)),
        rows_{std::vector<std::int64_t>(static_cast<std::size_t>(problem.k_h))},
        columns_{std::vector<std::int64_t>(static_cast<std::size_t>(problem.k_w))} {}

  // Writes the w' rows of the matrix for output row i of image n. Returns the end of what it wrote.
  T* write(std::int64_t n, std::int64_t i, T* to) {
    rows_.place(p_.padding_mode, i * p_.stride.h - p_.padding.top, p_.dilation.h, p_.h,
                p_.padding.bottom);
    const std::int64_t w_o = p_.w_o();
    for (std::int64_t j = 0; j < w_o; ++j) {
      stop_if(cancel_);
      columns_.place(p_.padding_mode, j * p_.stride.w - p_.padding.left, p_.dilation.w, p_.w,
                     p_.padding.right);
      for (std::int64_t c = 0; c < p_.c_i; ++c) {
        to = write_window(x_ + n * strides_[0] + c * strides_[1], to);
      }
    }
    return to;
  }

 private:
  T* write_window(const T* channel, T* to) const {
    for (const std::int64_t row : rows_.positions) {
      if (row == kOutside) {
        to = std::fill_n(to, p_.k_w, outside_);
        continue;
      }
      const T* from = channel + row * strides_[2];
      if (columns_.adjacent && strides_[3] == 1) {
        to = std::copy_n(from + columns_.positions.front(), p_.k_w, to);
        continue;
      }
      for (const std::int64_t column : columns_.positions) {
        *to++ = column == kOutside ? outside_ : from[column * strides_[3]];
      }
    }
    return to;
  }

  const Problem& p_;
  const std::atomic<bool>* cancel_;
  const T* x_;
  Dims strides_;  // n, c, h, w
  T outside_;
  Taps rows_, columns_;
};

}  // namespace

Dims im2col_shape(const Dims& x_shape, const Im2colOptions& options, Dtype dtype) {
  check_rank(x_shape);
  Dims shape = matrix_shape(problem_of(with_batch(x_shape, 1), {}, options, dtype), x_shape.rank());
  if (x_shape.rank() == 4) shape[0] = x_shape[0];
  return shape;
}

template <class T>
Tensor<T> im2col(TensorView<const T> x, const Im2colOptions& options) {
  if (x.data() == nullptr && element_count(x.shape()) != 0) refuse_x("missing");
  check_rank(x.shape());
  const Problem problem = problem_of(with_batch(x.shape(), 1), with_batch(x.strides(), 0), options,
                                     std::is_same_v<T, double> ? Dtype::f64 : Dtype::f32);
  stop_if(options.cancel);
  Tensor<T> matrix(im2col_shape(x.shape(), options, problem.dtype));
  if (matrix.size() == 0) return matrix;
  Patches<T> patches(problem, x, options.cancel);
  T* to = matrix.data();
  const std::int64_t h_o = problem.h_o();
  for (std::int64_t n = 0; n < problem.n; ++n) {
    for (std::int64_t i = 0; i < h_o; ++i) to = patches.write(n, i, to);
  }
  return matrix;
}

template Tensor<float> im2col(TensorView<const float>, const Im2colOptions&);
template Tensor<double> im2col(TensorView<const double>, const Im2colOptions&);

}  // namespace plait
