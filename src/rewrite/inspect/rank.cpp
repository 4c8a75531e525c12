#include "rewrite/inspect/rank.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "rewrite/inspect/thin.hpp"

namespace plait::rewrite {
namespace {

// Multiply-adds that take some 4 s [one core of a Xeon, no wide vectors, 2026-11].
constexpr double kMostWork = 1e10;

// Sizes of a group of the layer and of the two layers that may stand for it.
template <class T>
struct Shapes {
  Shapes(const ConvLayer<T>& layer, const Split& split)
      : outputs(layer.kernel.size(0) / layer.groups),
        inputs(layer.kernel.size(1)),
        window(layer.kernel.size(2), layer.kernel.size(3)),
        first(split.rows_first ? window.h : 1, split.columns_first ? window.w : 1),
        second(split.rows_first ? 1 : window.h, split.columns_first ? 1 : window.w) {}

  // The size of the matrix.
  std::int64_t rows() const { return inputs * first.h * first.w; }
  std::int64_t columns() const { return outputs * second.h * second.w; }
  // Where K[o, i, u, v] stands in it. A layer without taps on an axis has the tap 0 alone there.
  std::int64_t row(std::int64_t i, std::int64_t u, std::int64_t v) const {
    return (i * first.h + (first.h > 1 ? u : 0)) * first.w + (first.w > 1 ? v : 0);
  }
  std::int64_t column(std::int64_t o, std::int64_t u, std::int64_t v) const {
    return (o * second.h + (second.h > 1 ? u : 0)) * second.w + (second.w > 1 ? v : 0);
  }

  std::int64_t outputs;
  std::int64_t inputs;
  Pair window;
  Pair first;
  Pair second;
};

std::string size_text(const Pair& pair) {
  return std::to_string(pair.h) + "x" + std::to_string(pair.w);
}

// The most channels between, of each group, with fewer products than the layer.
template <class T>
std::int64_t paying_rank(const ConvLayer<T>& layer, const Shapes<T>& shapes, const Split& split) {
  // Each channel between takes as many products as a column of one factor and a row of the other
  // have values. The first layer also computes the positions that the second one's stride skips.
  const std::int64_t positions =
      (split.rows_first ? 1 : layer.stride.h) * (split.columns_first ? 1 : layer.stride.w);
  const double each = static_cast<double>(shapes.rows()) * static_cast<double>(positions) +
                      static_cast<double>(shapes.columns());
  const std::int64_t all = layer.kernel.size() / layer.groups;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(all) / each)) - 1;
}

template <class T>
Matrix matrix_of(const ConvLayer<T>& layer, const Shapes<T>& shapes, std::int64_t group) {
  Matrix matrix(shapes.rows(), shapes.columns());
  const T* value = &layer.kernel(group * shapes.outputs, 0, 0, 0);
  for (std::int64_t o = 0; o < shapes.outputs; ++o) {
    for (std::int64_t i = 0; i < shapes.inputs; ++i) {
      for (std::int64_t u = 0; u < shapes.window.h; ++u) {
        for (std::int64_t v = 0; v < shapes.window.w; ++v) {
          matrix(shapes.row(i, u, v), shapes.column(o, u, v)) = static_cast<double>(*value++);
        }
      }
    }
  }
  return matrix;
}

// One product per group, or nothing if the rank of one of them is too high.
template <class T>
std::optional<std::vector<ThinProduct>> products_of(const ConvLayer<T>& layer,
                                                    const Shapes<T>& shapes, std::int64_t limit,
                                                    const std::atomic<bool>* cancel) {
  std::vector<ThinProduct> products;
  products.reserve(static_cast<std::size_t>(layer.groups));
  // The share that rounding the values to T may have added, and what computing in f64 adds.
  const double rounding = std::numeric_limits<T>::epsilon() / 2 +
                          2 * std::sqrt(static_cast<double>(shapes.rows() + shapes.columns())) *
                              std::numeric_limits<double>::epsilon();
  for (std::int64_t group = 0; group < layer.groups; ++group) {
    auto product = thin_product(matrix_of(layer, shapes, group), limit, rounding, cancel);
    if (!product) return std::nullopt;
    products.push_back(std::move(*product));
  }
  return products;
}

