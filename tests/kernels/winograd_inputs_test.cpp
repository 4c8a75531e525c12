// Inputs on their way to the points of Winograd's forms, alone, per target, against the matrices in
// double: odd regions, borders that are outside, columns in any places, and nothing written but
// what may be.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/error.hpp>

#include "support/winograd.hpp"

namespace plait::test {
namespace {

using kernels::kNoOffset;
using kernels::kWinogradSlack;
using kernels::Region;
using kernels::WinogradKernels;

// Where a region's rows or columns lie.
enum class Places { side_by_side, scattered };

// Some channels of an image around which a region reaches, with a NaN wherever nothing may be read.
class InCase {
 public:
  InCase(const WinogradKernels& form, const Region& region, std::int64_t channels, Places places,
         Random& random)
      : form_(form),
        region_(region),
        largest_(magnitude_rows() * form.magnitude_pitch(region), kNan) {
    // Begins and ends outside of the image, on its border or within it.
    const std::int64_t rows = region.tile_rows * form.down.m + form.down.r - 1;
    const std::int64_t columns = region.tile_cols * form.across.m + form.across.r - 1;
    const std::int64_t first_row = random.between(-2, 1);
    const std::int64_t first_column = random.between(-2, 1);
    height_ = std::max<std::int64_t>(1, first_row + rows + random.between(-form.down.m, 1));
    width_ = std::max<std::int64_t>(1, first_column + columns + random.between(-form.across.m, 1));
    rows_ = positions(rows, first_row, height_);
    columns_ = positions(columns, first_column, width_);
    if (places == Places::scattered) {
      for (std::int64_t& row : rows_) row = random.between(-1, height_ - 1);
      for (std::int64_t& column : columns_) column = random.between(-1, width_ - 1);
    }
    in.channels = channels;
    in.side_by_side = places == Places::side_by_side;
    in.first = first_column;
    in.width = width_;
    in.outside = random.chance(0.5) ? 0.0F : 0.5F;
    in.region = region;
    in.raises = random.chance(0.5);
    in.largest = largest();
    if (!in.raises) return;
    for (std::int64_t i = 0; i < magnitude_rows() * form.magnitude_pitch(region); ++i) {
      largest_.data()[i] = kBefore;
    }
  }

  // Pixels side by side, as lines with gaps between them.
  void lie_in_lines(Random& random) {
    const std::int64_t line = width_ + 3;
    in.channel_stride = height_ * line + 5;
    pixel_stride_ = 1;
    place(line, random);
  }
  // Channels side by side.
  void lie_in_pixels(Random& random) {
    in.channel_stride = 1;
    pixel_stride_ = in.channels + 2;
    place(width_ * pixel_stride_, random);
  }

  // Every pixel of the region has the largest magnitude of its channels, and of what was there.
  void expect_magnitudes(const std::string& what) const {
    const std::int64_t pitch = form_.magnitude_pitch(region_);
    for (std::int64_t i = 0; i < magnitude_rows(); ++i) {
      for (std::size_t j = 0; j < columns_.size(); ++j) {
        const bool outside = rows_[index(i)] == kNoOffset || columns_[j] == kNoOffset;
        float expected = std::max(in.raises ? kBefore : 0, outside ? in.outside : 0);
        for (std::int64_t c = 0; c < in.channels && !outside; ++c) {
          const float x = x_[index(c * in.channel_stride + rows_[index(i)] + columns_[j])];
          expected = std::max(expected, std::abs(x));
        }
        ASSERT_EQ(largest()[i * pitch + static_cast<std::int64_t>(j)],
                  kernels::magnitude_of(expected))
            << what << ", row " << i << ", column " << j;
      }
    }
    EXPECT_TRUE(largest_.is_intact_around()) << what;
  }

