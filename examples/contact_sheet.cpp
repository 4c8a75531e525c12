// Several PNG files on one sheet, each with a caption:
//   contact_sheet OUT.png [--columns N] [--width PIXELS] CAPTION=FILE.png...
#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <plait/error.hpp>

#include "drawing.hpp"
#include "files.hpp"
#include "interrupt.hpp"

namespace {

using namespace plait::faces;

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
    throw plait::Error(plait::Status::invalid_argument,
                       "'" + argument + "' is not CAPTION=FILE.png");
  }
  const std::string path = argument.substr(at + 1);
  Item item{argument.substr(0, at), Surface(cairo_image_surface_create_from_png(path.c_str()))};
  const cairo_status_t status = cairo_surface_status(item.picture.get());
  if (status != CAIRO_STATUS_SUCCESS) {
    throw plait::Error(plait::Status::io,
                       "cannot read " + path + ": " + cairo_status_to_string(status));
  }
  item.w = cairo_image_surface_get_width(item.picture.get());
  item.h = cairo_image_surface_get_height(item.picture.get());
  return item;
}

// Each picture is scaled to the column's width; a row is as high as its highest picture.
std::string draw_sheet(const std::vector<Item>& items, int columns, int column_w) {
  const auto drawn_h = [column_w](const Item& item) {
    return std::max(1, static_cast<int>(static_cast<double>(item.h) * column_w / item.w));
  };
  std::vector<int> row_h;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i % static_cast<std::size_t>(columns) == 0) row_h.push_back(0);
    row_h.back() = std::max(row_h.back(), drawn_h(items[i]));
  }
  int height = 2 * kMargin - kGap;
  for (const int h : row_h) height += kCaptionHeight + h + kGap;
  const Surface sheet =
      make_surface(2 * kMargin + columns * (column_w + kGap) - kGap, height, 0xffffff);
  const Cairo cairo = make_cairo(sheet);
  int y = kMargin;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const int column = static_cast<int>(i) % columns;
    if (i > 0 && column == 0) {
      y += kCaptionHeight + row_h[i / static_cast<std::size_t>(columns) - 1] + kGap;
    }
    const int x = kMargin + column * (column_w + kGap);
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
  CLI::App app{"Several PNG files on one sheet, each with a caption.", "contact_sheet"};
  std::string output;
  std::vector<std::string> arguments;
  int columns = 2;
  int column_w = 640;
  app.add_option("output", output, "The PNG file to write")->required();
  app.add_option("pictures", arguments, "CAPTION=FILE.png, row by row")->required();
  app.add_option("--columns", columns, "Default 2")->check(CLI::Range(1, 16));
  app.add_option("--width", column_w, "Of a column, in pixels; default 640")
      ->check(CLI::Range(16, 4096));
  CLI11_PARSE(app, argc, argv);
  try {
    catch_interrupts();
    std::vector<Item> items;
    for (const std::string& argument : arguments) items.push_back(load(argument));
    check_output(output, {});
    columns = std::min(columns, static_cast<int>(items.size()));
    write_file(output, draw_sheet(items, columns, column_w), interrupted());
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "contact_sheet: " << error.what() << "\n";
    return 2;
  }
}
