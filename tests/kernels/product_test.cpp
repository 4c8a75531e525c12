// The blocked product alone, per target: around every tile, and under any caches, caps and threads,
// against scalar sums in the promised order, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <plait/executor.hpp>

#include "analysis/verify/guarded.hpp"
#include "kernels/product/product.hpp"
#include "support/random.hpp"
#include "support/sums.hpp"

namespace plait::test {
namespace {

using kernels::kChunk;
using kernels::Tile;

// A dense b, for products alone.
class DenseSource final : public kernels::PanelSource {
 public:
  DenseSource(const float* b, const kernels::ProductShape& shape) : b_(b), shape_(shape) {}

  void fill(std::int64_t image_group, std::int64_t k_begin, std::int64_t k_end, std::int64_t column,
            std::int64_t count, float* panel, std::int64_t panel_cols) const override {
    for (std::int64_t k = k_begin; k < k_end; ++k, panel += panel_cols) {
      const float* row = in_place(image_group, k, column);
      std::copy(row, row + count, panel);
      std::fill(panel + count, panel + panel_cols, 0.0F);
    }
  }
  const float* in_place(std::int64_t image_group, std::int64_t k,
                        std::int64_t column) const override {
    return b_ + (image_group * shape_.depth + k) * shape_.columns + column;
  }
  std::int64_t in_place_stride() const override { return shape_.columns; }

