// The register tiles alone, per target, against scalar loops that add in the promised order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "analysis/verify/guarded.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/tile/tile.hpp"
#include "support/floats.hpp"
#include "support/random.hpp"
#include "support/sums.hpp"

namespace plait::test {
namespace {

using kernels::kChunk;
using kernels::Tile;

std::string name_of_tile(Target target, const Tile& tile) {
  return std::string(name_of(target)) + " " + std::to_string(tile.rows) + "x" +
         std::to_string(tile.cols);
}

std::vector<const kernels::TileSet*> sets_of(Target target) {
  return {&kernels::tile_set(target), &kernels::channel_tile_set(target)};
}

TEST(TileSets, AreCompiledForTheTargetTheyAreAskedFor) {
  for (const Target target : runnable_targets()) {
    for (const kernels::TileSet* set : sets_of(target)) {
      EXPECT_EQ(set->target, target);
      EXPECT_EQ(set->lanes, lanes_of(target));
    }
  }
}

TEST(TileSets, FitTheirBuffersAndHaveANarrowTile) {
  for (const Target target : runnable_targets()) {
    bool narrow = false;
    for (const kernels::TileSet* set : sets_of(target)) {
      EXPECT_LE(set->tiles.size(), kernels::kMostTiles);
      for (const Tile& tile : set->tiles) {
        EXPECT_LE(tile.cols, kernels::kMaxCols) << name_of_tile(target, tile);
        EXPECT_LE(tile.rows * tile.cols, kernels::kMaxTile) << name_of_tile(target, tile);
        if (!tile.lanes_are_channels) {
          EXPECT_LE(tile.rows, kernels::kMaxPixelRows) << name_of_tile(target, tile);
          narrow = narrow || tile.cols == kernels::kNarrowCols;
        }
      }
    }
    EXPECT_TRUE(narrow) << name_of(target);
  }
}

// Floats aligned as the tiles ask of their sums.
class Sums {
 public:
  explicit Sums(std::size_t size) : bytes_(allocate_aligned(size * sizeof(float), "sums")) {}
  float* data() const { return reinterpret_cast<float*>(bytes_.get()); }

 private:
  AlignedBytes bytes_;
};

// A tile call with everything random, and what it should give.
struct TileCase {
  TileCase(Target target_, const Tile& tile_, std::int64_t depth_, Random& random)
      : target(target_),
        tile(tile_),
        depth(depth_),
        a(random_floats(tile.rows * depth, random)),
        b(random_floats(tile.cols * depth, random)),
        partial(random_floats(std::int64_t{tile.rows} * tile.cols, random)),
        bias(random_floats(tile.rows, random)),
        sums(partial.size()) {
    args.a = a.data();
    args.b = args.prefetch = b.data();
    args.b_stride = tile.cols;
    args.depth = depth;
    args.sums = sums.data();
  }

  void add_partial() {
    std::copy(partial.begin(), partial.end(), sums.data());
    args.partial = sums.data();
  }

  std::size_t own_order(int r, int j) const {
    return static_cast<std::size_t>(std::int64_t{r} * tile.row_step() +
                                    std::int64_t{j} * tile.col_step());
  }

  float expected(int r, int j) const {
    float sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      sum = add_term(target, sum, a[static_cast<std::size_t>(k * tile.rows + r)],
                     b[static_cast<std::size_t>(k * tile.cols + j)]);
    }
    return args.partial != nullptr ? partial[own_order(r, j)] + sum : sum;
  }

  float finished(int r, int j, const kernels::Epilogue& epilogue) const {
    float sum = expected(r, j);
    if (epilogue.bias != nullptr) sum += epilogue.bias[r];
    return epilogue.activation == ActivationKind::relu && sum < 0 ? 0 : sum;
  }

  void expect_sums() const {
    for (int r = 0; r < tile.rows; ++r) {
      for (int j = 0; j < tile.cols; ++j) {
        ASSERT_EQ(sums.data()[own_order(r, j)], expected(r, j))
            << name_of_tile(target, tile) << " depth " << depth << " row " << r << " column " << j;
      }
    }
  }

