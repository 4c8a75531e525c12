// Measures times of plans, and peaks of arithmetic and memory.
#include <plait/analysis/measure.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>

#include "core/refuse.hpp"
#include "core/stopwatch.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/peak/peak.hpp"

namespace plait {
namespace {

// A burst is long enough (0.1 ms at 118 GFLOP/s on AVX3) to hide the 2 us of waking the threads.
constexpr int kBursts = 8;
constexpr double kReadSeconds = 0.1;
// kernels::read_all reads 8 vectors at a time and leaves the rest: these are 512 bytes of the
// widest target.
constexpr std::int64_t kReadStep = 512;

std::atomic<float> sink;  // keeps measured work from being optimised away

void check_threads(Target target, int threads) {
  const std::vector<Target>& targets = host_machine().targets;
  if (std::find(targets.begin(), targets.end(), target) == targets.end()) {
    refuse("this CPU cannot run the target " + std::string(name_of(target)));
  }
  if (threads < 1) {
    refuse("threads must be at least 1 but is " + std::to_string(threads));
  }
}

// The quantile of the sorted values at `share`, interpolated between the nearest two.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

}  // namespace

template <class T>
void time_runs(const Plan& plan, TensorView<const T> x, const Packed& packed, TensorView<T> y,
               double budget_seconds, Timings& timings, const RunOptions<T>& options) {
  std::int64_t in_a_row = 1;
  const auto timed = [&] {
    const Stopwatch watch;
    for (std::int64_t i = 0; i < in_a_row; ++i) plan.run<T>(x, packed, y, options);
    return watch.seconds() / static_cast<double>(in_a_row);
  };
  const double first = timed();
  if (first > budget_seconds) {
    timings.seconds.push_back(first);
    ++timings.runs;
    return;
  }
  const Stopwatch total;
  const double warm = timed();
  in_a_row = runs_in_a_row(warm);
  do {
    timings.seconds.push_back(timed());
    timings.runs += in_a_row;
  } while (total.seconds() < budget_seconds);
}

template void time_runs(const Plan&, TensorView<const float>, const Packed&, TensorView<float>,
                        double, Timings&, const RunOptions<float>&);
template void time_runs(const Plan&, TensorView<const double>, const Packed&, TensorView<double>,
                        double, Timings&, const RunOptions<double>&);

TimeSummary summarize(std::vector<double> seconds) {
  if (seconds.empty()) refuse("there are no times to summarize");
  std::sort(seconds.begin(), seconds.end());
  return {.median_seconds = quantile(seconds, 0.5),
          .min_seconds = seconds.front(),
          .p10_seconds = quantile(seconds, 0.1),
          .p90_seconds = quantile(seconds, 0.9)};
}

double measure_peak_gflops(Target target, int threads, double budget_seconds) {
  check_threads(target, threads);
  auto bursts = [target](int) {
    for (int i = 0; i < kBursts; ++i) sink = kernels::fma_burst(target);
  };
  const double seconds =
      shortest_seconds(budget_seconds, [&] { default_executor().run(threads, bursts); });
  const double macs = static_cast<double>(kernels::fma_burst_macs(target)) * kBursts * threads;
  return 2e-9 * macs / seconds;
}

double measure_read_bytes_per_second(Target target, std::int64_t bytes, int threads) {
  check_threads(target, threads);
  // A described machine may have a cache of any size; no cache that a few cores share is larger.
  bytes = std::min<std::int64_t>(bytes, std::int64_t{1} << 30);
#if defined(PLAIT_SANITIZED)
  // Under a sanitizer the rate means nothing, and 1 GB (four large caches) takes TSan 15 s.
  bytes = std::min<std::int64_t>(bytes, 1 << 20);
#endif
  const std::int64_t part = bytes / threads / kReadStep * kReadStep;
  if (part == 0) {
    refuse("each of " + std::to_string(threads) + " threads needs at least " +
           std::to_string(kReadStep) + " bytes to read but " + std::to_string(bytes) +
           " are all there are");
  }
  const auto floats = static_cast<std::size_t>(part) / sizeof(float);
  const AlignedBytes memory =
      allocate_aligned(static_cast<std::size_t>(part * threads), "data to read");
  auto* const data = reinterpret_cast<float*>(memory.get());
  auto fill = [=](int thread) {
    std::fill_n(data + static_cast<std::size_t>(thread) * floats, floats, 1.0F);
  };
  auto read = [=](int thread) {
    sink = kernels::read_all(target, data + static_cast<std::size_t>(thread) * floats, floats);
  };
  default_executor().run(threads, fill);
  const double seconds =
      shortest_seconds(kReadSeconds, [&] { default_executor().run(threads, read); });
  return static_cast<double>(part * threads) / seconds;
}

}  // namespace plait
