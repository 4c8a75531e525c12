// Measures the rates of the cost models. It only runs when it is called.
#include <plait/analysis/measure.hpp>
#include <plait/machine.hpp>

#include "core/stopwatch.hpp"

namespace plait {

Rates measure_rates(const Machine& machine) {
  const Target target = machine.target;
  const auto read_bytes_per_second = [&](std::int64_t bytes) {
    return measure_read_bytes_per_second(target, bytes, 1);
  };
  Rates rates = machine.rates;
  // Only the product of clock and vectors per cycle is measured, so the clock takes the difference.
  rates.ghz =
      measure_peak_gflops(target, 1, 0.1) / (2 * rates.vector_fmas_per_cycle * lanes_of(target));
  rates.l2_bytes_per_second = read_bytes_per_second(machine.caches.l2_bytes / 2);
  rates.l3_bytes_per_second = read_bytes_per_second(machine.caches.l3_bytes / 4);
  rates.dram_bytes_per_second = read_bytes_per_second(machine.caches.l3_bytes * 4);
  const int threads = machine.default_threads();
  if (threads > 1) {
    auto nothing = [](int) {};
    rates.fork_join_seconds =
        shortest_seconds(0.02, [&] { default_executor().run(threads, nothing); });
  }
  return rates;
}

}  // namespace plait