  Target target;
  const Tile& tile;
  std::int64_t depth;
  std::vector<float> a, b, partial, bias;
  Sums sums;
  kernels::TileArgs args;
};

// Calls body(target, tile, depth) for all tiles that this machine can run.
template <class Body>
void for_each_tile(Body body) {
  for (const Target target : runnable_targets()) {
    for (const kernels::TileSet* set : sets_of(target)) {
      for (const Tile& tile : set->tiles) {
        for (const std::int64_t depth : {std::int64_t{1}, std::int64_t{2}, kChunk - 1, kChunk}) {
          body(target, tile, depth);
        }
      }
    }
  }
}

TEST(Tiles, AddTheirTermsInOrderBitForBit) {
  Random random(1);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    for (const bool partial : {false, true}) {
      TileCase test(target, tile, depth, random);
      if (partial) test.add_partial();
      tile.packed(test.args);
      test.expect_sums();
    }
  });
}

TEST(Tiles, ReadRowsInPlaceWithTheSameBits) {
  Random random(3);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    if (tile.in_place == nullptr) return;
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
    test.expect_sums();
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
    test.expect_sums();
  });
}

TEST(Tiles, ReadColumnsFarApartWithTheSameBits) {
  Random random(8);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    if (tile.strided == nullptr) return;
    TileCase test(target, tile, depth, random);
    const std::int64_t step = random.between(1, 5);
    std::vector<std::int32_t> offsets;
    std::vector<float> spread(test.b.size() * static_cast<std::size_t>(step));
    for (std::int64_t k = 0; k < depth; ++k) {
      const std::int64_t at = k * tile.cols;
      offsets.push_back(static_cast<std::int32_t>(at * step));
      for (std::int64_t j = 0; j < tile.cols; ++j) {
        spread[static_cast<std::size_t>((at + j) * step)] =
            test.b[static_cast<std::size_t>(at + j)];
      }
    }
    test.args.b = spread.data();
    test.args.b_offsets = offsets.data();
    test.args.b_step = step;
    tile.strided(test.args);
    test.expect_sums();
  });
}

// A place for a tile with gaps between its columns' runs, guarded at both ends: what lies between
// the runs, behind the rows and around everything must stay as it is.
struct Place {
  static constexpr float kUntouched = -12345;

  // `cut` columns of the tile are dropped at its end; 0 < rows <= tile.rows.
  Place(const Tile& tile, int rows, int cut, bool channels_side_by_side, std::int64_t pixel_stride,
        Random& random) {
    std::int64_t at = 0;
    for (int j = 0; j < tile.cols - cut;) {
      const auto columns = static_cast<int>(random.between(1, tile.cols - cut - j));
      runs.push_back({at, 0, j, j + columns});
      at += columns * pixel_stride + random.between(0, 3);
      j += columns + static_cast<int>(random.between(0, 2));  // dropped columns, at times
    }
    const std::int64_t row_stride = channels_side_by_side ? 1 : at + 2;
    if (channels_side_by_side) pixel_stride = rows + 1;
    if (channels_side_by_side) {
      for (kernels::StoreRange& run : runs) run.offset = run.begin * pixel_stride;
    }
    const std::int64_t size = std::max(row_stride * rows, pixel_stride * tile.cols) + at;
    y = std::make_unique<GuardedTensor<float>>(
        Dims{1, 1, 1, size}, dense_strides({1, 1, 1, size}),
        random.chance(0.5) ? GuardedBytes::Side::behind : GuardedBytes::Side::before);
    std::fill_n(data(), size, kUntouched);
    to.y = data();
    to.row_stride = row_stride;
    to.pixel_stride = pixel_stride;
    to.rows = rows;
    to.ranges = runs;
  }

  float* data() const { return y->view().data(); }

