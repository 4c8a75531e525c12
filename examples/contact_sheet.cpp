// Several pictures (PNG or JPEG) on one sheet, each with a caption:
//   contact_sheet OUT.png [--columns N] [--width PIXELS] CAPTION=FILE...
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <plait/error.hpp>

#include "app/interrupt.hpp"
#include "draw/drawing.hpp"
#include "io/files.hpp"
#include "io/image.hpp"

namespace {

using namespace plait::cli;

constexpr int kMargin = 24;
constexpr int kGap = 24;
constexpr int kCaptionHeight = 30;

struct Item {
  std::string caption;
  Surface picture;
  int w = 0;
  int h = 0;
};

Item load(const std::string& argument) {
  const std::size_t at = argument.find('=');
  if (at == std::string::npos) {
    throw plait::Error(plait::Status::invalid_argument, "'" + argument + "' is not CAPTION=FILE");
  }
  const std::string path = argument.substr(at + 1);
  const plait::Tensor<float> x = decode_image(read_file(path), path);  // 3 x h x w
  Item item;
  item.caption = argument.substr(0, at);
  item.h = static_cast<int>(x.size(1));
  item.w = static_cast<int>(x.size(2));
  item.picture = make_surface(item.w, item.h, 0);
  const PixelWriter pixels(item.picture);
  for (int i = 0; i < item.h; ++i) {
    for (int j = 0; j < item.w; ++j) {
      std::uint32_t rgb = 0;
      for (int c = 0; c < 3; ++c) {
        rgb = rgb << 8 | static_cast<std::uint32_t>(std::lround(x(c, i, j) * 255));
      }
      pixels.set(j, i, rgb);
    }
  }
  return item;
}

// Each picture is scaled to the width of a column and placed in the shortest column so far.
std::string draw_sheet(const std::vector<Item>& items, int columns, int column_w) {
  struct Place {
    int x;
    int y;
  };
  std::vector<Place> places;
  std::vector<int> column_h(static_cast<std::size_t>(columns), kMargin);
  for (const Item& item : items) {
    const auto shortest = std::min_element(column_h.begin(), column_h.end());
    const int column = static_cast<int>(shortest - column_h.begin());
    places.push_back({kMargin + column * (column_w + kGap), *shortest});
    const double drawn_h = static_cast<double>(item.h) * column_w / item.w;
    *shortest += kCaptionHeight + static_cast<int>(drawn_h) + kGap;
  }
  const int height = *std::max_element(column_h.begin(), column_h.end()) - kGap + kMargin;
  const Surface sheet =
      make_surface(2 * kMargin + columns * (column_w + kGap) - kGap, height, 0xffffff);
  const Cairo cairo = make_cairo(sheet);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto [x, y] = places[i];
    draw_text(cairo, x, y + 18, items[i].caption, {.size = 17, .bold = true}, column_w);
    cairo_save(cairo.get());
    cairo_translate(cairo.get(), x, y + kCaptionHeight);
    const double scale = static_cast<double>(column_w) / items[i].w;
    cairo_scale(cairo.get(), scale, scale);
    cairo_set_source_surface(cairo.get(), items[i].picture.get(), 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cairo.get()), CAIRO_FILTER_BEST);
    cairo_paint(cairo.get());
    cairo_restore(cairo.get());
  }
  return png_bytes(sheet);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Several pictures on one sheet, each with a caption.", "contact_sheet"};
  std::string output;
  std::vector<std::string> arguments;
  int columns = 2;
  int column_w = 640;
  app.add_option("output", output, "The PNG file to write")->required();
  app.add_option("pictures", arguments, "CAPTION=FILE (PNG or JPEG)")->required();
  app.add_option("--columns", columns, "Default 2")->check(CLI::Range(1, 16));
  app.add_option("--width", column_w, "Of a column, in pixels; default 640")
      ->check(CLI::Range(16, 4096));
  try {
    app.parse(argc, argv);
    const InterruptsCaught interrupts;
    std::vector<Item> items;
    for (const std::string& argument : arguments) items.push_back(load(argument));
    check_output(output, {});
    columns = std::min(columns, static_cast<int>(items.size()));
    write_file(output, draw_sheet(items, columns, column_w), interrupted());
    return 0;
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help
  } catch (const std::exception& error) {
    std::cerr << "contact_sheet: " << error.what() << "\n";
    return 2;
  }
}
