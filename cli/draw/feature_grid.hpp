// Feature maps as one picture: a grid with a cell per output channel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <plait/tensor.hpp>

namespace plait::cli {

struct GridText {
  std::string title;
  std::string subtitle;
  std::vector<std::string> channel_names;  // per channel, or empty
};

// The layout of a grid, in pixels; a function of the maps' shape alone.
struct GridLayout {
  std::int64_t shown = 0;  // cells drawn: at most kMaxCells
  int columns = 0;
  int rows = 0;
  int tile_w = 0;  // width of a drawn map, which keeps its shape
  int tile_h = 0;
  int cell_w = 0;  // width of a map with its label and spacing
  int cell_h = 0;
  int width = 0;  // of the whole sheet
  int height = 0;
};

inline constexpr std::int64_t kMaxCells = 64;

GridLayout grid_layout(const Dims& maps_shape);

// maps: c x h x w. A PNG file's bytes: each map with its channel number, its name and its value
// range [min, max]. A map with negative values is drawn blue - white - red around zero, any other
// one black to white; either saturates at the 99.5th percentile of what is drawn, so that a few
// extreme pixels (a zero-padded border) do not flatten the rest. Pixels that are not finite are
// magenta.
std::string draw_feature_grid(const Tensor<float>& maps, const GridText& text);

}  // namespace plait::cli
