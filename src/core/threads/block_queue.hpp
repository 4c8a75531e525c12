// Hands blocks of work to threads, so that each thread mostly gets the same blocks in every run.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "core/integers.hpp"

namespace plait {

// Each thread has a range of consecutive blocks and, once that is empty, takes blocks from the
// ranges of others. In the next run of the same plan it then mostly meets the same data, which its
// cache may still hold.
class BlockQueue {
 public:
  BlockQueue(std::int64_t blocks, int threads)
      : blocks_(blocks), ranges_(std::min<std::int64_t>(threads, kMostRanges)) {
    for (std::int64_t i = 0; i < ranges_; ++i) next_[static_cast<std::size_t>(i)].block = begin(i);
  }

  // The next block for a thread, or -1.
  std::int64_t take(int thread) {
    for (std::int64_t i = 0; i < ranges_; ++i) {
      const std::int64_t range = (thread + i) % ranges_;
      if (next_[static_cast<std::size_t>(range)].block >= begin(range + 1)) continue;
      const std::int64_t block = next_[static_cast<std::size_t>(range)].block++;
      if (block < begin(range + 1)) return block;
    }
    return -1;
  }

 private:
  static constexpr std::int64_t kMostRanges = 16;  // further threads share these
  struct alignas(kCacheLineBytes) Next {
    std::atomic<std::int64_t> block;
  };

  std::int64_t begin(std::int64_t i) const {
    return blocks_ / ranges_ * i + std::min(i, blocks_ % ranges_);
  }

  std::int64_t blocks_;
  std::int64_t ranges_;
  std::array<Next, kMostRanges> next_;
};

}  // namespace plait
