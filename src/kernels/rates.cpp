// Measuring the rates of the cost model; only runs when asked.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <vector>

#include <plait/executor.hpp>
#include <plait/machine.hpp>

#include "kernels/peak.hpp"
#include "kernels/tile.hpp"

namespace plait {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::atomic<float> sink;  // keeps measured work from being optimised away

// The shortest of many calls: other work on the machine only ever adds time.
template <class Work>
double shortest_seconds(double budget_seconds, Work work) {
  double shortest = std::numeric_limits<double>::infinity();
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    work();
    shortest = std::min(shortest, seconds_since(start));
  } while (seconds_since(begin) < budget_seconds);
  return shortest;
}

double read_bytes_per_second(Target target, std::int64_t bytes) {
  const std::vector<float> data(static_cast<std::size_t>(bytes) / sizeof(float), 1.0F);
  const double seconds =
      shortest_seconds(0.08, [&] { sink = kernels::read_all(target, data.data(), data.size()); });
  return static_cast<double>(data.size() * sizeof(float)) / seconds;
}

}  // namespace

Rates measure_rates(const Machine& machine) {
  const Target target = machine.target;
  Rates rates = machine.rates;
  const double burst = shortest_seconds(0.1, [&] { sink = kernels::fma_burst(target); });
  const double macs_per_second = static_cast<double>(kernels::fma_burst_macs(target)) / burst;
  // The clock is not known, so the product of clock and vectors per cycle goes into the clock.
  rates.ghz = macs_per_second / (rates.vector_fmas_per_cycle * lanes_of(target)) * 1e-9;
  rates.l2_bytes_per_second = read_bytes_per_second(target, machine.caches.l2_bytes / 2);
  rates.l3_bytes_per_second = read_bytes_per_second(target, machine.caches.l3_bytes / 4);
  rates.dram_bytes_per_second = read_bytes_per_second(target, machine.caches.l3_bytes * 4);
  const int threads = machine.default_threads();
  if (threads > 1) {
    auto nothing = [](int) {};
    rates.fork_join_seconds =
        shortest_seconds(0.02, [&] { default_executor().run(threads, nothing); });
  }
  return rates;
}

}  // namespace plait
