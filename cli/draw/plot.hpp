// Charts of curves over one common axis, drawn by gnuplot.
#pragma once

#include <string>
#include <vector>

namespace plait::cli {

enum class Stroke {
  marked,  // a line with a mark at each value
  dashed,  // a dashed dark grey line, to compare with
  thread,  // a thin grey line that the legend leaves out, to join marks
  marks,   // marks alone
};

struct Curve {
  std::string name;
  std::vector<double> y;  // at each x of the chart, from 0; NaN where there is nothing
  Stroke stroke = Stroke::marked;
};

// Panels lie below each other over the same x axis. A panel whose values differ a hundredfold, or
// tenfold where x is logarithmic, has a logarithmic axis unless one of them is 0.
struct Panel {
  std::string label;
  std::string unit;  // "s": ticks are then "10 us", "1 ms"; empty: "10 M", "1 G"
  std::vector<Curve> curves;
};

struct Chart {
  std::string title;
  std::string subtitle;
  std::string x_label;
  std::vector<double> x;  // rising; logarithmic if their ratios are more alike than their steps
  std::vector<Panel> panels;
};

enum class PictureKind { svg, png };

// By the extension. Throws Error if it is neither .svg nor .png.
PictureKind picture_kind_of(const std::string& path);

// Throws Error, saying what to install, unless gnuplot is there and draws such pictures.
void require_gnuplot(PictureKind kind);

// Of values from 0: 1500000000 and "" as "1.5 G", 0.00002 and "s" as "20 us".
std::string prefixed_text(double value, const std::string& unit);

// What gnuplot is told. Text is quoted: nothing in it is a command. Bytes that are no UTF-8 become
// U+FFFD, control characters ?.
std::string plot_script(const Chart& chart, PictureKind kind);

// The picture's bytes. Throws Error as run_gnuplot does.
std::string draw(const Chart& chart, PictureKind kind);

}  // namespace plait::cli
