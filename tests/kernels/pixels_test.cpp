// The pixel tiles of depthwise layers alone, per target, against scalar loops that add in the
// promised order, and the move of pixels into copies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/tensor/aligned_buffer.hpp"
#include "kernels/depthwise/pixels.hpp"
#include "kernels/depthwise/planes.hpp"
#include "support/floats.hpp"
#include "support/random.hpp"
#include "support/sums.hpp"

namespace plait::test {
namespace {

using kernels::PixelKernels;
using kernels::PixelTile;

// A tile over random pixels, and what it should give. Pixels and weights lie 2 floats apart.
class PixelCase {
 public:
  PixelCase(Target target, const PixelTile& tile, std::int64_t k_h, std::int64_t k_w,
            std::int64_t channels, Random& random)
      : target_(target),
        tile_(tile),
        pixel_floats_(channels + 2),
        columns_(std::int64_t{tile.pixels - 1} * tile.stride + k_w),
        x_(random_floats((tile.lines + k_h - 1) * columns_ * pixel_floats_, random)),
        weights_(random_floats(k_h * k_w * pixel_floats_, random)),
        bias_(random_floats(channels, random)),
        residual_(random_floats(outputs(), random)),
        out_(static_cast<std::size_t>(outputs()), kUntouched),
        chunk_sums_(allocate_aligned(kernels::kMaxPlaneTile * sizeof(float), "chunk sums")) {
    for (std::int64_t r = 0; r < tile.lines + k_h - 1; ++r) {
      rows_.push_back(x_.data() + r * columns_ * pixel_floats_ - 1);
    }
    args.rows = rows_.data();
    args.offset = 1;
    args.pixel_stride = step() * pixel_floats_;
    args.tap_stride = pixel_floats_;
    args.weights = weights_.data();
    args.weight_stride = pixel_floats_;
    args.k_h = k_h;
    args.k_w = k_w;
    args.channels = channels;
    args.out = out_.data();
    args.out_line = args.residual_line = std::int64_t{tile.pixels} * pixel_floats_;
    args.out_pixel = args.residual_pixel = pixel_floats_;
    args.chunk_sums = reinterpret_cast<float*>(chunk_sums_.get());
  }

  void add_bias() { args.bias = bias_.data(); }
  void add_residual() { args.residual = residual_.data(); }

  void expect_equal() {
    const std::int64_t lanes = lanes_of(target_);
    const std::int64_t vectors = (args.channels + lanes - 1) / lanes;
    EXPECT_EQ(tile_.function(args),
              std::int64_t{tile_.lines} * tile_.pixels * vectors * lanes * args.k_h * args.k_w);
    for (std::int64_t i = 0; i < outputs(); ++i) {
      const std::int64_t c = i % pixel_floats_;
      ASSERT_EQ(at(out_, i), c < args.channels ? expected(i / pixel_floats_, c) : kUntouched)
          << name_of(target_) << " tile of " << tile_.lines << " x " << tile_.pixels
          << " for windows " << tile_.k_w << " wide, window " << args.k_h << "x" << args.k_w << ", "
          << args.channels << " channels, at " << i;
    }
  }

  kernels::PixelArgs args;

 private:
  std::int64_t step() const { return tile_.stride; }
  std::int64_t outputs() const { return std::int64_t{tile_.lines} * tile_.pixels * pixel_floats_; }

  float expected(std::int64_t pixel, std::int64_t c) {
    const std::int64_t line = pixel / tile_.pixels;
    const std::int64_t column = pixel % tile_.pixels * step();
    float sum = chunked_sum(target_, args.k_h * args.k_w, [&](std::int64_t k) {
      const std::int64_t row = line + k / args.k_w;
      const std::int64_t x = (row * columns_ + column + k % args.k_w) * pixel_floats_ + c;
      return std::pair(at(weights_, k * pixel_floats_ + c), at(x_, x));
    });
    if (args.bias != nullptr) sum += at(bias_, c);
    if (args.residual != nullptr) sum += at(residual_, pixel * pixel_floats_ + c);
    if (args.activation != ActivationKind::none && sum < 0) sum = 0;
    return args.activation == ActivationKind::relu6 && sum > 6 ? 6 : sum;
  }