  void expect(const TileCase& test, const kernels::Epilogue& epilogue) const {
    std::vector<float> wanted(static_cast<std::size_t>(y->view().size()), kUntouched);
    for (const kernels::StoreRange& run : runs) {
      for (int r = 0; r < to.rows; ++r) {
        for (int j = run.begin; j < run.end; ++j) {
          const std::int64_t at =
              r * to.row_stride + run.offset + (j - run.begin) * to.pixel_stride;
          wanted[static_cast<std::size_t>(at)] = test.finished(r, j, epilogue);
        }
      }
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_EQ(data()[i], wanted[i])
          << name_of_tile(test.target, test.tile) << " at " << i << " of " << wanted.size()
          << ", rows " << to.rows << ", row stride " << to.row_stride << ", pixel stride "
          << to.pixel_stride;
    }
  }

  std::vector<kernels::StoreRange> runs;
  std::unique_ptr<GuardedTensor<float>> y;
  kernels::Destination to;
};

// From registers and from sums in the tile's own order; whole tiles and pieces of them.
TEST(Tiles, FinishAndStoreWhatBelongsToThem) {
  Random random(2);
  for_each_tile([&](Target target, const Tile& tile, std::int64_t depth) {
    for (int i = 0; i < 24; ++i) {
      TileCase test(target, tile, depth, random);
      if (random.chance(0.5)) test.add_partial();
      const kernels::Epilogue epilogue{
          random.chance(0.5) ? test.bias.data() : nullptr,
          random.chance(0.5) ? ActivationKind::relu : ActivationKind::none};
      const bool side_by_side = tile.lanes_are_channels && random.chance(0.3);
      const std::int64_t pixel_stride = random.chance(0.7) ? 1 : random.between(2, 5);
      const int rows =
          random.chance(0.5) ? tile.rows : static_cast<int>(random.between(1, tile.rows));
      const int cut = random.chance(0.5) ? 0 : static_cast<int>(random.between(0, tile.cols - 1));
      const Place place(tile, rows, cut, side_by_side, pixel_stride, random);
      const bool from_registers =
          tile.lanes_are_channels ? side_by_side : place.to.pixel_stride == 1;
      if (from_registers && random.chance(0.7)) {
        test.args.sums = nullptr;
        test.args.epilogue = &epilogue;
        test.args.to = &place.to;
        tile.packed(test.args);
      } else {
        tile.packed(test.args);
        tile.store(test.sums.data(), tile.rows, tile.cols, epilogue, place.to);
      }
      place.expect(test, epilogue);
    }
  });
}

TEST(Tiles, ReluKeepsNaN) {
  Random random(4);
  for (const Target target : runnable_targets()) {
    for (const kernels::TileSet* set : sets_of(target)) {
      for (const Tile& tile : set->tiles) {
        TileCase test(target, tile, 3, random);
        test.b[1] = std::numeric_limits<float>::quiet_NaN();
        const kernels::Epilogue epilogue{nullptr, ActivationKind::relu};
        std::vector<float> out(test.partial.size());
        const kernels::StoreRange all{0, 0, 0, tile.cols};
        const kernels::Destination to{
            .y = out.data(), .row_stride = tile.cols, .rows = tile.rows, .ranges = {&all, 1}};
        tile.packed(test.args);
        tile.store(test.sums.data(), tile.rows, tile.cols, epilogue, to);
        for (int r = 0; r < tile.rows; ++r) {
          EXPECT_TRUE(std::isnan(out[static_cast<std::size_t>(r * tile.cols + 1)]))
              << name_of_tile(target, tile);
          EXPECT_FALSE(std::isnan(out[static_cast<std::size_t>(r * tile.cols)]));
        }
        if (tile.lanes_are_channels) continue;
        test.args.sums = nullptr;
        test.args.epilogue = &epilogue;
        test.args.to = &to;
        tile.packed(test.args);
        EXPECT_TRUE(std::isnan(out[1])) << name_of_tile(target, tile);
      }
    }
  }
}

}  // namespace
}  // namespace plait::test