 private:
  const float* b_;
  kernels::ProductShape shape_;
};

float expected_product(Target target, const kernels::ProductShape& shape, const float* a,
                       const float* b, float bias, std::int64_t image_group, std::int64_t row,
                       std::int64_t column) {
  float total = 0;
  for (std::int64_t begin = 0; begin < shape.depth; begin += kChunk) {
    float sum = 0;
    for (std::int64_t k = begin; k < std::min(shape.depth, begin + kChunk); ++k) {
      const std::int64_t weight = (image_group % shape.groups * shape.rows + row) * shape.depth + k;
      sum = add_term(target, sum, a[weight],
                     b[(image_group * shape.depth + k) * shape.columns + column]);
    }
    total = begin == 0 ? sum : total + sum;
  }
  return total + bias;
}

struct ProductCase {
  kernels::ProductShape shape;
  int threads;
  bool prepacked;
  bool in_place;
  std::size_t cap;
};

// Runs one product in guarded memory and compares every output bit for bit.
void check_product(const ProductCase& test, const Machine& machine, int tile_rows, Random& random) {
  const kernels::ProductShape& shape = test.shape;
  kernels::BlockingRequest request;
  request.shape = shape;
  request.threads = test.threads;
  request.max_workspace_bytes = test.cap;
  request.prepacked = test.prepacked;
  request.tile_rows = tile_rows;
  request.source_in_place = test.in_place;
  request.gather_seconds_per_element = 1e-9;
  const kernels::Blocking blocking = kernels::choose_blocking(request, machine);
  if (!blocking.fits()) {  // not every tile can do without workspace
    ASSERT_NE(tile_rows, 0);
    return;
  }
  ASSERT_LE(kernels::workspace_bytes(blocking), test.cap);

  const auto side = random.chance(0.5) ? GuardedBytes::Side::behind : GuardedBytes::Side::before;
  const Dims a_shape{1, shape.groups, shape.rows, shape.depth};
  const Dims b_shape{1, shape.image_groups, shape.depth, shape.columns};
  const Dims y_shape{1, shape.image_groups, shape.rows, shape.columns};
  GuardedTensor<float> a(a_shape, dense_strides(a_shape), side);
  GuardedTensor<float> b(b_shape, dense_strides(b_shape), side);
  GuardedTensor<float> y(y_shape, dense_strides(y_shape), side);
  Tensor<float> values(a_shape);
  for (float& value : values) value = static_cast<float>(random.normal());
  a.copy_from(values);
  values = Tensor<float>(b_shape);
  for (float& value : values) value = static_cast<float>(random.normal());
  b.copy_from(values);
  Tensor<float> bias({shape.groups * shape.rows});
  for (float& value : bias) value = static_cast<float>(random.normal());

  GuardedBytes workspace(kernels::workspace_bytes(blocking), 64, side);
  GuardedBytes packed(blocking.weights_bytes, 64, side);
  kernels::ProductOperands args;
  const DenseSource source(b.view().data(), shape);
  if (test.prepacked) {
    auto* to = reinterpret_cast<float*>(packed.data());
    kernels::PackedWeights(shape, blocking.tile->rows).pack(a.view().data(), bias.data(), to);
    args.packed = to;
  } else {
    args.a = a.view().data();
    args.bias = bias.data();
  }
  args.has_bias = true;
  args.y.data = y.view().data();
  args.y.strides = {shape.groups * shape.rows * shape.columns, shape.columns, shape.columns, 1};
  args.y.residual_strides = args.y.strides;
  args.y.width = shape.columns;
  args.y.pitch = shape.columns;
  args.workspace = workspace.data();
  args.executor = &default_executor();
  kernels::run_product(shape, blocking, source, args);

  for (std::int64_t image_group = 0; image_group < shape.image_groups; ++image_group) {
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      for (std::int64_t column = 0; column < shape.columns; ++column) {
        ASSERT_EQ(y.view()(0, image_group, row, column),
                  expected_product(machine.target, shape, a.view().data(), b.view().data(),
                                   bias.data()[image_group % shape.groups * shape.rows + row],
                                   image_group, row, column))
            << name_of(machine.target) << " tile " << blocking.tile->rows << "x"
            << blocking.tile->cols << " of " << shape.rows << "x" << shape.columns << "x"
            << shape.depth << " at " << row << "," << column << " in_place " << test.in_place
            << " prepacked " << test.prepacked << " cap " << test.cap;
      }
    }
  }
}

TEST(Products, AroundEveryTileMatchScalarSumsBitForBit) {
  Random random(5);
  for (const Target target : runnable_targets()) {
    const Machine machine = on_target(target);
    for (const Tile& tile : kernels::tile_set(target).tiles) {
      for (const std::int64_t depth : {std::int64_t{1}, kChunk - 1, kChunk, kChunk + 1}) {
        for (int d_rows = -1; d_rows <= 1; ++d_rows) {
          for (int d_cols = -1; d_cols <= 1; ++d_cols) {
            if (tile.rows + d_rows == 0) continue;
            ProductCase test{{1, 1, tile.rows + d_rows, tile.cols + d_cols, depth},
                             1,
                             true,
                             random.chance(0.5),
                             std::size_t{1} << 30};
            check_product(test, machine, tile.rows, random);
          }
        }
      }
    }
  }
}

// Tiny caches cut depth, columns and rows several times; every cap down to none must do.
TEST(Products, UnderAnyCacheCapAndThreadsMatchScalarSumsBitForBit) {
  Random random(6);
  for (const Target target : runnable_targets()) {
    for (int i = 0; i < 60; ++i) {
      Machine machine = with_fake_caches(on_target(target), random);
      const std::int64_t groups = random.between(1, 2);
      static constexpr std::size_t kCaps[] = {0, 1000, 20000, 60000, std::size_t{1} << 30};
      ProductCase test{{groups * random.between(1, 2), groups, random.between(1, 40),
                        random.between(1, 150), random.between(1, 3 * kChunk)},
                       static_cast<int>(random.between(1, 4)),
                       random.chance(0.5),
                       random.chance(0.5),
                       random.pick(kCaps)};
      check_product(test, machine, 0, random);
    }
  }
}

TEST(Blocking, CutsEveryLoopWhenCachesAreSmall) {
  Machine machine = canonical_machine();
  machine.caches.l2_bytes = 16 << 10;
  kernels::BlockingRequest request;
  request.shape = {1, 1, 64, 500, 2000};
  request.threads = 2;
  request.max_workspace_bytes = std::size_t{1} << 30;
  const kernels::Blocking blocking = kernels::choose_blocking(request, machine);
  EXPECT_LT(blocking.block_depth, request.shape.depth);
  EXPECT_EQ(blocking.block_depth % kChunk, 0);
  EXPECT_LT(blocking.block_columns, request.shape.columns);
}

TEST(Blocking, SplitsRowsWhenThereAreFewColumns) {
  kernels::BlockingRequest request;
  request.shape = {1, 1, 512, 16, 512};
  request.threads = 2;
  request.max_workspace_bytes = std::size_t{1} << 30;
  const kernels::Blocking blocking =
      kernels::choose_blocking(request, test::built_canonical_machine());
  EXPECT_EQ(blocking.threads, 2);
  EXPECT_LT(blocking.block_rows, request.shape.rows);
}

TEST(Blocking, KeepsTinyProductsOnOneThread) {
  kernels::BlockingRequest request;
  request.shape = {1, 1, 4, 16, 9};
  request.threads = 2;
  request.max_workspace_bytes = std::size_t{1} << 30;
  EXPECT_EQ(kernels::choose_blocking(request, canonical_machine()).threads, 1);
}

// Counts of a product near the limit saturate; they must not wrap around.
TEST(Blocking, SaturatesTheCountsOfHugeProducts) {
  kernels::BlockingRequest request;
  request.shape = {1, 1, 1, std::int64_t{1} << 61, 1};
  request.max_workspace_bytes = std::size_t{1} << 30;
  for (const Target target : runnable_targets()) {
    const kernels::Blocking blocking = kernels::choose_blocking(request, on_target(target));
    EXPECT_GE(blocking.executed_macs, request.shape.columns) << name_of(target);
    EXPECT_GT(blocking.product_seconds, 0) << name_of(target);
  }
}

}  // namespace
}  // namespace plait::test
