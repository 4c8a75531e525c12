// The register tiles alone, per target, against scalar loops that add in the promised order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/tile.hpp"
#include "support/random.hpp"
#include "support/sums.hpp"

namespace plait::test {
namespace {

using kernels::kChunk;
using kernels::Tile;

std::vector<float> random_floats(std::size_t size, Random& random) {
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

std::string name_of_tile(Target target, const Tile& tile) {
  return std::string(name_of(target)) + " " + std::to_string(tile.rows) + "x" +
         std::to_string(tile.cols);
}

TEST(TileSets, AreCompiledForTheTargetTheyAreAskedFor) {
  for (const Target target : runnable_targets()) {
    const kernels::TileSet& set = kernels::tile_set(target);
    EXPECT_EQ(set.target, target);
    EXPECT_EQ(set.lanes, lanes_of(target));
  }
}

TEST(TileSets, FitTheirBuffersAndHaveANarrowTile) {
  for (const Target target : runnable_targets()) {
    bool narrow = false;
    for (const Tile& tile : kernels::tile_set(target).tiles) {
      EXPECT_LE(tile.rows, kernels::kMaxRows) << name_of_tile(target, tile);
      EXPECT_LE(tile.rows * tile.cols, kernels::kMaxTile) << name_of_tile(target, tile);
      narrow = narrow || tile.cols == kernels::kNarrowCols;
    }
    EXPECT_TRUE(narrow) << name_of(target);
  }
}

// A tile call with everything random, and what it should give.
struct TileCase {
  TileCase(Target target_, const Tile& tile_, std::int64_t depth_, Random& random)
      : target(target_),
        tile(tile_),
        depth(depth_),
        a(random_floats(static_cast<std::size_t>(tile.rows * depth), random)),
        b(random_floats(static_cast<std::size_t>(tile.cols * depth), random)),
        partial(random_floats(static_cast<std::size_t>(tile.rows * tile.cols), random)),
        bias(random_floats(static_cast<std::size_t>(tile.rows), random)),
        out(partial.size()) {
    args.a = a.data();
    args.b = b.data();
    args.b_stride = tile.cols;
    args.depth = depth;
    args.out = out.data();
    args.out_stride = tile.cols;
  }

  // With `relu_input` far below zero for some, so that both sides of the activation are seen.
  float expected(int r, int j) const {
    float sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      sum = add_term(target, sum, a[static_cast<std::size_t>(k * tile.rows + r)],
                     b[static_cast<std::size_t>(k * tile.cols + j)]);
    }
    if (args.partial != nullptr) sum = partial[static_cast<std::size_t>(r * tile.cols + j)] + sum;
    if (args.epilogue == nullptr) return sum;
    if (args.epilogue->bias != nullptr) sum += bias[static_cast<std::size_t>(r)];
    return args.epilogue->relu && sum < 0 ? 0 : sum;
  }

  void expect_equal() const {
    for (int r = 0; r < tile.rows; ++r) {
      for (int j = 0; j < tile.cols; ++j) {
        const float got = out[static_cast<std::size_t>(r * tile.cols + j)];
        ASSERT_EQ(got, expected(r, j))
            << name_of_tile(target, tile) << " depth " << depth << " row " << r << " column " << j;
      }
    }
  }

  Target target;
  const Tile& tile;
  std::int64_t depth;
  std::vector<float> a, b, partial, bias, out;
  kernels::TileArgs args;
};

// Calls body(target, tile, depth) for all tiles that this machine can run.
template <class Body>
void for_each_tile(Body body) {
  for (const Target target : runnable_targets()) {
    for (const Tile& tile : kernels::tile_set(target).tiles) {
      for (const std::int64_t depth : {std::int64_t{1}, std::int64_t{2}, kChunk - 1, kChunk}) {
        body(target, tile, depth);
      }
    }
  }
}

TEST(Tiles, AddTheirTermsInOrderBitForBit) {
  Random random(1);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    TileCase test(target, tile, depth, random);
    tile.packed(test.args);
    test.expect_equal();
  });
}

TEST(Tiles, AddPartialSumThenBiasThenRelu) {
  Random random(2);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    for (const bool partial : {false, true}) {
      for (const bool bias : {false, true}) {
        for (const bool relu : {false, true}) {
          TileCase test(target, tile, depth, random);
          const kernels::Epilogue epilogue{bias ? test.bias.data() : nullptr, relu};
          test.args.epilogue = &epilogue;
          test.args.partial = partial ? test.partial.data() : nullptr;
          test.args.partial_stride = tile.cols;
          tile.packed(test.args);
          test.expect_equal();
        }
      }
    }
  });
}

TEST(Tiles, ReadRowsInPlaceWithTheSameBits) {
  Random random(3);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    TileCase test(target, tile, depth, random);
    std::vector<std::vector<float>> rows(static_cast<std::size_t>(tile.rows));
    std::vector<const float*> addresses;
    for (int r = 0; r < tile.rows; ++r) {
      auto& row = rows[static_cast<std::size_t>(r)];
      for (std::int64_t k = 0; k < depth; ++k) {
        row.push_back(test.a[static_cast<std::size_t>(k * tile.rows + r)]);
      }
      addresses.push_back(row.data());
    }
    test.args.a_rows = addresses.data();
    test.args.a = nullptr;
    tile.in_place(test.args);
    test.expect_equal();
  });
}

TEST(Tiles, ReadShiftedRowsWithTheSameBits) {
  Random random(7);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    TileCase test(target, tile, depth, random);
    std::vector<std::int32_t> offsets;
    std::vector<float> shuffled(test.b.size());
    for (std::int64_t k = 0; k < depth; ++k) {  // the rows of b in reverse
      const std::int64_t at = (depth - 1 - k) * tile.cols;
      offsets.push_back(static_cast<std::int32_t>(at));
      std::copy_n(test.b.begin() + k * tile.cols, tile.cols, shuffled.begin() + at);
    }
    test.args.b = shuffled.data();
    test.args.b_offsets = offsets.data();
    tile.shifted(test.args);
    test.expect_equal();
  });
}

TEST(Tiles, ReluKeepsNaN) {
  Random random(4);
  for (const Target target : runnable_targets()) {
    for (const Tile& tile : kernels::tile_set(target).tiles) {
      TileCase test(target, tile, 3, random);
      test.b[1] = std::numeric_limits<float>::quiet_NaN();
      const kernels::Epilogue epilogue{nullptr, true};
      test.args.epilogue = &epilogue;
      tile.packed(test.args);
      for (int r = 0; r < tile.rows; ++r) {
        EXPECT_TRUE(std::isnan(test.out[static_cast<std::size_t>(r * tile.cols + 1)]))
            << name_of_tile(target, tile);
        EXPECT_FALSE(std::isnan(test.out[static_cast<std::size_t>(r * tile.cols)]));
      }
    }
  }
}

}  // namespace
}  // namespace plait::test