  Target target_;
  const PixelTile& tile_;
  std::int64_t pixel_floats_, columns_;
  std::vector<float> x_, weights_, bias_, residual_, out_;
  std::vector<const float*> rows_;
  AlignedBytes chunk_sums_;
};

// Calls body(target, tile, k_h, k_w, channels): windows around a chunk, channels around a vector.
template <class Body>
void for_each_case(Body body) {
  for (const Target target : runnable_targets()) {
    const PixelKernels& kernels = kernels::pixel_kernels(target);
    for (const PixelTile& tile : kernels.tiles) {
      std::vector<std::pair<std::int64_t, std::int64_t>> windows = {
          {1, 1}, {2, 3}, {6, 1}, {7, 7}, {15, 17}, {16, 16}, {1, 257}, {257, 1}, {23, 24}};
      if (tile.k_w > 0) windows = {{1, tile.k_w}, {2, tile.k_w}, {tile.k_w, tile.k_w}};
      for (const auto& [k_h, k_w] : windows) {
        if (k_h < tile.lines) continue;
        const std::int64_t lanes = kernels.lanes;
        for (const std::int64_t channels :
             {std::int64_t{1}, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes - 1}) {
          if (tile.k_w > 0 && channels < lanes) continue;
          body(target, tile, k_h, k_w, channels);
        }
      }
    }
  }
}

TEST(PixelKernels, AreCompiledForTheTargetTheyAreAskedFor) {
  for (const Target target : runnable_targets()) {
    const PixelKernels& kernels = kernels::pixel_kernels(target);
    EXPECT_EQ(kernels.target, target);
    EXPECT_EQ(kernels.lanes, lanes_of(target));
    EXPECT_TRUE(std::any_of(kernels.tiles.begin(), kernels.tiles.end(), [](const PixelTile& tile) {
      return tile.k_w == 0 && tile.lines == 1 && tile.pixels == 1;
    }));
    for (const PixelTile& tile : kernels.tiles) {
      EXPECT_LE(tile.lines * tile.pixels * kernels.lanes, kernels::kMaxPlaneTile);
    }
  }
}

TEST(PixelTiles, AddTheirTapsInOrderAndChunksBitForBit) {
  Random random(1);
  for_each_case([&](Target target, const PixelTile& tile, std::int64_t k_h, std::int64_t k_w,
                    std::int64_t channels) {
    PixelCase(target, tile, k_h, k_w, channels, random).expect_equal();
  });
}

TEST(PixelTiles, AddBiasAndResidualThenActivate) {
  Random random(2);
  for_each_case([&](Target target, const PixelTile& tile, std::int64_t k_h, std::int64_t k_w,
                    std::int64_t channels) {
    if (k_h * k_w > 49) return;
    for (int epilogue = 1; epilogue < 12; ++epilogue) {
      PixelCase test(target, tile, k_h, k_w, channels, random);
      if (epilogue % 2 == 1) test.add_bias();
      if (epilogue / 2 % 2 == 1) test.add_residual();
      test.args.activation = epilogue < 4   ? ActivationKind::none
                             : epilogue < 8 ? ActivationKind::relu
                                            : ActivationKind::relu6;
      test.args.prefetch_output = epilogue % 3 == 0;
      test.expect_equal();
    }
  });
}

TEST(Pixels, AreCopiedAndNothingElse) {
  Random random(3);
  for (const Target target : runnable_targets()) {
    const PixelKernels& kernels = kernels::pixel_kernels(target);
    for (const std::int64_t channels : {1, kernels.lanes - 1, kernels.lanes, 40}) {
      for (const std::int64_t pixels : {1, 5}) {
        const std::int64_t from_stride = channels + 3;
        const std::int64_t to_stride = channels + 2;
        std::vector<float> from = random_floats((pixels - 1) * from_stride + channels, random);
        std::vector<float> to(static_cast<std::size_t>(pixels * to_stride), kUntouched);
        kernels.copy({from.data(), from_stride, to.data(), to_stride, pixels, channels});
        for (std::int64_t i = 0; i < pixels * to_stride; ++i) {
          const std::int64_t c = i % to_stride;
          ASSERT_EQ(at(to, i),
                    c < channels ? at(from, i / to_stride * from_stride + c) : kUntouched);
        }
      }
    }
  }
}

}  // namespace
}  // namespace plait::test
