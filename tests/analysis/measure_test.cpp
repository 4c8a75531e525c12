// Measuring: what is counted and summarized, never how fast this machine is.
#include <plait/analysis/measure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "core/stopwatch.hpp"
#include "support/calls.hpp"

namespace plait {
namespace {

using test::error_of;

class Timed {
 public:
  explicit Timed(const char* line) : plan_(plan(line)), operands_(plan_.problem()) {}

  void run(double budget_seconds, Timings& timings, const RunOptions<float>& options = {}) {
    time_runs<float>(plan_, operands_.x, packed_, y_, budget_seconds, timings, options);
  }
  // The same output, computed without timing.
  bool wrote_the_output() const {
    Tensor<float> once(y_.shape());
    plan_.run(operands_.x, packed_, once);
    return test::same_bytes(y_, once);
  }

 private:
  Plan plan_;
  Operands<float> operands_;
  Packed packed_ = plan_.pack(operands_.kernel);
  Tensor<float> y_{plan_.problem().y_shape()};
};

TEST(TimeRuns, TimesRunsUntilTheBudgetIsUsedUp) {
  Timed timed("1x16x28x28,32x16x3x3,p1");
  Timings timings;
  timed.run(0.01, timings);
  EXPECT_GE(timings.seconds.size(), 1U);
  EXPECT_TRUE(std::all_of(timings.seconds.begin(), timings.seconds.end(),
                          [](double seconds) { return seconds > 0; }));
  EXPECT_TRUE(timed.wrote_the_output());
  const std::size_t before = timings.seconds.size();
  timed.run(0.01, timings);
  EXPECT_GT(timings.seconds.size(), before) << "a second call adds to the first";
}

TEST(TimeRuns, TakesTheFirstRunIfThereIsNoTimeForMore) {
  Timed timed("1x16x28x28,32x16x3x3,p1");
  Timings timings;
  timed.run(0, timings);
  EXPECT_EQ(timings.seconds.size(), 1U);
  EXPECT_EQ(timings.runs, 1);
}

TEST(TimeRuns, TimesShortRunsSeveralInARow) {
  EXPECT_EQ(runs_in_a_row(0), 1000) << "less than the clock can tell";
  EXPECT_EQ(runs_in_a_row(1e-9), 1000);
  EXPECT_EQ(runs_in_a_row(3e-6), 7);
  EXPECT_EQ(runs_in_a_row(20e-6), 1);
  EXPECT_EQ(runs_in_a_row(1), 1);
  Timed timed("1x1x2x2,1x1x1x1");
  Timings timings;
  timed.run(0.01, timings);
  EXPECT_GE(timings.runs, static_cast<std::int64_t>(timings.seconds.size()));
}

TEST(TimeRuns, StopsWhenCancelledAndKeepsWhatIsThere) {
  Timed timed("1x16x28x28,32x16x3x3,p1");
  Timings timings;
  timed.run(0.01, timings);
  const std::size_t before = timings.seconds.size();
  const std::atomic<bool> cancel{true};
  error_of(Status::cancelled, [&] { timed.run(60, timings, {.cancel = &cancel}); });
  EXPECT_EQ(timings.seconds.size(), before);
}

TEST(Summarize, InterpolatesQuantiles) {
  std::vector<double> seconds(101);
  std::iota(seconds.rbegin(), seconds.rend(), 100);  // 200 ... 100: need not be sorted
  const TimeSummary summary = summarize(seconds);
  EXPECT_DOUBLE_EQ(summary.min_seconds, 100);
  EXPECT_DOUBLE_EQ(summary.p10_seconds, 110);
  EXPECT_DOUBLE_EQ(summary.median_seconds, 150);
  EXPECT_DOUBLE_EQ(summary.p90_seconds, 190);
  EXPECT_DOUBLE_EQ(summary.spread(), 80.0 / 150);

  const TimeSummary four = summarize({4, 1, 2, 3});
  EXPECT_DOUBLE_EQ(four.median_seconds, 2.5);
  EXPECT_DOUBLE_EQ(four.p10_seconds, 1.3);
  EXPECT_DOUBLE_EQ(four.p90_seconds, 3.7);
}

TEST(Summarize, OfOneTimeHasNoSpread) {
  const TimeSummary one = summarize({3});
  EXPECT_EQ(one.median_seconds, 3);
  EXPECT_EQ(one.min_seconds, 3);
  EXPECT_EQ(one.spread(), 0);
  error_of(Status::invalid_argument, [] { summarize({}); });
}

TEST(Peaks, AreReachedOnEveryTargetAndThreadCount) {
  for (const Target target : host_machine().targets) {
    for (const int threads : {1, 3}) {
      EXPECT_GT(measure_peak_gflops(target, threads), 0) << name_of(target);
      EXPECT_GT(measure_read_bytes_per_second(target, 1 << 16, threads), 0) << name_of(target);
    }
  }
}

TEST(Peaks, RefuseWhatCannotBeMeasured) {
  const Target target = host_machine().target;
  for (const int threads : {0, -1}) {
    error_of(Status::invalid_argument, [&] { measure_peak_gflops(target, threads); });
    error_of(Status::invalid_argument,
             [&] { measure_read_bytes_per_second(target, 1 << 16, threads); });
  }
  const std::string text = error_of(Status::invalid_argument,
                                    [&] { measure_read_bytes_per_second(target, 3 * 512 - 1, 3); });
  EXPECT_NE(text.find("3 threads needs at least 512 bytes"), std::string::npos) << text;
}

}  // namespace
}  // namespace plait
