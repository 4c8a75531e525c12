#include "draw/drawing.hpp"

#include <cairo-svg.h>

#include <cmath>
#include <cstddef>
#include <cstring>

#include <plait/error.hpp>

#if defined(__SANITIZE_ADDRESS__)
// Fontconfig keeps the fonts that it found until the process ends. The leak checker takes that for
// a leak of ours.
extern "C" {
const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
const char* __lsan_default_options();
const char* __lsan_default_options() { return "print_suppressions=0"; }
}
#endif

namespace plait::cli {
namespace {

void check(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS) {
    throw Error(Status::io, std::string("cannot draw: ") + cairo_status_to_string(status));
  }
}

double width_of(const Cairo& cairo, const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(cairo.get(), text.c_str(), &extents);
  return extents.x_advance;
}

// Replaces bytes that are no UTF-8 by U+FFFD: Cairo refuses a whole line for one of them, and a
// file name may have any bytes.
std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t length = first < 0x80             ? 1
                               : (first & 0xe0) == 0xc0 ? 2
                               : (first & 0xf0) == 0xe0 ? 3
                               : (first & 0xf8) == 0xf0 ? 4
                                                        : 0;
    bool whole = length > 0 && length <= text.size() && first != 0xc0 && first != 0xc1;
    for (std::size_t i = 1; whole && i < length; ++i) {
      whole = (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
    }
    out += whole ? text.substr(0, length) : std::string_view("\xef\xbf\xbd");
    text.remove_prefix(whole ? length : 1);
  }
  return out;
}

cairo_status_t append(void* to, const unsigned char* data, unsigned count) {
  static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), count);
  return CAIRO_STATUS_SUCCESS;
}

// Drops the last UTF-8 character.
void drop_character(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) {
    text.pop_back();
  }
  if (!text.empty()) text.pop_back();
}

}  // namespace

Surface make_surface(int width, int height, std::uint32_t rgb) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height));
  check(cairo_surface_status(surface.get()));
  const Cairo cairo = make_cairo(surface);
  set_colour(cairo, rgb);
  cairo_paint(cairo.get());
  return surface;
}

PixelWriter::PixelWriter(const Surface& surface) : surface_(surface.get()) {
  cairo_surface_flush(surface_);
  rows_ = cairo_image_surface_get_data(surface_);
  row_bytes_ = cairo_image_surface_get_stride(surface_);
}

PixelWriter::~PixelWriter() { cairo_surface_mark_dirty(surface_); }

void PixelWriter::set(int x, int y, std::uint32_t rgb) const {
  std::memcpy(rows_ + static_cast<std::ptrdiff_t>(y) * row_bytes_ + std::ptrdiff_t{4} * x, &rgb,
              sizeof(rgb));
}

Cairo make_cairo(const Surface& surface) {
  Cairo cairo(cairo_create(surface.get()));
  check(cairo_status(cairo.get()));
  // Without hinting and subpixels, the same text gives the same pixels on every desktop setting.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(cairo.get(), options);
  cairo_font_options_destroy(options);
  return cairo;
}

void set_colour(const Cairo& cairo, std::uint32_t rgb) {
  cairo_set_source_rgb(cairo.get(), static_cast<double>(rgb >> 16 & 0xff) / 255.0,
                       static_cast<double>(rgb >> 8 & 0xff) / 255.0,
                       static_cast<double>(rgb & 0xff) / 255.0);
}

std::uint32_t mix(std::uint32_t a, std::uint32_t b, double share_of_b) {
  std::uint32_t rgb = 0;
  for (int shift = 16; shift >= 0; shift -= 8) {
    const double from = a >> shift & 0xff;
    const double to = b >> shift & 0xff;
    rgb |= static_cast<std::uint32_t>(std::lround(from + (to - from) * share_of_b)) << shift;
  }
  return rgb;
}

// The RdBu scheme of ColorBrewer 2.0 (Brewer, 2003), three of its stops per side.
std::uint32_t diverging(double value) {
  constexpr std::uint32_t kZero = 0xf7f7f7;
  constexpr std::uint32_t kBlue[] = {0x67a9cf, 0x053061};
  constexpr std::uint32_t kRed[] = {0xef8a62, 0x67001f};
  const double strength = std::fabs(value);
  const std::uint32_t* side = value < 0 ? kBlue : kRed;
  return strength < 0.5 ? mix(kZero, side[0], 2 * strength)
                        : mix(side[0], side[1], 2 * strength - 1);
}

double draw_text(const Cairo& cairo, double x, double y, std::string_view text,
                 const TextStyle& style, double max_width, Align align) {
  cairo_select_font_face(cairo.get(), "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo.get(), style.size);
  std::string line = as_utf8(text);
  double width = width_of(cairo, line);
  if (width > max_width) {
    std::string kept = line;
    do {
      drop_character(kept);
      line = kept + "…";
      width = width_of(cairo, line);
    } while (width > max_width && !kept.empty());
  }
  const double shift = align == Align::left ? 0 : align == Align::right ? width : width / 2;
  set_colour(cairo, style.rgb);
  cairo_move_to(cairo.get(), x - shift, y);
  cairo_show_text(cairo.get(), line.c_str());
  check(cairo_status(cairo.get()));
  return width;
}

void draw_text_upwards(const Cairo& cairo, double x, double y, std::string_view text,
                       double max_width) {
  cairo_save(cairo.get());
  cairo_translate(cairo.get(), x, y);
  cairo_rotate(cairo.get(), -1.5707963267948966);  // a quarter of a circle to the left
  draw_text(cairo, 0, 0, text, {}, max_width, Align::centre);
  cairo_restore(cairo.get());
}

std::string png_bytes(const Surface& surface) {
  std::string bytes;
  check(cairo_surface_write_to_png_stream(surface.get(), append, &bytes));
  return bytes;
}

std::string picture_bytes(PictureFormat format, int width, int height, std::uint32_t rgb,
                          const std::function<void(const Cairo& cairo)>& draw) {
  if (format == PictureFormat::png) {
    const Surface sheet = make_surface(width, height, rgb);
    draw(make_cairo(sheet));
    return png_bytes(sheet);
  }
  std::string bytes;
  const Surface sheet(cairo_svg_surface_create_for_stream(append, &bytes, width, height));
  check(cairo_surface_status(sheet.get()));
  {
    const Cairo cairo = make_cairo(sheet);
    set_colour(cairo, rgb);
    cairo_paint(cairo.get());
    draw(cairo);
    check(cairo_status(cairo.get()));
  }
  cairo_surface_finish(sheet.get());
  check(cairo_surface_status(sheet.get()));
  return bytes;
}

}  // namespace plait::cli
