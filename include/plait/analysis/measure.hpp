// Measures the time of plans, and the machine's peaks beside them, with the same number of threads
// and on the same target. The clocks of shared machines wander, so only times that were measured at
// about the same moment can be compared.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/export.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>

namespace plait {

// What time_runs collects; several calls may add to the same one.
struct Timings {
  std::vector<double> seconds;  // each the time of one run, or the mean of several short runs
  std::int64_t runs = 0;        // runs that were timed
};

// Runs the plan once to warm up caches, pages and threads, then again for about `budget_seconds`,
// and appends the times. A first run that alone takes longer than the budget is the one time
// appended. Runs of less than 20 us are timed several in a row, because reading the clock takes
// some 0.04 us itself (AMD Zen 4 VM, 2026-11-22). Arguments and errors are those of Plan::run; when
// cancelled, what was timed so far stays in `timings`.
template <class T>
PLAIT_API void time_runs(const Plan& plan, TensorView<const T> x, const Packed& packed,
                         TensorView<T> y, double budget_seconds, Timings& timings,
                         const RunOptions<T>& options = {});

struct TimeSummary {
  double median_seconds = 0;
  double min_seconds = 0;
  double p10_seconds = 0;  // a tenth of the times are shorter
  double p90_seconds = 0;  // a tenth of the times are longer

  // The width of the middle 80 % of the times, relative to the median.
  double spread() const {
    return median_seconds > 0 ? (p90_seconds - p10_seconds) / median_seconds : 0;
  }
};

// Quantiles are interpolated between the two nearest times. Throws Error if there are none.
PLAIT_API TimeSummary summarize(std::vector<double> seconds);

// The highest rate of f32 multiply-adds in registers that `threads` threads reach together, in
// GFLOP/s (two operations per multiply-add): the best of the bursts that fit in `budget_seconds`.
// Throws Error if the CPU cannot run the target, or for less than one thread.
PLAIT_API double measure_peak_gflops(Target target, int threads, double budget_seconds = 0.003);

// The highest rate at which `threads` threads together read `bytes` bytes (1 GiB at most) over and
// over, each thread an equal part: the rate of the cache that holds them, or of main memory. Takes
// about 0.1 s. Throws Error as above, and if there is less than a cache line for each thread.
PLAIT_API double measure_read_bytes_per_second(Target target, std::int64_t bytes, int threads);

}  // namespace plait
