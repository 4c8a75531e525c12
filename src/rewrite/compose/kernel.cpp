#include "rewrite/compose/kernel.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <plait/error.hpp>

#include "rewrite/linear/products.hpp"

namespace plait::rewrite {
namespace {

constexpr std::int64_t kColumns = 1024;  // of one product
// The most multiplications of one product, so that `cancel` is looked at every 20 ms, and elements.
constexpr std::int64_t kProducts = std::int64_t{1} << 26;
constexpr std::int64_t kElements = std::int64_t{1} << 21;

void stop_if(const std::atomic<bool>* cancel) {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    throw Error(Status::cancelled, "cancelled while the kernels were composed");
  }
}

// Where the taps of a kernel lie in a plane of W, in the order of its own plane.
std::vector<std::int64_t> tap_places(const Dims& kernel, const Pair& step, std::int64_t row) {
  std::vector<std::int64_t> places;
  places.reserve(static_cast<std::size_t>(kernel[2] * kernel[3]));
  for (std::int64_t u = 0; u < kernel[2]; ++u) {
    for (std::int64_t v = 0; v < kernel[3]; ++v) places.push_back(u * step.h * row + v * step.w);
  }
  return places;
}

// A product of every tap of K2 with every tap of K1 is one of two matrices,
//   P[(o, u2, v2), (c, u1, v1)] = sum over m of K2[o, m, u2, v2] K1[m, c, u1, v1],
// whose elements are then added where they belong in W. The middle channels are cut into lcm(g1,
// g2) blocks, each of which lies within one group of either layer. P is computed for one block
// after another, a part of its columns at a time. All three matrices are kept transposed, row by
// row: P^T = K1^T K2^T.
template <class T>
class Composer {
 public:
  Composer(const ConvLayer<T>& first, const ConvLayer<T>& second, Tensor<double>& w,
           const std::atomic<bool>* cancel)
      : first_(first),
        second_(second),
        w_(w),
        cancel_(cancel),
        blocks_(std::lcm(first.groups, second.groups)),
        depth_(first.kernel.size(0) / blocks_),
        rows_(second.kernel.size() / second.kernel.size(1) / second.groups),
        columns_(first.kernel.size() / first.kernel.size(0)),
        tap_places_(tap_places(
            second.kernel.shape(),
            {second.dilation.h * first.stride.h, second.dilation.w * first.stride.w}, w.size(3))) {
    const std::vector<std::int64_t> taps =
        tap_places(first.kernel.shape(), first.dilation, w.size(3));
    column_places_.reserve(static_cast<std::size_t>(columns_));
    for (std::int64_t c = 0; c < first.kernel.size(1); ++c) {
      for (const std::int64_t tap : taps) column_places_.push_back(c * plane() + tap);
    }
  }

  void run() {
    for (std::int64_t block = 0; block < blocks_; ++block) {
      for (std::int64_t column = 0; column < columns_; column += kColumns) {
        add_columns(block, column, std::min(kColumns, columns_ - column));
      }
    }
  }

 private:
  std::int64_t plane() const { return w_.size(2) * w_.size(3); }

  // Adds all of the block's rows of P, in these columns.
  void add_columns(std::int64_t block, std::int64_t column, std::int64_t columns) {
    k1_.resize(columns, depth_);
    for (std::int64_t m = 0; m < depth_; ++m) {
      const T* from = first_.kernel.data() + (block * depth_ + m) * columns_ + column;
      std::copy_n(from, columns, k1_.column(m));
    }
    const std::int64_t at_once = std::clamp<std::int64_t>(
        std::min(kProducts / columns / depth_, kElements / columns), 1, rows_);
    for (std::int64_t row = 0; row < rows_; row += at_once) {
      stop_if(cancel_);
      const std::int64_t rows = std::min(at_once, rows_ - row);
      read_k2(block, row, rows);
      write_product(k1_, k2_, product_);
      scatter(block, row, column);
    }
  }

