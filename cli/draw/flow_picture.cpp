#include "draw/flow_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace plait::cli {
namespace {

constexpr int kTitleWidth = 520;       // what a sheet needs for its title
constexpr int kMatrixGap = 28;         // between matrices
constexpr int kFlowHeaderHeight = 74;  // title and two lines
constexpr int kPanelHeader = 42;       // two lines above a matrix
constexpr int kFlowAxisWidth = 58;     // ticks and label left of the first matrix
constexpr int kAxisHeight = 42;        // ticks and label below
constexpr int kSmallSide = 384;        // few channels are drawn at least so large
constexpr int kLargeSide = 768;        // and many at most so large
constexpr double kTickDistance = 36;
constexpr double kLineDistance = 5;  // lines that are closer would hide what they divide
constexpr std::uint32_t kLine = 0x57606a;
constexpr std::uint32_t kReached = 0x3b82c4;
constexpr std::uint32_t kNotReached = 0xeef1f4;

// A picture's matrices, all drawn alike.
class Matrices {
 public:
  Matrices(const FlowPicture& picture, const FlowLayout& layout)
      : layout_(layout),
        channels_(picture.channels),
        block_(picture.channels / picture.groups),
        scale_(static_cast<double>(layout.pixels_per_channel) / layout.channels_per_pixel) {}

  // Draws one with its top left corner at x, y.
  void draw(const Cairo& cairo, const ChannelFlow& flow, int x, int y) const {
    cairo_save(cairo.get());
    cairo_translate(cairo.get(), x, y);
    if (layout_.channels_per_pixel > 1) {
      draw_shares(cairo, flow);
    } else {
      draw_cells(cairo, flow);
      set_colour(cairo, kPaper);
      if (layout_.pixels_per_channel >= 6) draw_lines(cairo, 1);
    }
    // Many lines are fainter, so that they do not darken what they divide.
    cairo_set_source_rgba(cairo.get(), 0.1, 0.15, 0.2, at(block_) < 24 ? 0.3 : 0.8);
    if (at(block_) >= kLineDistance) draw_lines(cairo, block_);
    set_colour(cairo, kLine);
    cairo_rectangle(cairo.get(), 0.5, 0.5, layout_.side, layout_.side);
    cairo_set_line_width(cairo.get(), 1);
    cairo_stroke(cairo.get());
    cairo_restore(cairo.get());
  }

  // Numbers the first channel of each block and the last channel, where they fit.
  std::vector<std::int64_t> ticks() const {
    std::int64_t step = block_;
    while (at(step) < kTickDistance) step += block_;
    std::vector<std::int64_t> ticks;
    for (std::int64_t channel = 0; channel < channels_; channel += step) ticks.push_back(channel);
    if (at(channels_ - 1 - ticks.back()) >= kTickDistance) ticks.push_back(channels_ - 1);
    return ticks;
  }
  double middle_of(std::int64_t channel) const { return at(channel) + at(1) / 2; }

 private:
  double at(std::int64_t channel) const { return static_cast<double>(channel) * scale_; }

  void fill_square(const Cairo& cairo, std::uint32_t rgb) const {
    set_colour(cairo, rgb);
    cairo_rectangle(cairo.get(), 0, 0, layout_.side, layout_.side);
    cairo_fill(cairo.get());
  }

  // A rectangle for each range of reached inputs, which all outputs of a block share.
  void draw_cells(const Cairo& cairo, const ChannelFlow& flow) const {
    fill_square(cairo, kNotReached);
    set_colour(cairo, kReached);
    for (std::int64_t output = 0; output < channels_; output += block_) {
      for (std::int64_t input = 0; input < channels_;) {
        std::int64_t end = input;
        while (end < channels_ && flow.reaches(end, output)) ++end;
        if (end > input) {
          cairo_rectangle(cairo.get(), at(input), at(output), at(end - input), at(block_));
        }
        input = end + 1;
      }
      cairo_fill(cairo.get());
    }
  }

  // A pixel stands for channels_per_pixel x channels_per_pixel pairs, or for those that are left.
  void draw_shares(const Cairo& cairo, const ChannelFlow& flow) const {
    const Surface image = make_surface(layout_.side, layout_.side, kPaper);
    {
      const PixelWriter pixels(image);
      for (int y = 0; y < layout_.side; ++y) {
        for (int x = 0; x < layout_.side; ++x) {
          pixels.set(x, y, mix(kNotReached, kReached, share_of(flow, x, y)));
        }
      }
    }
    cairo_set_source_surface(cairo.get(), image.get(), 0, 0);
    cairo_paint(cairo.get());
  }

  double share_of(const ChannelFlow& flow, int x, int y) const {
    const std::int64_t size = layout_.channels_per_pixel;
    const std::int64_t bottom = std::min(channels_, (y + 1) * size);
    const std::int64_t right = std::min(channels_, (x + 1) * size);
    std::int64_t pairs = 0;
    std::int64_t reached = 0;
    for (std::int64_t output = y * size; output < bottom; ++output) {
      for (std::int64_t input = x * size; input < right; ++input) {
        ++pairs;
        reached += flow.reaches(input, output) ? 1 : 0;
      }
    }
    return static_cast<double>(reached) / static_cast<double>(pairs);
  }

