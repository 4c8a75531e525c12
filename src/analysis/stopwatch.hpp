// Timing a piece of work.
#pragma once

#include <algorithm>
#include <chrono>
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

// The shortest of many calls: other work on the machine only ever adds time.
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
