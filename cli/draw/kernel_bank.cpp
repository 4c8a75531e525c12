#include "draw/kernel_bank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <plait/text.hpp>

#include "draw/drawing.hpp"

namespace plait::cli {
namespace {

constexpr int kMaxWidth = 1400;
constexpr int kMaxHeight = 1600;
constexpr int kMinWidth = 560;          // what the header and the scale need
constexpr int kBankHeaderHeight = 100;  // title, two lines and the scale
constexpr int kColumnHeight = 36;       // label and numbers above the kernels
constexpr int kRowWidth = 40;           // numbers left of the kernels
constexpr int kBankAxisWidth = 22;      // label left of these
constexpr int kPanelGap = 14;
constexpr int kLargestTap = 24;
constexpr std::int64_t kMostOutputs = 1024;  // with windows; more would be too small to see
constexpr int kScaleWidth = 240;
constexpr int kScaleHeight = 10;
constexpr std::int64_t kVectorTaps = 20'000;  // more are drawn as pixels, also in an SVG

// === layout ===

// The layout with the smallest taps that can still be told apart.
int smallest_tap(std::int64_t taps) { return taps == 1 ? 2 : taps <= 5 ? 3 : taps <= 11 ? 2 : 1; }

int gap_of(std::int64_t taps, int tap) {
  if (taps == 1) return tap >= 6 ? 1 : 0;
  return std::max(2, tap / 2);
}

void set_tap(BankLayout& layout, int tap, std::int64_t k_h, std::int64_t k_w) {
  layout.tap = tap;
  layout.gap = gap_of(std::max(k_h, k_w), tap);
  layout.cell_w = static_cast<int>(k_w) * tap + layout.gap;
  layout.cell_h = static_cast<int>(k_h) * tap + layout.gap;
}

std::int64_t panel_width(const BankLayout& layout) {
  return kRowWidth + layout.inputs * layout.cell_w - layout.gap;
}

// Takes as many panels as make the sheet about as wide as high.
void set_panels(BankLayout& layout) {
  const auto excess = [&layout](std::int64_t panels) {
    const std::int64_t rows = (layout.outputs + panels - 1) / panels;
    const std::int64_t width = panels * (panel_width(layout) + kPanelGap);
    return std::abs(width - rows * layout.cell_h);
  };
  std::int64_t best = 1;
  for (std::int64_t panels = 2; panels <= std::min<std::int64_t>(layout.outputs, 64); ++panels) {
    if (excess(panels) < excess(best)) best = panels;
  }
  layout.rows = (layout.outputs + best - 1) / best;
  layout.panels = static_cast<int>((layout.outputs + layout.rows - 1) / layout.rows);
}

std::int64_t width_of(const BankLayout& layout) {
  return 2 * kMargin + kBankAxisWidth + layout.panels * (panel_width(layout) + kPanelGap) -
         kPanelGap;
}

std::int64_t height_of(const BankLayout& layout) {
  return 2 * kMargin + kBankHeaderHeight + kColumnHeight + layout.rows * layout.cell_h - layout.gap;
}

bool fits(const BankLayout& layout) {
  return width_of(layout) <= kMaxWidth && height_of(layout) <= kMaxHeight;
}

// How many of `all` fit: at least one, and a round number if some are left out.
std::int64_t shown_of(std::int64_t all, std::int64_t pixels, std::int64_t size) {
  const std::int64_t most = std::max<std::int64_t>(1, pixels / size);
  if (all <= most) return all;
  return most > 16 ? most / 16 * 16 : most;
}

// The first kernels that fit, with the smallest taps.
void show_some(BankLayout& layout, const Dims& shape) {
  set_tap(layout, smallest_tap(std::max(shape[2], shape[3])), shape[2], shape[3]);
  const int across = kMaxWidth - 2 * kMargin - kBankAxisWidth;
  layout.inputs = shown_of(shape[1], across - kRowWidth, layout.cell_w);
  const std::int64_t panels =
      std::max<std::int64_t>(1, (across + kPanelGap) / (panel_width(layout) + kPanelGap));
  const std::int64_t down = kMaxHeight - 2 * kMargin - kBankHeaderHeight - kColumnHeight;
  layout.outputs = shown_of(layout.outputs, panels * (down / layout.cell_h), 1);
  layout.rows = std::max<std::int64_t>(1, std::min(layout.outputs, down / layout.cell_h));
  layout.panels = static_cast<int>((layout.outputs + layout.rows - 1) / layout.rows);
}

// === drawing ===

// The value at which the colours are full.
double scale_of(const Tensor<double>& kernel) {
  std::vector<double> sizes;
  sizes.reserve(static_cast<std::size_t>(kernel.size()));
  for (const double value : kernel) {
    if (value != 0) sizes.push_back(std::fabs(value));
  }
  if (sizes.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(0.995 * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), sizes.begin() + at, sizes.end());
  return sizes[static_cast<std::size_t>(at)];
}

std::uint32_t colour_of(double value, double scale) {
  return scale > 0 ? diverging(std::clamp(value / scale, -1.0, 1.0)) : diverging(0);
}

class Drawing {
 public:
  Drawing(const KernelBank& bank, const BankLayout& layout)
      : bank_(bank),
        kernel_(bank.kernel),
        layout_(layout),
        scale_(scale_of(bank.kernel)),
        vectors_(layout.outputs * layout.inputs * kernel_.size(2) * kernel_.size(3) <=
                 kVectorTaps) {}

