// Seeded random numbers, the same on every machine.
#pragma once

#include <cstdint>
#include <iterator>

namespace plait {

// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for test data.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits();
  std::int64_t between(std::int64_t low, std::int64_t high);  // both included
  bool chance(double probability);
  double uniform();  // [0, 1)
  double normal();   // mean 0, variance 1
  template <class Values>
  auto pick(const Values& values) {
    const auto size = static_cast<std::int64_t>(std::size(values));
    return *(std::begin(values) + between(0, size - 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace plait
