// Handing blocks of work to threads, so that each mostly gets the same ones in every run.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace plait::kernels {

// Blocks in order, a stretch to each thread, which takes from the others' when its own is done: a
// plane then mostly meets the thread that it met in the last run, and its cache.
class Stretches {
 public:
  Stretches(std::int64_t blocks, int threads)
      : blocks_(blocks), count_(std::min<std::int64_t>(threads, kMost)) {
    for (std::int64_t i = 0; i < count_; ++i) next_[static_cast<std::size_t>(i)].block = begin(i);
  }

  // The next block for a thread, or -1.
  std::int64_t take(int thread) {
    for (std::int64_t i = 0; i < count_; ++i) {
      const std::int64_t stretch = (thread + i) % count_;
      if (next_[static_cast<std::size_t>(stretch)].block >= begin(stretch + 1)) continue;
      const std::int64_t block = next_[static_cast<std::size_t>(stretch)].block++;
      if (block < begin(stretch + 1)) return block;
    }
    return -1;
  }

 private:
  static constexpr std::int64_t kMost = 16;  // threads beyond share
  struct alignas(64) Next {
    std::atomic<std::int64_t> block;
  };

  std::int64_t begin(std::int64_t i) const {
    return blocks_ / count_ * i + std::min(i, blocks_ % count_);
  }

  std::int64_t blocks_;
  std::int64_t count_;
  std::array<Next, kMost> next_;
};

}  // namespace plait::kernels
