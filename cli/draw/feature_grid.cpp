#include "draw/feature_grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "draw/drawing.hpp"

namespace plait::cli {
namespace {

constexpr int kCellGap = 14;           // between cells
constexpr int kGridHeaderHeight = 52;  // title and subtitle
constexpr int kLabelHeight = 36;       // two lines below a map
constexpr std::uint32_t kNotFinite = 0xff00ff;

// The finite values of a map.
struct ValueRange {
  float low = 0;
  float high = 0;
  std::int64_t not_finite = 0;
};

ValueRange range_of(const float* map, std::int64_t size) {
  ValueRange range;
  float low = std::numeric_limits<float>::infinity();
  float high = -low;
  for (std::int64_t i = 0; i < size; ++i) {
    if (std::isfinite(map[i])) {
      low = std::min(low, map[i]);
      high = std::max(high, map[i]);
    } else {
      ++range.not_finite;
    }
  }
  if (range.not_finite < size) {
    range.low = low;
    range.high = high;
  }
  return range;
}

// Where the colours saturate: at -high and high if low < 0.
struct ColourScale {
  float low = 0;
  float high = 0;
};

float percentile(std::vector<float>& values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

ColourScale scale_of(std::vector<float> drawn, const ValueRange& range) {
  std::erase_if(drawn, [](float value) { return !std::isfinite(value); });
  if (drawn.empty()) return {};
  if (range.low < 0) {
    for (float& value : drawn) value = std::fabs(value);
    float high = percentile(drawn, 0.995);
    if (high == 0) high = std::max(-range.low, range.high);
    return {-high, high};
  }
  const ColourScale scale{percentile(drawn, 0.005), percentile(drawn, 0.995)};
  return scale.low < scale.high ? scale : ColourScale{range.low, range.high};
}

std::uint32_t colour_of(float value, const ColourScale& scale) {
  if (!std::isfinite(value)) return kNotFinite;
  if (scale.low < 0) {
    return diverging(std::clamp(static_cast<double>(value) / scale.high, -1.0, 1.0));
  }
  const double width = static_cast<double>(scale.high) - scale.low;
  const double share = width > 0 ? (static_cast<double>(value) - scale.low) / width : 0.5;
  return mix(0x000000, 0xffffff, std::clamp(share, 0.0, 1.0));
}

// The source rows (or columns) that pixel i of `drawn` stands for, of `size`: at least one.
std::pair<std::int64_t, std::int64_t> span_of(std::int64_t i, std::int64_t drawn,
                                              std::int64_t size) {
  const std::int64_t from = i * size / drawn;
  return {from, std::max(from + 1, (i + 1) * size / drawn)};
}

// h x w to tile_h x tile_w. Each value is the mean of what it covers: shrinking loses no thin line,
// and enlarging repeats.
std::vector<float> resampled(const float* map, std::int64_t h, std::int64_t w,
                             const GridLayout& layout) {
  std::vector<float> drawn;
  for (int i = 0; i < layout.tile_h; ++i) {
    const auto [top, bottom] = span_of(i, layout.tile_h, h);
    for (int j = 0; j < layout.tile_w; ++j) {
      const auto [left, right] = span_of(j, layout.tile_w, w);
      double sum = 0;
      for (std::int64_t a = top; a < bottom; ++a) {
        for (std::int64_t b = left; b < right; ++b) sum += static_cast<double>(map[a * w + b]);
      }
      drawn.push_back(
          static_cast<float>(sum / static_cast<double>((bottom - top) * (right - left))));
    }
  }
  return drawn;
}

Surface draw_map(const std::vector<float>& drawn, const ColourScale& scale,
                 const GridLayout& layout) {
  Surface tile = make_surface(layout.tile_w, layout.tile_h, kPaper);
  const PixelWriter pixels(tile);
  auto value = drawn.begin();
  for (int i = 0; i < layout.tile_h; ++i) {
    for (int j = 0; j < layout.tile_w; ++j) pixels.set(j, i, colour_of(*value++, scale));
  }
  return tile;
}

// "−0.25", with a real minus sign.
std::string number(float value) {
  std::string text = fmt::format("{:.3g}", value);
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos;) {
    text.replace(at, 1, "−");
  }
  return text;
}

void draw_header(const Cairo& cairo, const GridLayout& layout, const Tensor<float>& maps,
                 const GridText& text) {
  const double max_width = layout.width - 2 * kMargin;
  draw_text(cairo, kMargin, kMargin + 14, text.title, {.size = 16, .bold = true}, max_width);
  std::string subtitle = text.subtitle;
  if (layout.shown < maps.size(0)) {
    subtitle += fmt::format(" · the first {} of {} maps", layout.shown, maps.size(0));
  }
  const float* drawn_end = maps.data() + layout.shown * maps.size(1) * maps.size(2);
  if (std::any_of(maps.data(), drawn_end, [](float value) { return value < 0; })) {
    subtitle += " · blue: negative, red: positive";
  }
  draw_text(cairo, kMargin, kMargin + 34, subtitle, {.size = 11.5, .rgb = kGrey}, max_width);
}

void draw_cell(const Cairo& cairo, const GridLayout& layout, const Tensor<float>& maps,
               std::int64_t channel, const GridText& text) {
  const std::int64_t h = maps.size(1);
  const std::int64_t w = maps.size(2);
  const float* map = maps.data() + channel * h * w;
  const ValueRange range = range_of(map, h * w);
  const int column = static_cast<int>(channel) % layout.columns;
  const int row = static_cast<int>(channel) / layout.columns;
  const int x = kMargin + column * layout.cell_w;
  const int y = kMargin + kGridHeaderHeight + row * layout.cell_h;
  const int inner_w = layout.cell_w - kCellGap;

  const std::vector<float> drawn = resampled(map, h, w, layout);
  const Surface tile = draw_map(drawn, scale_of(drawn, range), layout);
  const int tile_x = x + (inner_w - layout.tile_w) / 2;
  cairo_set_source_surface(cairo.get(), tile.get(), tile_x, y);
  cairo_paint(cairo.get());
  set_colour(cairo, kFrame);
  cairo_set_line_width(cairo.get(), 1);
  cairo_rectangle(cairo.get(), tile_x - 0.5, y - 0.5, layout.tile_w + 1, layout.tile_h + 1);
  cairo_stroke(cairo.get());

  const double line = y + layout.tile_h + 15;
  const double used =
      draw_text(cairo, x, line, fmt::format("{}", channel), {.size = 12, .bold = true}, inner_w);
  if (static_cast<std::size_t>(channel) < text.channel_names.size()) {
    draw_text(cairo, x + used + 6, line, text.channel_names[static_cast<std::size_t>(channel)],
              {.size = 12}, inner_w - used - 6);
  }
  std::string values = fmt::format("[{}, {}]", number(range.low), number(range.high));
  if (range.not_finite > 0) values += fmt::format(" and {} not finite", range.not_finite);
  draw_text(cairo, x, line + 14, values, {.size = 10.5, .rgb = kGrey}, inner_w);
}

}  // namespace

GridLayout grid_layout(const Dims& maps_shape) {
  const std::int64_t h = maps_shape[1];
  const std::int64_t w = maps_shape[2];
  GridLayout layout;
  layout.shown = std::min(maps_shape[0], kMaxCells);
  // Few maps are drawn large; a label needs some 140 pixels however small the map is.
  layout.columns = static_cast<int>(layout.shown <= 4 ? layout.shown : layout.shown <= 16 ? 4 : 8);
  layout.rows = static_cast<int>((layout.shown + layout.columns - 1) / layout.columns);
  const int side = layout.columns <= 3 ? 320 : layout.columns == 4 ? 240 : 144;
  const double scale = static_cast<double>(side) / static_cast<double>(std::max(h, w));
  const auto drawn = [scale](std::int64_t size) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(size) * scale)));
  };
  layout.tile_h = drawn(h);
  layout.tile_w = drawn(w);
  layout.cell_w = std::max(layout.tile_w, 140) + kCellGap;
  layout.cell_h = layout.tile_h + kLabelHeight + kCellGap;
  // The header's two lines want some room even above a single narrow map.
  layout.width = std::max(480, 2 * kMargin + layout.columns * layout.cell_w - kCellGap);
  layout.height = 2 * kMargin + kGridHeaderHeight + layout.rows * layout.cell_h - kCellGap;
  return layout;
}

std::string draw_feature_grid(const Tensor<float>& maps, const GridText& text) {
  const GridLayout layout = grid_layout(maps.shape());
  const Surface sheet = make_surface(layout.width, layout.height, kPaper);
  const Cairo cairo = make_cairo(sheet);
  draw_header(cairo, layout, maps, text);
  for (std::int64_t channel = 0; channel < layout.shown; ++channel) {
    draw_cell(cairo, layout, maps, channel, text);
  }
  return png_bytes(sheet);
}

}  // namespace plait::cli
