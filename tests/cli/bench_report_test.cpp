// What is said of a run that did not end as planned.
#include "bench/bench_report.hpp"

#include "bench_support.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

TEST(BenchReport, ShowsWhatAnInterruptedRunHasMeasured) {
  BenchRun run = run_of({"first: 1x8x20x20,16x8x3x3,p1", "second: 1x8x24x24,16x8x3x3,p1"});
  run.interrupted = true;
  run.lines[1].timings = {};
  const std::string text = bench_text(run);
  EXPECT_CONTAINS(text, "\nfirst ");
  EXPECT_CONTAINS(text, "1.5 s      1 s    53 %");
  EXPECT_CONTAINS(text, "\ninterrupted second: not measured\n");
  EXPECT_CONTAINS(text, "\nall                        1 ");
  const Json json = to_json(run);
  EXPECT_EQ(json["interrupted"], true);
  EXPECT_EQ(json["problems"][0]["status"], "measured");
  EXPECT_EQ(json["problems"][1]["status"], "interrupted");
  EXPECT_FALSE(json["problems"][1].contains("gflops"));
}

TEST(BenchReport, OfNothingMeasuredHasNoTable) {
  BenchRun run = run_of({"1x8x20x20,16x8x3x3,p1"});
  run.lines[0].timings = {};
  EXPECT_EQ(bench_text(run), "interrupted 1x8x20x20,16x8x3x3,p1: not measured\n\n");
  EXPECT_TRUE(means_of(run).empty());
  EXPECT_TRUE(to_json(run)["means"].empty());
}

TEST(BenchReport, ShowsABrokenBound) {
  BenchRun run = run_of({"1x8x20x20,16x8x3x3,p1"});
  EXPECT_TRUE(run.lines[0].kept_bound()) << "not checked";
  run.lines[0].error = ErrorReport{.rms_output = 2, .rms_error = 1, .worst_bound_share = 1};
  EXPECT_TRUE(run.lines[0].kept_bound());
  EXPECT_CONTAINS(bench_text(run), " 5.0e-01\n");
  run.lines[0].error->worst_bound_share = 1.01;
  EXPECT_FALSE(run.lines[0].kept_bound());
  EXPECT_CONTAINS(bench_text(run), "5.0e-01 BOUND BROKEN");
  EXPECT_EQ(to_json(run)["problems"][0]["error"]["kept_bound"], false);
}

}  // namespace
}  // namespace plait::cli
