// The grid of feature maps is a PNG of the size its layout says, with each map where it belongs.
#include "draw/feature_grid.hpp"

#include <limits>

#include "io/image.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

struct Colour {
  float r, g, b;
};

// The middle of a map's tile as drawn.
Colour middle_of(const Tensor<float>& sheet, const GridLayout& layout, int channel) {
  // Margin 16, header 52; the tile is centred in its cell, whose gap is 14.
  const std::int64_t i = 16 + 52 + channel / layout.columns * layout.cell_h + layout.tile_h / 2;
  const std::int64_t j = 16 + channel % layout.columns * layout.cell_w + (layout.cell_w - 14) / 2;
  return {sheet(0, i, j), sheet(1, i, j), sheet(2, i, j)};
}

// c x 8 x 8: each map constant.
Tensor<float> constant_maps(const std::vector<float>& values) {
  Tensor<float> maps({static_cast<std::int64_t>(values.size()), 8, 8});
  for (std::int64_t i = 0; i < maps.size(); ++i) {
    maps.data()[i] = values[static_cast<std::size_t>(i / 64)];
  }
  return maps;
}

TEST(FeatureGrid, IsReadableAgainAndAsLargeAsItsLayout) {
  for (const Dims& shape : {Dims{1, 1, 1}, Dims{3, 50, 20}, Dims{8, 512, 512}, Dims{16, 7, 9},
                            Dims{17, 5, 300}, Dims{64, 12, 12}, Dims{65, 3, 3}, Dims{2, 1, 5000}}) {
    const GridLayout layout = grid_layout(shape);
    const Tensor<float> sheet =
        decode_image(draw_feature_grid(ramp(shape), {"title", "subtitle", {}}), "grid");
    EXPECT_EQ(sheet.shape(), (Dims{3, layout.height, layout.width})) << to_string(shape);
    EXPECT_LE(layout.width, 1400);
    EXPECT_LE(layout.height, 1800);
    EXPECT_GE(layout.columns * layout.rows, layout.shown);
    EXPECT_EQ(layout.shown, std::min<std::int64_t>(shape[0], kMaxCells));
  }
}

TEST(FeatureGrid, DrawsSignsInBlueAndRed) {
  const Tensor<float> maps = constant_maps({-1, -0.5f});
  const GridLayout layout = grid_layout(maps.shape());
  const Tensor<float> sheet = decode_image(draw_feature_grid(maps, {}), "grid");
  const Colour negative = middle_of(sheet, layout, 0);
  EXPECT_GT(negative.b, negative.r + 0.2f);

  Tensor<float> mixed = constant_maps({1});
  mixed(0, 0, 0) = -1;
  const Tensor<float> other = decode_image(draw_feature_grid(mixed, {}), "grid");
  const Colour positive = middle_of(other, grid_layout(mixed.shape()), 0);
  EXPECT_GT(positive.r, positive.b + 0.2f);
}

TEST(FeatureGrid, DrawsMapsWithoutNegativesFromBlackToWhite) {
  Tensor<float> maps = constant_maps({0, 5});
  for (std::int64_t j = 0; j < 8; ++j) {
    maps(0, 0, j) = 1;  // the rest of map 0 is its smallest value
    maps(1, 0, j) = 1;  // the rest of map 1 is its largest
  }
  const GridLayout layout = grid_layout(maps.shape());
  const Tensor<float> sheet = decode_image(draw_feature_grid(maps, {}), "grid");
  const Colour black = middle_of(sheet, layout, 0);
  const Colour white = middle_of(sheet, layout, 1);
  EXPECT_EQ(black.r + black.g + black.b, 0);
  EXPECT_EQ(white.r + white.g + white.b, 3);
}

TEST(FeatureGrid, MarksWhatIsNotFinite) {
  const Tensor<float> maps = constant_maps(
      {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1});
  const GridLayout layout = grid_layout(maps.shape());
  const Tensor<float> sheet = decode_image(draw_feature_grid(maps, {}), "grid");
  for (int channel = 0; channel < 2; ++channel) {
    const Colour colour = middle_of(sheet, layout, channel);
    EXPECT_EQ(colour.r, 1);
    EXPECT_EQ(colour.g, 0);
    EXPECT_EQ(colour.b, 1);
  }
  EXPECT_EQ(middle_of(sheet, layout, 2).r, middle_of(sheet, layout, 2).g);
}

TEST(FeatureGrid, LabelsAreDrawn) {
  const Tensor<float> maps = constant_maps({1});
  const std::string plain = draw_feature_grid(maps, {});
  EXPECT_NE(plain, draw_feature_grid(maps, {"a title", "", {}}));
  EXPECT_NE(plain, draw_feature_grid(maps, {"", "a subtitle", {}}));
  EXPECT_NE(plain, draw_feature_grid(maps, {"", "", {"a name"}}));
  EXPECT_NE(plain, draw_feature_grid(constant_maps({2}), {}));  // the range
  EXPECT_EQ(plain, draw_feature_grid(maps, {}));
  // Text that does not fit, and text that is no UTF-8.
  EXPECT_FALSE(draw_feature_grid(maps, {std::string(3000, 'x'), "", {}}).empty());
  EXPECT_FALSE(draw_feature_grid(maps, {"caf\xe9", "", {}}).empty());
}

}  // namespace
}  // namespace plait::cli