// Both layers, where groups of smaller rank are filled up with zeros.
template <class T>
Layers<T> chain_of(const ConvLayer<T>& layer, const Split& split, const Shapes<T>& shapes,
                   const std::vector<ThinProduct>& products, std::int64_t rank) {
  ConvLayer<T> first;
  first.kernel = Tensor<T>({layer.groups * rank, shapes.inputs, shapes.first.h, shapes.first.w});
  first.groups = layer.groups;
  first.reads = layer.reads;
  ConvLayer<T> second;
  second.kernel = Tensor<T>({layer.kernel.size(0), rank, shapes.second.h, shapes.second.w});
  second.groups = layer.groups;
  second.writes = layer.writes;
  second.y_channels = layer.y_channels;
  ConvLayer<T>& rows = split.rows_first ? first : second;
  rows.stride.h = layer.stride.h;
  rows.dilation.h = layer.dilation.h;
  rows.padding.top = layer.padding.top;
  rows.padding.bottom = layer.padding.bottom;
  ConvLayer<T>& columns = split.columns_first ? first : second;
  columns.stride.w = layer.stride.w;
  columns.dilation.w = layer.dilation.w;
  columns.padding.left = layer.padding.left;
  columns.padding.right = layer.padding.right;
  const std::int64_t second_taps = shapes.second.h * shapes.second.w;
  for (std::int64_t group = 0; group < layer.groups; ++group) {
    const ThinProduct& product = products[static_cast<std::size_t>(group)];
    for (std::int64_t m = 0; m < product.left.cols; ++m) {
      T* to = &first.kernel(group * rank + m, 0, 0, 0);
      for (std::int64_t row = 0; row < shapes.rows(); ++row) {
        to[row] = static_cast<T>(product.left(row, m));
      }
      for (std::int64_t o = 0; o < shapes.outputs; ++o) {
        to = &second.kernel(group * shapes.outputs + o, m, 0, 0);
        for (std::int64_t tap = 0; tap < second_taps; ++tap) {
          to[tap] = static_cast<T>(product.right(m, o * second_taps + tap));
        }
      }
    }
  }
  return Layers<T>{std::move(first), std::move(second)};
}

}  // namespace

std::vector<Split> splits_of(const Pair& window) {
  std::vector<Split> splits;
  for (const bool rows : {true, false}) {
    for (const bool columns : {false, true}) {
      if ((rows || window.h > 1) && (columns || window.w > 1)) splits.push_back({rows, columns});
    }
  }
  return splits;
}

template <class T>
RankedChain<T> ranked_chain(const ConvLayer<T>& layer, const Split& split,
                            const std::atomic<bool>* cancel) {
  const Shapes<T> shapes(layer, split);
  RankedChain<T> chain;
  chain.rank.layers = size_text(shapes.first) + " then " + size_text(shapes.second);
  chain.rank.limit =
      std::min({paying_rank(layer, shapes, split), shapes.rows() - 1, shapes.columns() - 1});
  const double work = static_cast<double>(layer.groups) *
                      work_to_refuse(shapes.rows(), shapes.columns(), chain.rank.limit);
  if (work > kMostWork) {
    chain.rank.too_large = true;
    return chain;
  }
  const auto products = products_of(layer, shapes, chain.rank.limit, cancel);
  if (!products) return chain;
  std::int64_t rank = 0;
  for (const ThinProduct& product : *products) rank = std::max(rank, product.left.cols);
  chain.rank.rank = rank;
  chain.layers = chain_of(layer, split, shapes, *products, std::max<std::int64_t>(rank, 1));
  return chain;
}

template RankedChain<float> ranked_chain(const ConvLayer<float>&, const Split&,
                                         const std::atomic<bool>*);
template RankedChain<double> ranked_chain(const ConvLayer<double>&, const Split&,
                                          const std::atomic<bool>*);

}  // namespace plait::rewrite
