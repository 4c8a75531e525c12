// Times a piece of work.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

namespace plait {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// How many times to run in a row what takes `seconds` once, as short runs cannot be timed alone.
inline std::int64_t runs_in_a_row(double seconds) {
  constexpr double kShortestTime = 20e-6;
  constexpr double kMostRuns = 1000;
  return static_cast<std::int64_t>(std::clamp(std::ceil(kShortestTime / seconds), 1.0, kMostRuns));
}

// The shortest time of many calls, since other work on the machine can only add time.
template <class Work>
double shortest_seconds(double budget_seconds, Work work) {
  double shortest = std::numeric_limits<double>::infinity();
  const Stopwatch total;
  do {
    const Stopwatch one;
    work();
    shortest = std::min(shortest, one.seconds());
  } while (total.seconds() < budget_seconds);
  return shortest;
}

}  // namespace plait
