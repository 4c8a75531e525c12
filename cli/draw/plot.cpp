#include "draw/plot.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include <plait/error.hpp>

#include "draw/gnuplot.hpp"
#include "io/files.hpp"

namespace plait::cli {
namespace {

// Told apart by people of every colour vision (source: Okabe and Ito, "Color Universal Design",
// 2008), and by their marks.
constexpr std::array<const char*, 6> kColours = {"#0072B2", "#D55E00", "#009E73",
                                                 "#CC79A7", "#E69F00", "#56B4E9"};
constexpr std::array<int, 6> kMarks = {7, 5, 9, 13, 11, 15};  // gnuplot's filled ones
constexpr const char* kDarkGrey = "#444444";
constexpr const char* kGrey = "#8C8C8C";

// === text ===

// Cut between characters after `longest` bytes.
std::string cut(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) return text;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

// In single quotes gnuplot reads everything as it stands but the quote, which is doubled.
std::string quoted(const std::string& text) {
  using Json = nlohmann::json;
  const std::string utf8 =
      Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace));
  std::string result = "'";
  for (const char c : utf8) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    result += control ? '?' : c;
    if (c == '\'') result += c;
  }
  return result + "'";
}

// === axes ===

struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::vector<double> ticks;  // empty: gnuplot's own
};

// How unlike the gaps between values are: the widest over the narrowest.
double unevenness(const std::vector<double>& values) {
  double narrowest = std::numeric_limits<double>::infinity();
  double widest = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double gap = values[i] - values[i - 1];
    if (gap <= 0) continue;
    narrowest = std::min(narrowest, gap);
    widest = std::max(widest, gap);
  }
  return widest > 0 ? widest / narrowest : 1;
}

std::string plain_text(double value) { return fmt::format("{:.0f}", value); }

// A tick at each value if the labels fit beside each other; else, on a logarithmic axis, at every
// second, third ...
std::vector<double> value_ticks(const std::vector<double>& values, bool logarithmic) {
  constexpr std::size_t kFittingCharacters = 96;
  std::size_t characters = 0;
  for (const double value : values) characters += plain_text(value).size() + 2;
  const std::size_t every = (characters + kFittingCharacters - 1) / kFittingCharacters;
  if (every > 1 && !logarithmic) return {};
  std::vector<double> ticks;
  for (std::size_t i = 0; i < values.size(); i += every) ticks.push_back(values[i]);
  return ticks;
}

Axis x_axis(const std::vector<double>& x) {
  Axis axis;
  std::vector<double> logarithms;
  logarithms.reserve(x.size());
  for (const double value : x) logarithms.push_back(std::log(value));
  axis.logarithmic = x.front() > 0 && unevenness(logarithms) < 0.99 * unevenness(x);
  axis.ticks = value_ticks(x, axis.logarithmic);
  if (axis.logarithmic) {
    const double margin = std::pow(x.back() / x.front(), 0.03);
    axis.low = x.front() / margin;
    axis.high = x.back() * margin;
  } else {
    const double margin = x.back() > x.front() ? 0.03 * (x.back() - x.front()) : 1;
    axis.low = x.front() - margin;
    axis.high = x.back() + margin;
  }
  return axis;
}

// 1, 2 and 5 times the powers of ten, from the last that is at most `low` to the first that is at
// least `high`; if those are many, the powers alone have ticks.
Axis logarithmic_axis(double low, double high) {
  constexpr std::size_t kMostTicks = 10;
  std::vector<double> grid;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  for (int power = first; power <= last; ++power) {
    for (const double digit : {1.0, 2.0, 5.0}) grid.push_back(digit * std::pow(10.0, power));
  }
  constexpr double kRounding = 1e-9;  // of pow
  while (grid.size() > 2 && grid[1] <= low * (1 + kRounding)) grid.erase(grid.begin());
  while (grid.size() > 2 && grid[grid.size() - 2] >= high * (1 - kRounding)) grid.pop_back();
  Axis axis{grid.front(), grid.back(), true, grid};
  if (grid.size() <= kMostTicks) return axis;
  axis.ticks.clear();
  const int every = 1 + (last - first) / static_cast<int>(kMostTicks);
  for (int power = first; power <= last; power += every) {
    axis.ticks.push_back(std::pow(10.0, power));
  }
  return axis;
}