  // v[f, c, tile] as given by its strides; nothing else may have been written but the slack.
  void expect(const float* v, std::int64_t channel_step, std::int64_t tile_step,
              const std::string& what) const {
    const kernels::ToomCook<double> down = matrices_of(form_.down);
    const kernels::ToomCook<double> across = matrices_of(form_.across);
    const int t = form_.across.t();
    for (std::int64_t c = 0; c < in.channels; ++c) {
      for (std::int64_t tile = 0; tile < region_.tiles(); ++tile) {
        for (int f = 0; f < form_.points(); ++f) {
          Expected expected;
          for (int row = 0; row < form_.down.t(); ++row) {
            for (int column = 0; column < t; ++column) {
              expected.add(down.b[index(f / t)][index(row)] *
                           across.b[index(f % t)][index(column)] *
                           static_cast<double>(input(c, tile, row, column)));
            }
          }
          const auto got =
              static_cast<double>(v[f * in.plane + c * channel_step + tile * tile_step]);
          ASSERT_LE(std::abs(got - expected.value), expected.tolerance(largest_t(form_)))
              << what << ", channel " << c << ", tile " << tile << ", point " << f;
        }
      }
    }
  }

  kernels::TransformIn in;

 private:
  static constexpr float kBefore = 0.7F;

  std::int64_t magnitude_rows() const {
    return region_.tile_rows * form_.down.m + form_.down.r - 1;
  }
  std::int32_t* largest() const { return reinterpret_cast<std::int32_t*>(largest_.data()); }

  static std::vector<std::int64_t> positions(std::int64_t count, std::int64_t first,
                                             std::int64_t size) {
    std::vector<std::int64_t> places;
    for (std::int64_t i = first; i < first + count; ++i) {
      places.push_back(i >= 0 && i < size ? i : -1);
    }
    return places;
  }

  void place(std::int64_t row_stride, Random& random) {
    const std::int64_t last = (in.channels - 1) * in.channel_stride + (height_ - 1) * row_stride +
                              (width_ - 1) * pixel_stride_;
    x_.assign(index(last + 1), kNan);
    for (std::int64_t c = 0; c < in.channels; ++c) {
      for (std::int64_t i = 0; i < height_; ++i) {
        for (std::int64_t j = 0; j < width_; ++j) {
          x_[index(c * in.channel_stride + i * row_stride + j * pixel_stride_)] =
              static_cast<float>(random.normal());
        }
      }
    }
    const auto to_offsets = [](std::vector<std::int64_t>& places, std::int64_t stride) {
      for (std::int64_t& place : places) place = place < 0 ? kNoOffset : place * stride;
    };
    to_offsets(rows_, row_stride);
    to_offsets(columns_, pixel_stride_);
    in.x = x_.data();
    in.rows = rows_.data();
    in.columns = columns_.data();
  }

  float input(std::int64_t c, std::int64_t tile, int row, int column) const {
    const std::int64_t at_row = rows_[index(tile / region_.tile_cols * form_.down.m + row)];
    const std::int64_t at_column =
        columns_[index(tile % region_.tile_cols * form_.across.m + column)];
    if (at_row == kNoOffset || at_column == kNoOffset) return in.outside;
    return x_[index(c * in.channel_stride + at_row + at_column)];
  }