  // Draws lines across and down, one every `step` channels, each within one row or column of
  // pixels.
  void draw_lines(const Cairo& cairo, std::int64_t step) const {
    for (std::int64_t channel = step; channel < channels_; channel += step) {
      const double middle = std::floor(at(channel)) + 0.5;
      cairo_move_to(cairo.get(), middle, 0);
      cairo_rel_line_to(cairo.get(), 0, layout_.side);
      cairo_move_to(cairo.get(), 0, middle);
      cairo_rel_line_to(cairo.get(), layout_.side, 0);
    }
    cairo_set_line_width(cairo.get(), 1);
    cairo_stroke(cairo.get());
  }

  FlowLayout layout_;
  std::int64_t channels_;
  std::int64_t block_;
  double scale_;  // pixels per channel
};

void draw_header(const Cairo& cairo, const FlowPicture& picture, const FlowLayout& layout) {
  const double max_width = layout.width - 2 * kMargin;
  draw_text(cairo, kMargin, kMargin + 14, "Which input channels reach which output channels",
            {.size = 16, .bold = true}, max_width);
  const TextStyle style{.size = 11.5, .rgb = kGrey};
  draw_text(cairo, kMargin, kMargin + 34, picture.subtitle, style, max_width);
  const int size = layout.channels_per_pixel;
  draw_text(cairo, kMargin, kMargin + 50,
            size == 1 ? "blue: the input reaches the output"
                      : fmt::format("the bluer, the more of a pixel's {} × {} pairs are reached",
                                    size, size),
            style, max_width);
}

void draw_panel_header(const Cairo& cairo, const FlowPanel& panel, const FlowLayout& layout,
                       int x) {
  draw_text(cairo, x, layout.top - 26, panel.title, {.size = 13, .bold = true}, layout.side);
  draw_text(cairo, x, layout.top - 9,
            fmt::format("{} of {} pairs, {:.3g} %", panel.flow.reached_pairs, panel.flow.pairs(),
                        100 * panel.flow.share()),
            {.size = 11.5, .rgb = kGrey}, layout.side);
}

void draw_input_axis(const Cairo& cairo, const Matrices& matrices, const FlowLayout& layout,
                     int x) {
  const double bottom = layout.top + layout.side;
  for (const std::int64_t tick : matrices.ticks()) {
    draw_text(cairo, x + matrices.middle_of(tick), bottom + 15, fmt::format("{}", tick),
              {.size = 10.5, .rgb = kGrey}, kTickDistance, Align::centre);
  }
  draw_text(cairo, x + layout.side / 2.0, bottom + 34, "input channel", {}, layout.side,
            Align::centre);
}

void draw_output_axis(const Cairo& cairo, const Matrices& matrices, const FlowLayout& layout) {
  for (const std::int64_t tick : matrices.ticks()) {
    draw_text(cairo, layout.left - 7, layout.top + matrices.middle_of(tick) + 4,
              fmt::format("{}", tick), {.size = 10.5, .rgb = kGrey}, kTickDistance, Align::right);
  }
  draw_text_upwards(cairo, kMargin + 10, layout.top + layout.side / 2.0, "output channel",
                    layout.side);
}

}  // namespace

FlowLayout flow_layout(std::int64_t channels, std::size_t panels) {
  const auto times = [](std::int64_t size, std::int64_t part) {
    return static_cast<int>((size + part - 1) / part);
  };
  FlowLayout layout;
  layout.channels_per_pixel = times(channels, kLargeSide);
  layout.pixels_per_channel = times(kSmallSide, channels);
  layout.side = layout.channels_per_pixel > 1
                    ? times(channels, layout.channels_per_pixel)
                    : static_cast<int>(channels) * layout.pixels_per_channel;
  layout.left = kMargin + kFlowAxisWidth;
  layout.top = kMargin + kFlowHeaderHeight + kPanelHeader;
  layout.step = layout.side + kMatrixGap;
  layout.width = std::max(
      kTitleWidth, layout.left + static_cast<int>(panels) * layout.step - kMatrixGap + kMargin);
  layout.height = layout.top + layout.side + kAxisHeight + kMargin;
  return layout;
}

std::string draw_flow(const FlowPicture& picture, PictureFormat format) {
  const FlowLayout layout = flow_layout(picture.channels, picture.panels.size());
  const Matrices matrices(picture, layout);
  return picture_bytes(format, layout.width, layout.height, kPaper, [&](const Cairo& cairo) {
    draw_header(cairo, picture, layout);
    draw_output_axis(cairo, matrices, layout);
    int x = layout.left;
    for (const FlowPanel& panel : picture.panels) {
      draw_panel_header(cairo, panel, layout, x);
      matrices.draw(cairo, panel.flow, x, layout.top);
      draw_input_axis(cairo, matrices, layout, x);
      x += layout.step;
    }
  });
}

}  // namespace plait::cli