// From 0, in steps of 1, 2 or 5 times a power of ten.
Axis linear_axis(double high) {
  constexpr double kSteps = 5;
  const double least = high > 0 ? high / kSteps : 1;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  double step = 10 * power;
  for (const double digit : {5.0, 2.0, 1.0}) {
    if (digit * power >= least * (1 - 1e-9)) step = digit * power;
  }
  Axis axis;
  axis.high = std::max(1.0, std::ceil(high / step)) * step;
  for (int i = 0; i * step <= axis.high * (1 + 1e-9); ++i) axis.ticks.push_back(i * step);
  return axis;
}

Axis y_axis(const Panel& panel, bool x_is_logarithmic) {
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const Curve& curve : panel.curves) {
    for (const double y : curve.y) {
      if (std::isnan(y)) continue;
      low = std::min(low, y);
      high = std::max(high, y);
    }
  }
  const bool logarithmic = low > 0 && high >= low * (x_is_logarithmic ? 10 : 100);
  return logarithmic ? logarithmic_axis(low, high) : linear_axis(high);
}

template <class Text>
std::string axis_text(char name, const Axis& axis, const Text& text) {
  std::string script = fmt::format("{}set logscale {}\nset {}range [{:.17g}:{:.17g}]\n",
                                   axis.logarithmic ? "" : "un", name, name, axis.low, axis.high);
  if (axis.ticks.empty()) return script + fmt::format("set {}tics autofreq\n", name);
  std::string ticks;
  for (const double tick : axis.ticks) {
    ticks += fmt::format("{}{} {:.17g}", ticks.empty() ? "" : ", ", quoted(text(tick)), tick);
  }
  return script + fmt::format("set {}tics ({})\n", name, ticks);
}

// === the script ===

// Sizes in points on a page of 960 x 420 for a panel, 740 for two. A PNG has twice as many pixels.
std::string terminal_text(PictureKind kind, std::size_t panels) {
  const std::size_t height = 100 + 320 * panels;
  if (kind == PictureKind::svg) {
    return fmt::format(
        "set terminal svg size 960,{} font 'DejaVu Sans,12' background '#ffffff' noenhanced\n",
        height);
  }
  return fmt::format(
      "set terminal pngcairo size 1920,{} font 'DejaVu Sans,12' fontscale 1.7 linewidth 2 "
      "pointscale 2 background '#ffffff' noenhanced\n",
      2 * height);
}

std::string heading_text(const Chart& chart, std::size_t panels) {
  const double height = 100 + 320.0 * static_cast<double>(panels);
  const bool is_long = chart.title.size() > 70;
  return fmt::format(
             "set label 1 {} at screen 0.5, screen {:.6f} center font ',{}' tc '#222222' "
             "noenhanced\n",
             quoted(cut(chart.title, 120)), 1 - 24 / height, is_long ? 11 : 15) +
         fmt::format("set label 2 {} at screen 0.5, screen {:.6f} center tc '#555555' noenhanced\n",
                     quoted(cut(chart.subtitle, 110)), 1 - 48 / height);
}

std::string data_text(std::size_t panel, const Chart& chart) {
  std::string text = fmt::format("$panel{} << EOD\n", panel);
  for (std::size_t i = 0; i < chart.x.size(); ++i) {
    text += fmt::format("{:.17g}", chart.x[i]);
    for (const Curve& curve : chart.panels[panel].curves) {
      text += std::isnan(curve.y[i]) ? " NaN" : fmt::format(" {:.17g}", curve.y[i]);
    }
    text += "\n";
  }
  return text + "EOD\n";
}

// `place` is the curve's among those with colours.
std::string style_text(Stroke stroke, std::size_t place, std::size_t values) {
  const char* colour = kColours[place % kColours.size()];
  const int mark = kMarks[place % kMarks.size()];
  const double size = values <= 40 ? 0.8 : values <= 200 ? 0.45 : 0.2;
  switch (stroke) {
    case Stroke::marked:
      return fmt::format("with linespoints lc rgb '{}' lw 2 pt {} ps {}", colour, mark, size);
    case Stroke::dashed:
      return fmt::format("with lines lc rgb '{}' lw 1.5 dt (8,5)", kDarkGrey);
    case Stroke::thread:
      return fmt::format("with lines lc rgb '{}' lw 1", kGrey);
    case Stroke::marks:
      return fmt::format("with points lc rgb '{}' pt {} ps {}", colour, mark, 1.6 * size);
  }
  return "";
}