  const WinogradKernels& form_;
  Region region_;
  Guarded largest_;
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;
  std::int64_t pixel_stride_ = 1;
  std::vector<std::int64_t> rows_, columns_;
  std::vector<float> x_;
};

// In `lines` of `pitch` floats, of which `used` are a result: what follows the slack is as it was.
void expect_untouched(const float* v, std::int64_t lines, std::int64_t used, std::int64_t pitch,
                      const std::string& what) {
  for (std::int64_t line = 0; line < lines; ++line) {
    for (std::int64_t i = used + kWinogradSlack; i < pitch; ++i) {
      ASSERT_EQ(v[line * pitch + i], kUntouched) << what << ", line " << line << " at " << i;
    }
  }
}

constexpr Region kRegions[] = {{1, 1}, {1, 5}, {3, 1}, {2, 3}, {3, 7}, {1, 16}, {2, 19}, {1, 37}};

TEST(WinogradKernels, AreOfTheFormTheyAreAskedFor) {
  for_each_winograd_axes(
      [&](Target target, const kernels::AxisForm& down, const kernels::AxisForm& across) {
        const WinogradKernels& form = kernels::winograd_kernels(target, down, across);
        EXPECT_EQ(form.down, down);
        EXPECT_EQ(form.across, across);
        EXPECT_LE(largest_t(form), kernels::kMostToomPoints);
        EXPECT_LE(lanes_of(target), kWinogradSlack);
      });
}

TEST(WinogradKernels, RefuseFormsThatAreNotCompiled) {
  const Target target = runnable_targets().front();
  EXPECT_THROW(kernels::winograd_kernels(target, {2, 7}, {2, 7}), Error);
  EXPECT_THROW(kernels::winograd_kernels(target, {5, 3}, {5, 3}), Error);
  EXPECT_THROW(kernels::winograd_kernels(target, {}, {}), Error);
}

TEST(WinogradInputs, ByLinesAreTheirValuesAtThePoints) {
  Random random(1);
  for_each_winograd_form([&](Target target, const WinogradKernels& form) {
    for (const Region& region : kRegions) {
      for (const Places places : {Places::side_by_side, Places::scattered}) {
        for (const std::int64_t channels : {1, 2, 3}) {
          InCase test(form, region, channels, places, random);
          test.lie_in_lines(random);
          kernels::TransformIn& in = test.in;
          in.pitch = region.tiles() + kWinogradSlack + 1;
          in.plane = channels * in.pitch;
          const Guarded v(std::int64_t{form.points()} * in.plane, kUntouched);
          const Guarded scratch(form.scratch_floats(region), kNan);
          in.v = v.data();
          in.scratch = scratch.data();
          form.by_lines(in);
          const std::string what = describe(target, form, region);
          test.expect(v.data(), in.pitch, 1, what);
          expect_untouched(v.data(), std::int64_t{form.points()} * channels, region.tiles(),
                           in.pitch, what);
          test.expect_magnitudes(what);
          EXPECT_TRUE(v.is_intact_around()) << what;
          EXPECT_TRUE(scratch.is_intact_around()) << what;
        }
      }
    }
  });
}

TEST(WinogradInputs, ByChannelsAreTheirValuesAtThePoints) {
  Random random(2);
  for_each_winograd_form([&](Target target, const WinogradKernels& form) {
    for (const Region& region : {Region{1, 1}, Region{2, 3}}) {
      for (const Places places : {Places::side_by_side, Places::scattered}) {
        for (const std::int64_t channels : {1, 7, 16, 33}) {
          InCase test(form, region, channels, places, random);
          test.lie_in_pixels(random);
          kernels::TransformIn& in = test.in;
          in.pitch = channels + kWinogradSlack + 1;
          in.plane = region.tiles() * in.pitch;
          const Guarded v(std::int64_t{form.points()} * in.plane, kUntouched);
          in.v = v.data();
          form.by_channels(in);
          const std::string what = describe(target, form, region);
          test.expect(v.data(), 1, in.pitch, what);
          expect_untouched(v.data(), std::int64_t{form.points()} * region.tiles(), channels,
                           in.pitch, what);
          test.expect_magnitudes(what);
          EXPECT_TRUE(v.is_intact_around()) << what;
        }
      }
    }
  });
}

// Both ways to the points give the same bits, as the choice between them may not be seen.
TEST(WinogradInputs, HaveTheSameBitsByLinesAndByChannels) {
  Random random(3);
  for_each_winograd_form([&](Target target, const WinogradKernels& form) {
    const Region region{2, 5};
    const std::int64_t channels = 5;
    InCase test(form, region, channels, Places::scattered, random);
    test.lie_in_pixels(random);
    kernels::TransformIn& in = test.in;
    const std::int64_t room = 64;  // of both pitches
    in.pitch = room;
    in.plane = room * room;
    const std::int64_t size = std::int64_t{form.points()} * in.plane;
    const Guarded by_lines(size, kUntouched);
    const Guarded by_channels(size, kUntouched);
    const Guarded scratch(form.scratch_floats(region), kNan);
    in.v = by_lines.data();
    in.scratch = scratch.data();
    form.by_lines(in);
    in.v = by_channels.data();
    form.by_channels(in);
    for (int f = 0; f < form.points(); ++f) {
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t tile = 0; tile < region.tiles(); ++tile) {
          ASSERT_EQ(by_lines.data()[f * in.plane + c * room + tile],
                    by_channels.data()[f * in.plane + tile * room + c])
              << describe(target, form, region) << ", channel " << c << ", tile " << tile
              << ", point " << f;
        }
      }
    }
  });
}

}  // namespace
}  // namespace plait::test
