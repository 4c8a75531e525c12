#include "core/problem/axis_reach.hpp"

#include <algorithm>
#include <string>

#include <plait/error.hpp>

#include "core/integers.hpp"
#include "core/problem/padding.hpp"

namespace plait {
namespace {

// A half-open range of positions.
struct Interval {
  std::int64_t begin, end;
  std::int64_t length() const { return std::max<std::int64_t>(0, end - begin); }
};

// The union of the intervals as ranges in order that do not touch each other.
std::vector<Interval> united(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> result;
  for (const Interval& one : intervals) {
    if (one.length() == 0) continue;
    if (!result.empty() && one.begin <= result.back().end) {
      result.back().end = std::max(result.back().end, one.end);
    } else {
      result.push_back(one);
    }
  }
  return result;
}

// The positions remainder, remainder + stride, ... of an axis, by their number 0, 1, ...: `read`
// has the ranges of numbers that windows read.
struct Progression {
  std::int64_t remainder;
  std::vector<Interval> read;
};

// Every tap reads a range of one progression, with as many positions as there are outputs.
std::vector<Progression> progressions_of(const AxisWindows& axis) {
  struct Run {
    std::int64_t remainder, first;
  };
  std::vector<Run> runs;
  for (std::int64_t tap = 0; tap < axis.taps; ++tap) {
    const std::int64_t position = tap * axis.dilation;
    runs.push_back({position % axis.stride, position / axis.stride});
  }
  std::sort(runs.begin(), runs.end(),
            [](const Run& a, const Run& b) { return a.remainder < b.remainder; });
  std::vector<Progression> progressions;
  for (auto run = runs.begin(); run != runs.end();) {
    const std::int64_t remainder = run->remainder;
    std::vector<Interval> intervals;
    for (; run != runs.end() && run->remainder == remainder; ++run) {
      intervals.push_back({run->first, run->first + axis.outputs});
    }
    progressions.push_back({remainder, united(std::move(intervals))});
  }
  return progressions;
}

// The numbers of a progression whose positions lie within [begin, end).
Interval within(std::int64_t remainder, std::int64_t stride, std::int64_t begin, std::int64_t end) {
  return {std::max<std::int64_t>(0, ceil_div(begin - remainder, stride)),
          ceil_div(end - remainder, stride)};
}

std::int64_t common(const Interval& a, const Interval& b) {
  return Interval{std::max(a.begin, b.begin), std::min(a.end, b.end)}.length();
}

bool reads(const std::vector<Progression>& progressions, std::int64_t stride,
           std::int64_t position) {
  const auto found =
      std::find_if(progressions.begin(), progressions.end(),
                   [&](const Progression& one) { return one.remainder == position % stride; });
  if (found == progressions.end()) return false;
  const std::int64_t number = position / stride;
  return std::any_of(found->read.begin(), found->read.end(), [&](const Interval& read) {
    return number >= read.begin && number < read.end;
  });
}

// The number of inputs that windows read only where padding repeats them.
std::int64_t repeated_only(const AxisWindows& axis, PaddingMode mode,
                           const std::vector<Progression>& progressions) {
  std::vector<std::int64_t> sources;
  const auto look = [&](std::int64_t position) {  // of the input's axis
    if (!reads(progressions, axis.stride, position + axis.before)) return;
    const std::int64_t source = source_position(mode, position, axis.size, axis.after);
    if (!reads(progressions, axis.stride, source + axis.before)) sources.push_back(source);
  };
  for (std::int64_t position = -axis.before; position < 0; ++position) look(position);
  for (std::int64_t i = 0; i < axis.after; ++i) look(axis.size + i);
  std::sort(sources.begin(), sources.end());
  return std::unique(sources.begin(), sources.end()) - sources.begin();
}

void check_count(const char* what, std::int64_t count) {
  if (count <= kMostCountedTaps) return;
  throw Error(Status::unsupported, std::to_string(count) + " " + what +
                                       " along an axis are more than are counted one by one (" +
                                       std::to_string(kMostCountedTaps) + ")");
}

}  // namespace

AxisWindows AxisWindows::rows_of(const Problem& p) {
  return {p.h, p.padding.top, p.padding.bottom, p.k_h, p.stride.h, p.dilation.h, p.h_o()};
}

AxisWindows AxisWindows::columns_of(const Problem& p) {
  return {p.w, p.padding.left, p.padding.right, p.k_w, p.stride.w, p.dilation.w, p.w_o()};
}

AxisReach reach_of(const AxisWindows& axis, PaddingMode mode) {
  check_count("taps", axis.taps);
  const std::vector<Progression> progressions = progressions_of(axis);
  const std::int64_t begin = axis.before;
  const std::int64_t end = axis.before + axis.size;
  AxisReach reach;
  for (const Progression& one : progressions) {
    const Interval inside = within(one.remainder, axis.stride, begin, end);
    for (const Interval& read : one.read) {
      reach.padded += read.length();
      reach.inputs += common(read, inside);
    }
  }
  std::vector<Interval> meeting;
  for (std::int64_t tap = 0; tap < axis.taps; ++tap) {
    // Outputs i whose position tap * dilation + i * stride is within the input.
    const std::int64_t position = tap * axis.dilation;
    Interval met = within(0, axis.stride, begin - position, end - position);
    met.end = std::min(met.end, axis.outputs);
    if (met.length() == 0) continue;
    reach.pairs += met.length();
    ++reach.taps;
    meeting.push_back(met);
  }
  for (const Interval& one : united(std::move(meeting))) reach.outputs += one.length();
  reach.sources = reach.inputs;
  if (!padding_is_one_value(mode)) {  // it repeats the input
    check_count("positions of padding", std::max(axis.before, axis.after));
    reach.sources += repeated_only(axis, mode, progressions);
  }
  return reach;
}

}  // namespace plait