std::string curves_text(std::size_t panel, const Chart& chart) {
  std::string text;
  std::size_t place = 0;
  for (std::size_t i = 0; i < chart.panels[panel].curves.size(); ++i) {
    const Curve& curve = chart.panels[panel].curves[i];
    const bool in_legend = curve.stroke != Stroke::thread;
    const bool has_colour = in_legend && curve.stroke != Stroke::dashed;
    text += fmt::format("{}$panel{} using 1:{} {} {}", text.empty() ? "plot " : ", \\\n     ",
                        panel, i + 2, style_text(curve.stroke, place, chart.x.size()),
                        in_legend ? "title " + quoted(curve.name) : "notitle");
    if (has_colour) ++place;
  }
  return text + "\n";
}

std::string panel_text(std::size_t panel, const Chart& chart, const Axis& x) {
  const Panel& one = chart.panels[panel];
  const std::size_t panels = chart.panels.size();
  const double height = 100 + 320.0 * static_cast<double>(panels);
  const double top = 1 - (100 + 320.0 * static_cast<double>(panel)) / height;
  const bool last = panel + 1 == panels;
  std::string text =
      fmt::format("set tmargin at screen {:.6f}\nset bmargin at screen {:.6f}\n", top,
                  top - 255 / height) +
      axis_text('y', y_axis(one, x.logarithmic),
                [&one](double tick) { return prefixed_text(tick, one.unit); }) +
      fmt::format("set label 3 {} at graph 0, graph 1.07 left font ',12' tc '#222222' noenhanced\n",
                  quoted(one.label)) +
      fmt::format("set xlabel {} noenhanced\n", last ? quoted(chart.x_label) : "''") +
      curves_text(panel, chart);
  return text + "unset label 1\nunset label 2\n";
}

}  // namespace

PictureKind picture_kind_of(const std::string& path) {
  const std::string extension = extension_of(path);
  if (extension == ".svg") return PictureKind::svg;
  if (extension == ".png") return PictureKind::png;
  throw Error(
      Status::invalid_argument,
      fmt::format("plot '{}' has {}; charts are .svg or .png", path,
                  extension.empty() ? "no extension" : "the unknown extension " + extension));
}

void require_gnuplot(PictureKind kind) { run_gnuplot(terminal_text(kind, 1)); }

std::string prefixed_text(double value, const std::string& unit) {
  if (value == 0) return "0";
  constexpr std::array<const char*, 10> kPrefixes = {"p", "n", "u", "m", "",
                                                     "k", "M", "G", "T", "P"};
  constexpr int kOne = 4;  // where the prefix is none
  const int place = std::clamp(static_cast<int>(std::floor(std::log10(value) / 3 + 1e-9)) + kOne, 0,
                               static_cast<int>(kPrefixes.size()) - 1);
  const std::string suffix = kPrefixes[static_cast<std::size_t>(place)] + unit;
  return fmt::format("{:.4g}{}{}", value / std::pow(1000.0, place - kOne),
                     suffix.empty() ? "" : " ", suffix);
}

std::string plot_script(const Chart& chart, PictureKind kind) {
  const Axis x = x_axis(chart.x);
  const std::size_t panels = chart.panels.size();
  std::string script = "set encoding utf8\n" + terminal_text(kind, panels);
  for (std::size_t i = 0; i < panels; ++i) script += data_text(i, chart);
  script +=
      "set lmargin at screen 0.085\n"
      "set rmargin at screen 0.975\n"
      "set border 3 lc rgb '#666666'\n"
      "set tics nomirror out scale 0.5 textcolor rgb '#333333'\n"
      "set grid xtics ytics lt 1 lc rgb '#E4E4E4' lw 0.7\n"
      "set key at graph 1, graph 1.03 right bottom horizontal Left reverse samplen 2 font ',11' "
      "noenhanced\n";
  script += axis_text('x', x, plain_text) + heading_text(chart, panels);
  script += fmt::format("set multiplot layout {},1\n", panels);
  for (std::size_t i = 0; i < panels; ++i) script += panel_text(i, chart, x);
  return script + "unset multiplot\n";
}

std::string draw(const Chart& chart, PictureKind kind) {
  return run_gnuplot(plot_script(chart, kind));
}

}  // namespace plait::cli