  void draw(const Cairo& cairo) const {
    draw_header(cairo);
    draw_scale(cairo);
    for (int panel = 0; panel < layout_.panels; ++panel) {
      const std::int64_t first = panel * layout_.rows;
      const std::int64_t end = std::min(layout_.outputs, first + layout_.rows);
      const int x = layout_.left + panel * layout_.step;
      draw_numbers(cairo, x, first, end);
      vectors_ ? draw_vectors(cairo, x, first, end) : draw_pixels(cairo, x, first, end);
    }
    draw_axes(cairo);
  }

 private:
  void draw_header(const Cairo& cairo) const {
    const double max_width = layout_.width - 2 * kMargin;
    const Dims& shape = kernel_.shape();
    draw_text(cairo, kMargin, kMargin + 14, bank_.title, {.size = 16, .bold = true}, max_width);
    std::string line = fmt::format("{} × {} × {} × {}", counted(shape[0], "output"),
                                   counted(shape[1], "input"), shape[2], shape[3]);
    if (bank_.groups > 1) line += fmt::format(", {} groups", bank_.groups);
    const std::string shown = shown_text(layout_, shape);
    if (!shown.empty()) line += " · " + shown;
    draw_text(cairo, kMargin, kMargin + 34, line, {.size = 11.5, .rgb = kGrey}, max_width);
    double largest = 0;
    for (const double value : kernel_) largest = std::max(largest, std::fabs(value));
    draw_text(cairo, kMargin, kMargin + 50,
              scale_ == 0
                  ? "all values are zero"
                  : fmt::format("blue: negative, red: positive, the largest {:.3g}; colours "
                                "are full from {:.3g} on",
                                largest, scale_),
              {.size = 11.5, .rgb = kGrey}, max_width);
  }

  void draw_scale(const Cairo& cairo) const {
    const double y = kMargin + 62;
    for (int x = 0; x < kScaleWidth; ++x) {
      set_colour(cairo, diverging(2.0 * x / (kScaleWidth - 1) - 1));
      cairo_rectangle(cairo.get(), kMargin + x, y, 1, kScaleHeight);
      cairo_fill(cairo.get());
    }
    const auto label = [&](double share, Align align) {
      std::string text = share == 0 ? "0" : fmt::format("{:.3g}", std::fabs(share) * scale_);
      if (share < 0) text.insert(0, "−");
      draw_text(cairo, kMargin + (share + 1) / 2 * kScaleWidth, y + kScaleHeight + 12, text,
                {.size = 10.5, .rgb = kGrey}, kScaleWidth, align);
    };
    label(-1, Align::left);
    label(0, Align::centre);
    label(1, Align::right);
  }

  void draw_axes(const Cairo& cairo) const {
    draw_text(cairo, layout_.left, layout_.top - 24,
              bank_.groups > 1 ? "input channel of the group" : "input channel", {},
              layout_.width - layout_.left - kMargin);
    const double middle = layout_.top + static_cast<double>(layout_.rows * layout_.cell_h) / 2.0;
    draw_text_upwards(cairo, kMargin + 10, middle, "output channel",
                      std::max<double>(100, static_cast<double>(layout_.rows) * layout_.cell_h));
  }

  // The least power of two whose numbers are so many pixels apart.
  static std::int64_t step_of(int distance, int cell) {
    std::int64_t step = 1;
    while (step * cell < distance) step *= 2;
    return step;
  }

  // Numbers the rows and columns that have space for it.
  void draw_numbers(const Cairo& cairo, int x, std::int64_t first, std::int64_t end) const {
    const TextStyle style{.size = 10.5, .rgb = kGrey};
    const std::int64_t rows = step_of(13, layout_.cell_h);
    for (std::int64_t o = first; o < end; o += rows) {
      const double middle = top_of(o - first) + (layout_.cell_h - layout_.gap) / 2.0;
      draw_text(cairo, x - 6, middle + 4, fmt::format("{}", o), style, kRowWidth - 8, Align::right);
    }
    const std::int64_t columns = step_of(27, layout_.cell_w);
    for (std::int64_t i = 0; i < layout_.inputs; i += columns) {
      const double middle = x + left_of(i) + (layout_.cell_w - layout_.gap) / 2.0;
      draw_text(cairo, middle, layout_.top - 6, fmt::format("{}", i), style, 40, Align::centre);
    }
  }

