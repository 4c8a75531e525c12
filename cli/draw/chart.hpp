// Charts of sweeps, drawn by matplotlib in a Python of its own: chart.py. The Python is the one
// that the environment variable PLAIT_PYTHON names, else python3.
#pragma once

#include <string>

#include "io/json.hpp"

namespace plait::cli {

enum class PictureKind { svg, png };

// By the extension. Throws Error if it is neither .svg nor .png.
PictureKind picture_kind_of(const std::string& path);

// Throws Error, saying what to install, unless Python and matplotlib are there.
void require_charts();

// The picture's bytes; `sweep` is a document "plait.cost_sweep/1". Throws Error: Status::io with
// Python's own words if it fails, Status::cancelled on an interrupt.
std::string draw_chart(const Json& sweep, PictureKind kind);

}  // namespace plait::cli
