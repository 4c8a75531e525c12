// Matrices of which input channels reach which output channels, side by side as one picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <plait/analysis/channels.hpp>

#include "draw/drawing.hpp"

namespace plait::cli {

struct FlowPanel {
  std::string title;
  ChannelFlow flow;
};

struct FlowPicture {
  std::int64_t channels = 1;  // of every panel
  std::int64_t groups = 1;    // lines mark their blocks where they are wide enough
  std::string subtitle;
  std::vector<FlowPanel> panels;  // at least one
};

// Where things are, in pixels; a function of the numbers of channels and panels alone.
struct FlowLayout {
  int channels_per_pixel = 1;
  int pixels_per_channel = 1;  // one of both is 1
  int side = 0;                // of a drawn matrix
  int left = 0;                // edge of the first matrix; each next is `step` farther
  int top = 0;
  int step = 0;
  int width = 0;  // of the whole sheet
  int height = 0;
};

FlowLayout flow_layout(std::int64_t channels, std::size_t panels);

// A row per output channel and a column per input channel, filled where the input reaches the
// output; with more channels than pixels, the darker the more pairs of a pixel are reached.
std::string draw_flow(const FlowPicture& picture, PictureFormat format);

}  // namespace plait::cli
