// What the loops of a run did, counted by the loops themselves where the caller wants a report.
// Tests assert that every loop of a nest made several rounds, and that it executed the predicted
// products.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>

namespace plait::kernels {

// Additions that join the chunks of sums, beside those of the products: one for each chunk of a sum
// but its first.
inline std::int64_t chunk_additions(std::int64_t products, std::int64_t depth, std::int64_t chunk) {
  return products / depth * ((depth - 1) / chunk);
}

struct LoopLevel {
  std::string_view name;
  bool has_tail;  // its last round may be partial
};

// The counts of one task.
class LoopCounters {
 public:
  static constexpr std::size_t kMaxLevels = 8;

  struct Count {
    std::int64_t rounds = 0;  // the most that one execution of the loop made
    bool whole_twice_and_tail = false;
  };

  // Round `index` (from 0) of a loop; `partial` if it does less than the ones before.
  void round(std::size_t level, std::int64_t index, bool partial = false) {
    Count& count = counts_[level];
    count.rounds = std::max(count.rounds, index + 1);
    count.whole_twice_and_tail = count.whole_twice_and_tail || (partial && index >= 2);
  }
  // Products, each added to its sum; and sums that are added to others.
  void multiply(std::int64_t products) {
    multiplications_ += products;
    additions_ += products;
  }
  void add(std::int64_t sums) { additions_ += sums; }
  void transform(std::int64_t operations) { transform_operations_ += operations; }
  // Tiles of a transform, and those among them that were computed by direct sums instead.
  void count_tiles(std::int64_t tiles, std::int64_t direct) {
    tiles_ += tiles;
    direct_tiles_ += direct;
  }

  void merge(const LoopCounters& other) {
    for (std::size_t level = 0; level < kMaxLevels; ++level) {
      Count& count = counts_[level];
      count.rounds = std::max(count.rounds, other.counts_[level].rounds);
      count.whole_twice_and_tail |= other.counts_[level].whole_twice_and_tail;
    }
    multiplications_ += other.multiplications_;
    additions_ += other.additions_;
    transform_operations_ += other.transform_operations_;
    count_tiles(other.tiles_, other.direct_tiles_);
  }

  const Count& count(std::size_t level) const { return counts_[level]; }
  std::int64_t multiplications() const { return multiplications_; }
  std::int64_t additions() const { return additions_; }
  std::int64_t transform_operations() const { return transform_operations_; }
  std::int64_t tiles() const { return tiles_; }
  std::int64_t direct_tiles() const { return direct_tiles_; }

 private:
  std::array<Count, kMaxLevels> counts_{};
  std::int64_t multiplications_ = 0;
  std::int64_t additions_ = 0;
  std::int64_t transform_operations_ = 0;
  std::int64_t tiles_ = 0;
  std::int64_t direct_tiles_ = 0;
};

// Where the tasks of a run add up their counters.
class SharedCounters {
 public:
  void merge(const LoopCounters& task) {
    const std::lock_guard lock(mutex_);
    total_.merge(task);
  }
  const LoopCounters& total() const { return total_; }  // after the run

 private:
  std::mutex mutex_;
  LoopCounters total_;
};

}  // namespace plait::kernels
