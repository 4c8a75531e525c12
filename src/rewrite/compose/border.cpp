#include "rewrite/compose/border.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <plait/error.hpp>

#include "core/integers.hpp"

namespace plait {
namespace rewrite {
namespace {

// Whether the first window of middle position a has a tap within x. With dilation it may straddle x
// and have none.
bool meets(const BorderAxis::Layer& first, std::int64_t a, std::int64_t size) {
  const std::int64_t start = a * first.stride - first.before;
  const std::int64_t tap = start >= 0 ? 0 : (-start - 1) / first.dilation + 1;
  return tap < first.taps && start + tap * first.dilation < size;
}

// Before x: the window of position -j of the middle map has its last tap at d1 (k1 - 1) - p1 - j
// s1, which lies in a large x unless it is negative. Tap u2 of output i is at position i s2 - p2 +
// u2 d2. For each tap only its last position before 0 counts, as it is the nearest to x.
bool can_meet_before(const BorderAxis& axis) {
  const BorderAxis::Layer& first = axis.first;
  const BorderAxis::Layer& second = axis.second;
  const std::int64_t reach = first.dilation * (first.taps - 1) - first.before;
  if (reach < first.stride) return false;
  const std::int64_t farthest = reach / first.stride;  // the largest j that meets
  for (std::int64_t tap = 0; tap < second.taps; ++tap) {
    const std::int64_t room = second.before - 1 - tap * second.dilation;
    if (room < 0) return false;
    if (room % second.stride + 1 <= farthest) return true;
  }
  return false;
}

// Behind x: position h_mid - 1 + j has its first tap at h + p_after - d1 (k1 - 1) - 1 - r + j s1,
// where r <= s1 - 1 are the rows that the first layer leaves over. For every r there are sizes
// where the last tap of the last window is at j = 1, as the remainders of both layers can be
// chosen.
bool can_meet_after(const BorderAxis& axis) {
  const BorderAxis::Layer& first = axis.first;
  return axis.second.after > 0 && first.dilation * (first.taps - 1) > first.after;
}

}  // namespace

std::vector<std::uint8_t> taps_of(const BorderAxis& axis, std::int64_t size, std::int64_t middle,
                                  std::int64_t outputs, const std::atomic<bool>* cancel) {
  const BorderAxis::Layer& second = axis.second;
  std::vector<std::uint8_t> taps(static_cast<std::size_t>(outputs));
  for (std::int64_t i = 0; i < outputs; ++i) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      throw Error(Status::cancelled, "cancelled while the outputs that can differ were sought");
    }
    unsigned found = 0;
    for (std::int64_t tap = 0; tap < second.taps; ++tap) {
      const std::int64_t a = i * second.stride - second.before + tap * second.dilation;
      const bool inside = a >= 0 && a < middle;
      if (!inside) found |= DifferingOutputs::kPadded;
      if (meets(axis.first, a, size)) {
        found |= inside ? DifferingOutputs::kInside : DifferingOutputs::kMeeting;
      }
    }
    taps[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(found);
  }
  return taps;
}

bool can_read_padding(const BorderAxis& axis, bool biased) {
  if (biased) return axis.second.before > 0 || axis.second.after > 0;
  return can_meet_before(axis) || can_meet_after(axis);
}

}  // namespace rewrite

DifferingOutputs::DifferingOutputs(std::vector<std::uint8_t> rows,
                                   std::vector<std::uint8_t> columns, bool biased)
    : rows_(std::move(rows)), columns_(std::move(columns)), biased_(biased) {}

// An output differs if it has a tap that is in the padding on some axis, and whose first window
// meets x on both axes.
bool DifferingOutputs::differs(unsigned row, unsigned column) const {
  if (biased_) return ((row | column) & kPadded) != 0;
  const bool row_meets = (row & (kInside | kMeeting)) != 0;
  const bool column_meets = (column & (kInside | kMeeting)) != 0;
  return row_meets && column_meets && ((row | column) & kMeeting) != 0;
}

std::int64_t DifferingOutputs::count() const {
  std::array<std::int64_t, 8> rows{};
  std::array<std::int64_t, 8> columns{};
  for (const std::uint8_t taps : rows_) ++rows[taps % rows.size()];
  for (const std::uint8_t taps : columns_) ++columns[taps % columns.size()];
  std::int64_t count = 0;
  for (unsigned row = 0; row < rows.size(); ++row) {
    for (unsigned column = 0; column < columns.size(); ++column) {
      if (differs(row, column)) count += rows[row] * columns[column];
    }
  }
  return count;
}

std::optional<Pair> DifferingOutputs::first() const {
  std::array<bool, 8> tried{};  // rows of the same taps differ in the same columns
  for (std::int64_t i = 0; i < h(); ++i) {
    bool& known = tried[rows_[static_cast<std::size_t>(i)] % tried.size()];
    if (std::exchange(known, true)) continue;
    for (std::int64_t j = 0; j < w(); ++j) {
      if ((*this)(i, j)) return Pair(i, j);
    }
  }
  return {};
}

}  // namespace plait
