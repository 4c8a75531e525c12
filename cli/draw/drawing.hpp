// What the pictures share: owned objects of Cairo, and text.
#pragma once

#include <cairo.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace plait::cli {

inline constexpr int kMargin = 16;  // pixels around a picture
inline constexpr std::uint32_t kPaper = 0xffffff;
inline constexpr std::uint32_t kGrey = 0x656d76;  // explanations
inline constexpr std::uint32_t kFrame = 0xd0d7de;

struct CairoFree {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
};
using Surface = std::unique_ptr<cairo_surface_t, CairoFree>;
using Cairo = std::unique_ptr<cairo_t, CairoFree>;

// An opaque surface of one colour. Throws Error when Cairo cannot make it.
Surface make_surface(int width, int height, std::uint32_t rgb);

// Sets pixels of an image surface one by one, as 0xRRGGBB.
class PixelWriter {
 public:
  explicit PixelWriter(const Surface& surface);
  PixelWriter(const PixelWriter&) = delete;
  PixelWriter& operator=(const PixelWriter&) = delete;
  ~PixelWriter();
  void set(int x, int y, std::uint32_t rgb) const;

 private:
  cairo_surface_t* surface_;
  unsigned char* rows_;
  int row_bytes_;
};

// A drawing context on it. Text defaults to a sans-serif face.
Cairo make_cairo(const Surface& surface);

void set_colour(const Cairo& cairo, std::uint32_t rgb);

// The colour between a (share 0) and b (share 1).
std::uint32_t mix(std::uint32_t a, std::uint32_t b, double share_of_b);

// Blue for -1, nearly white for 0, red for 1.
std::uint32_t diverging(double value);

struct TextStyle {
  double size = 12;  // pixels
  bool bold = false;
  std::uint32_t rgb = 0x1f2328;
};
enum class Align { left, centre, right };

// Draws one line with its baseline at y, cut with an ellipsis to max_width pixels. Returns its
// width.
double draw_text(const Cairo& cairo, double x, double y, std::string_view text,
                 const TextStyle& style, double max_width, Align align = Align::left);

// Draws a line that runs upwards, with its centre at x, y.
void draw_text_upwards(const Cairo& cairo, double x, double y, std::string_view text,
                       double max_width);

// The surface as a PNG file's bytes.
std::string png_bytes(const Surface& surface);

// The bytes of a file with what `draw` draws on paper of one colour. Its size is width x height
// pixels, which are the units of an SVG.
enum class PictureFormat { png, svg };
std::string picture_bytes(PictureFormat format, int width, int height, std::uint32_t rgb,
                          const std::function<void(const Cairo& cairo)>& draw);

}  // namespace plait::cli