  double left_of(std::int64_t i) const { return static_cast<double>(i * layout_.cell_w); }
  double top_of(std::int64_t row) const {
    return static_cast<double>(layout_.top) + static_cast<double>(row * layout_.cell_h);
  }

  void draw_vectors(const Cairo& cairo, int x, std::int64_t first, std::int64_t end) const {
    const double w = layout_.cell_w - layout_.gap;
    const double h = layout_.cell_h - layout_.gap;
    const double tap = layout_.tap;
    for (std::int64_t o = first; o < end; ++o) {
      for (std::int64_t i = 0; i < layout_.inputs; ++i) {
        const double left = x + left_of(i);
        const double top = top_of(o - first);
        for (std::int64_t u = 0; u < kernel_.size(2); ++u) {
          for (std::int64_t v = 0; v < kernel_.size(3); ++v) {
            set_colour(cairo, colour_of(kernel_(o, i, u, v), scale_));
            cairo_rectangle(cairo.get(), left + static_cast<double>(v) * tap,
                            top + static_cast<double>(u) * tap, tap, tap);
            cairo_fill(cairo.get());
          }
        }
        if (layout_.gap == 0) continue;
        set_colour(cairo, kFrame);
        cairo_set_line_width(cairo.get(), 1);
        cairo_rectangle(cairo.get(), left - 0.5, top - 0.5, w + 1, h + 1);
        cairo_stroke(cairo.get());
      }
    }
  }

  // Draws all kernels of a panel as one image, with the gaps in the colour of the paper.
  void draw_pixels(const Cairo& cairo, int x, std::int64_t first, std::int64_t end) const {
    const Surface image = make_surface(static_cast<int>(layout_.inputs) * layout_.cell_w,
                                       static_cast<int>(end - first) * layout_.cell_h, kPaper);
    {
      const PixelWriter pixels(image);
      for (std::int64_t o = first; o < end; ++o) {
        for (std::int64_t i = 0; i < layout_.inputs; ++i) {
          draw_kernel(pixels, o, i, static_cast<int>(i) * layout_.cell_w,
                      static_cast<int>(o - first) * layout_.cell_h);
        }
      }
    }
    cairo_set_source_surface(cairo.get(), image.get(), x, layout_.top);
    cairo_paint(cairo.get());
  }

  void draw_kernel(const PixelWriter& pixels, std::int64_t o, std::int64_t i, int left,
                   int top) const {
    const int w = layout_.cell_w - layout_.gap;
    const int h = layout_.cell_h - layout_.gap;
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const double value = kernel_(o, i, y / layout_.tap, x / layout_.tap);
        pixels.set(left + x, top + y, colour_of(value, scale_));
      }
    }
  }

  const KernelBank& bank_;
  const Tensor<double>& kernel_;
  const BankLayout& layout_;
  double scale_;
  bool vectors_;
};

}  // namespace

BankLayout bank_layout(const Dims& shape) {
  check_drawable(shape);
  BankLayout layout;
  const bool matrix = shape[2] * shape[3] == 1;
  layout.outputs = matrix ? shape[0] : std::min(shape[0], kMostOutputs);
  layout.inputs = shape[1];
  int tap = kLargestTap;
  for (const int smallest = smallest_tap(std::max(shape[2], shape[3])); tap >= smallest; --tap) {
    set_tap(layout, tap, shape[2], shape[3]);
    set_panels(layout);
    if (fits(layout)) break;
  }
  if (!fits(layout)) show_some(layout, shape);
  layout.left = kMargin + kBankAxisWidth + kRowWidth;
  layout.top = kMargin + kBankHeaderHeight + kColumnHeight;
  layout.step = static_cast<int>(panel_width(layout)) + kPanelGap;
  layout.width = std::max(kMinWidth, static_cast<int>(width_of(layout)));
  layout.height = static_cast<int>(height_of(layout));
  return layout;
}

std::string shown_text(const BankLayout& layout, const Dims& shape) {
  std::string text;
  if (layout.outputs < shape[0]) {
    text = fmt::format("the first {} of {} outputs", layout.outputs, shape[0]);
  }
  if (layout.inputs < shape[1]) {
    text += fmt::format("{}the first {} of {} inputs", text.empty() ? "" : " and ", layout.inputs,
                        shape[1]);
  }
  return text;
}

DrawnBank draw_kernel_bank(const KernelBank& bank, bool svg) {
  const BankLayout layout = bank_layout(bank.kernel.shape());
  const Drawing drawing(bank, layout);
  std::string bytes =
      picture_bytes(svg ? PictureFormat::svg : PictureFormat::png, layout.width, layout.height,
                    kPaper, [&](const Cairo& cairo) { drawing.draw(cairo); });
  return {std::move(bytes), shown_text(layout, bank.kernel.shape())};
}

}  // namespace plait::cli
