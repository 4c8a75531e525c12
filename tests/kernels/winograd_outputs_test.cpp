// Sums at the points of Winograd's forms on their way to outputs, alone, per target, against the
// matrices in double: every layout, ragged ends, marked tiles, and nothing written but outputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "support/winograd.hpp"

namespace plait::test {
namespace {

using kernels::kWinogradSlack;
using kernels::Region;
using kernels::WinogradKernels;

// Where outputs lie.
struct OutStrides {
  const char* name;
  std::int64_t channel;
  std::int64_t line;
  std::int64_t pixel;
};

// Tiles that others compute, and outputs that are zero, here and there; or no marks.
std::vector<kernels::TileMark> random_marks(const WinogradKernels& form, const Region& region,
                                            Random& random) {
  std::vector<kernels::TileMark> marks;
  if (random.chance(0.3)) return marks;
  const int outputs = form.down.m * form.across.m;
  for (std::int64_t tile = 0; tile < region.tiles(); ++tile) {
    const kernels::TileMark zeros = random.bits() & ((kernels::TileMark{1} << outputs) - 1);
    const bool direct = random.chance(0.3);
    marks.push_back(direct ? kernels::kDirectTile : random.chance(0.5) ? zeros : 0);
  }
  return marks;
}

void expect_outputs(Target target, const WinogradKernels& form, const Region& region, int rows,
                    std::int64_t channels, Random& random) {
  const int lines = form.down.m;
  const int pixels = form.across.m;
  const std::int64_t t = form.across.t();
  const std::int64_t height = region.tile_rows * lines - random.between(0, lines - 1);
  const std::int64_t width = region.tile_cols * pixels - random.between(0, pixels - 1);
  const std::int64_t plane = region.tiles() * rows + kWinogradSlack;
  const Guarded sums(form.points() * plane, kNan);
  for (std::int64_t i = 0; i < form.points() * plane; ++i) {
    if (i % plane < region.tiles() * rows && i % plane % rows < channels) {
      sums.data()[i] = static_cast<float>(random.normal());
    }
  }
  std::vector<float> bias(index(channels));
  for (float& value : bias) value = static_cast<float>(random.normal());
  const kernels::ToomCook<double> down = matrices_of(form.down);
  const kernels::ToomCook<double> across = matrices_of(form.across);
  const auto exact = [&](std::int64_t c, std::int64_t i, std::int64_t j) {
    const std::int64_t tile = i / lines * region.tile_cols + j / pixels;
    Expected expected;
    for (int f = 0; f < form.points(); ++f) {
      expected.add(down.a[index(f / t)][index(i % lines)] *
                   across.a[index(f % t)][index(j % pixels)] *
                   static_cast<double>(sums.data()[f * plane + tile * rows + c]));
    }
    return expected;
  };
  const std::vector<kernels::TileMark> marks = random_marks(form, region, random);
  const auto mark_at = [&](std::int64_t i, std::int64_t j) {
    return marks.empty() ? 0 : marks[index(i / lines * region.tile_cols + j / pixels)];
  };
  const OutStrides layouts[] = {{"lines", height * (width + 3) + 2, width + 3, 1},
                                {"pixels", 1, width * (channels + 2), channels + 2},
                                {"every second", height * 2 * width, 2 * width, 2}};
  for (const OutStrides& layout : layouts) {
    for (const bool finishes : {false, true}) {
      const std::int64_t size = (channels - 1) * layout.channel + (height - 1) * layout.line +
                                (width - 1) * layout.pixel + 1;
      const Guarded y(size, kUntouched);
      std::vector<float> residual(index(size));
      for (float& value : residual) value = static_cast<float>(random.normal());
      kernels::TransformOut out;
      out.m = sums.data();
      out.plane = plane;
      out.rows = rows;
      out.outputs.to.rows = static_cast<int>(channels);
      out.region = region;
      out.height = height;
      out.width = width;
      kernels::Destination& to = out.outputs.to;
      to.y = y.data();
      to.row_stride = to.residual_row_stride = layout.channel;
      out.outputs.line_stride = out.outputs.residual_line_stride = layout.line;
      to.pixel_stride = to.residual_pixel_stride = layout.pixel;
      out.marks = marks.empty() ? nullptr : marks.data();
      if (finishes) {
        out.outputs.epilogue = {bias.data(), ActivationKind::relu, 0, true};
        to.residual = residual.data();
      }
      form.out(out);
      const std::string what = describe(target, form, region) + ", " + layout.name;
      for (std::int64_t c = 0; c < channels; ++c) {
        for (std::int64_t i = 0; i < height; ++i) {
          for (std::int64_t j = 0; j < width; ++j) {
            const std::int64_t at = c * layout.channel + i * layout.line + j * layout.pixel;
            const kernels::TileMark mark = mark_at(i, j);
            if (mark == kernels::kDirectTile) continue;
            const bool is_zero = (mark >> (i % lines * pixels + j % pixels) & 1) != 0;
            Expected expected = is_zero ? Expected() : exact(c, i, j);
            if (finishes) {
              expected.add(static_cast<double>(bias[index(c)]));
              expected.add(static_cast<double>(residual[index(at)]));
              expected.value = std::max(0.0, expected.value);
            }
            ASSERT_LE(std::abs(static_cast<double>(y.data()[at]) - expected.value),
                      expected.tolerance(largest_t(form)))
                << what << ", channel " << c << " at " << i << ", " << j;
            y.data()[at] = kUntouched;  // what is left is what nothing may have written
          }
        }
      }
      EXPECT_TRUE(std::all_of(y.data(), y.data() + size, [](float value) {
        return value == kUntouched;
      })) << what;
      EXPECT_TRUE(y.is_intact_around()) << what;
    }
  }
}

TEST(WinogradOutputs, AreFinishedAndNothingElseIsWritten) {
  Random random(4);
  for_each_winograd_form([&](Target target, const WinogradKernels& form) {
    const int lanes = lanes_of(target);
    for (const Region& region : {Region{1, 1}, Region{2, 3}, Region{1, 15}, Region{3, 7}}) {
      for (const int vectors : {1, 2}) {
        const int rows = vectors * lanes;
        expect_outputs(target, form, region, rows, rows, random);
        expect_outputs(target, form, region, rows, rows - lanes + 1, random);
        expect_outputs(target, form, region, rows, std::max(1, rows - 1), random);
      }
    }
  });
}

}  // namespace
}  // namespace plait::test