  // Row r of a block is the tap r mod (k_h k_w) of K2's kernel r / (k_h k_w) in the block's group.
  void read_k2(std::int64_t block, std::int64_t row, std::int64_t rows) {
    const auto taps = static_cast<std::int64_t>(tap_places_.size());
    const std::int64_t per_group = second_.kernel.size(1);
    const std::int64_t m = block * depth_ % per_group;
    k2_.resize(depth_, rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* from = second_.kernel.data() + (kernel_of(block, row + r) * per_group + m) * taps +
                      (row + r) % taps;
      double* to = k2_.column(r);
      for (std::int64_t i = 0; i < depth_; ++i) to[i] = from[i * taps];
    }
  }

  std::int64_t kernel_of(std::int64_t block, std::int64_t row) const {
    const std::int64_t group = block / (blocks_ / second_.groups);
    return group * (second_.kernel.size(0) / second_.groups) +
           row / static_cast<std::int64_t>(tap_places_.size());
  }

  void scatter(std::int64_t block, std::int64_t row, std::int64_t column) {
    const auto taps = static_cast<std::int64_t>(tap_places_.size());
    // The first input channel of the block's group in K1, counted from the group's in W.
    const std::int64_t channel =
        block / (blocks_ / first_.groups) * first_.kernel.size(1) % w_.size(1);
    const std::int64_t* places = column_places_.data() + column;
    for (std::int64_t r = 0; r < product_.cols; ++r) {
      double* to = w_.data() + (kernel_of(block, row + r) * w_.size(1) + channel) * plane() +
                   tap_places_[static_cast<std::size_t>((row + r) % taps)];
      const double* from = product_.column(r);
      for (std::int64_t i = 0; i < product_.rows; ++i) to[places[i]] += from[i];
    }
  }

  const ConvLayer<T>& first_;
  const ConvLayer<T>& second_;
  Tensor<double>& w_;
  const std::atomic<bool>* cancel_;
  std::int64_t blocks_;   // of the middle channels
  std::int64_t depth_;    // middle channels of a block
  std::int64_t rows_;     // of P, for each block
  std::int64_t columns_;  // of P, for each block
  std::vector<std::int64_t> tap_places_;
  std::vector<std::int64_t> column_places_;
  Matrix k1_, k2_, product_;
};

}  // namespace

template <class T>
Tensor<double> composed_kernel(const ConvLayer<T>& first, const ConvLayer<T>& second,
                               const Dims& shape, const std::atomic<bool>* cancel) {
  stop_if(cancel);
  Tensor<double> w(shape);
  Composer<T>(first, second, w, cancel).run();
  return w;
}

template <class T>
Tensor<double> composed_bias(const ConvLayer<T>& first, const ConvLayer<T>& second) {
  const std::int64_t c_o = second.kernel.size(0);
  const std::int64_t per_group = second.kernel.size(1);
  const std::int64_t taps = second.kernel.size(2) * second.kernel.size(3);
  Tensor<double> bias(Dims{c_o});
  for (std::int64_t o = 0; o < c_o; ++o) {
    double sum = second.bias.size() == 0 ? 0.0 : double{second.bias(o)};
    const std::int64_t group = o / (c_o / second.groups);
    for (std::int64_t m = 0; first.bias.size() != 0 && m < per_group; ++m) {
      const T* kernel = second.kernel.data() + (o * per_group + m) * taps;
      sum +=
          double{first.bias(group * per_group + m)} * std::accumulate(kernel, kernel + taps, 0.0);
    }
    bias(o) = sum;
  }
  return bias;
}

#define PLAIT_INSTANTIATE(T)                                                                     \
  template Tensor<double> composed_kernel(const ConvLayer<T>&, const ConvLayer<T>&, const Dims&, \
                                          const std::atomic<bool>*);                             \
  template Tensor<double> composed_bias(const ConvLayer<T>&, const ConvLayer<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait::rewrite
