// Comparing with an older run: which problems belong together, and what counts as noise.
#include "bench/bench_compare.hpp"

#include <cmath>

#include "bench_support.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

OldLine old_line(const std::string& problem, double median_seconds, double spread) {
  return {.name = "",
          .problem = problem,
          .target = std::string(name_of(host_machine().target)),
          .threads = 1,
          .samples = 100,
          .median_seconds = median_seconds,
          .spread = spread,
          .peak_gflops = 80};
}

constexpr const char* kA = "1x8x20x20,16x8x3x3,p1";
constexpr const char* kB = "1x8x24x24,16x8x3x3,p1";
constexpr const char* kTiny = "1x2x3x3,3x2x2x2";

TEST(Compare, StatesTheRatioAndItsNoise) {
  const Comparison comparison =
      compare({old_line(kB, 3, 0), old_line(kA, 1.8, 0.4)}, run_of({"a: " + std::string(kA), kB}));
  ASSERT_EQ(comparison.lines.size(), 2U);
  const ComparedLine& a = comparison.lines[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_DOUBLE_EQ(a.ratio.value, 1.8 / 1.5);
  EXPECT_DOUBLE_EQ(*a.ratio.noise, std::hypot(0.2, 0.4 / 1.5));
  EXPECT_TRUE(a.ratio.within_noise());
  const ComparedLine& b = comparison.lines[1];
  EXPECT_DOUBLE_EQ(b.ratio.value, 2);
  EXPECT_DOUBLE_EQ(*b.ratio.noise, 0.4 / 1.5);
  EXPECT_FALSE(b.ratio.within_noise());
  EXPECT_DOUBLE_EQ(comparison.peak_ratio, 100.0 / 80);

  const std::string text = comparison_text(comparison);
  EXPECT_CONTAINS(text, "1.200  +-33.3 %       ~\n");
  EXPECT_CONTAINS(text, "2.000  +-26.7 %  faster\n");
  EXPECT_CONTAINS(text, "1.250 times the old one's");
}

TEST(Compare, NoiseIsTheSameInBothDirections) {
  EXPECT_TRUE((Ratio{1.2, 0.2}).within_noise());
  EXPECT_TRUE((Ratio{1 / 1.2, 0.2}).within_noise());
  EXPECT_FALSE((Ratio{1.21, 0.2}).within_noise());
  EXPECT_FALSE((Ratio{1 / 1.21, 0.2}).within_noise());
  EXPECT_TRUE((Ratio{1, 0.0}).within_noise());
  EXPECT_FALSE((Ratio{1, {}}).within_noise());
}

TEST(Compare, MeansAreGeometricWithTheirOwnNoise) {
  const Comparison comparison =
      compare({old_line(kA, 1.5, 0), old_line(kB, 6, 0.6), old_line(kTiny, 1.5, 0)},
              run_of({kA, kB, kTiny}));
  ASSERT_EQ(comparison.means.size(), 3U);
  EXPECT_EQ(comparison.means[0].layer_class, "tiny");
  EXPECT_EQ(comparison.means[1].layer_class, "3x3 s1 at 14-27 px");
  EXPECT_DOUBLE_EQ(comparison.means[1].ratio.value, 2);  // of 1 and 4
  const double here = 0.4 / 1.5;
  EXPECT_DOUBLE_EQ(*comparison.means[1].ratio.noise,
                   std::sqrt(here * here + (here * here + 0.3 * 0.3)) / 2);
  EXPECT_EQ(comparison.means[2].layer_class, "all");
  EXPECT_EQ(comparison.means[2].problems, 3);
  EXPECT_NEAR(comparison.means[2].ratio.value, std::cbrt(4.0), 1e-12);
}

TEST(Compare, TooFewSamplesSayNothingAboutNoise) {
  OldLine few = old_line(kA, 3, 0);
  few.samples = 4;
  const Comparison comparison = compare({few}, run_of({kA}));
  EXPECT_FALSE(comparison.lines[0].ratio.noise);
  EXPECT_FALSE(comparison.means.back().ratio.noise);
  EXPECT_CONTAINS(comparison_text(comparison), "2.000  unknown  ?\n");
  EXPECT_EQ(to_json(comparison)["problems"][0]["within_noise"], nullptr);
}

TEST(Compare, ListsWhatIsInOneRunOnly) {
  OldLine two_threads = old_line(kA, 3, 0);
  two_threads.threads = 2;
  OldLine other_target = old_line(kA, 3, 0);
  other_target.target = "VAX";
  const Comparison comparison =
      compare({two_threads, other_target, old_line(kTiny, 1, 0)}, run_of({kA, kTiny, kTiny}));
  EXPECT_EQ(comparison.lines.size(), 1U) << "one old line answers for one new line";
  ASSERT_EQ(comparison.only_old.size(), 2U);
  EXPECT_EQ(comparison.only_old[0],
            std::string(kA) + " (2 threads, " + std::string(name_of(host_machine().target)) + ")");
  EXPECT_EQ(comparison.only_here.size(), 2U);
  EXPECT_CONTAINS(comparison_text(comparison), "only in the old run: " + std::string(kA));
  EXPECT_CONTAINS(comparison_text(comparison), "only in this run: " + std::string(kTiny));
}

TEST(Compare, OfNothingInCommonSaysSo) {
  const Comparison comparison = compare({}, run_of({kA}));
  EXPECT_CONTAINS(comparison_text(comparison), "no problem is in both runs");
  EXPECT_TRUE(to_json(comparison)["means"].empty());
}

// The whole way: what one run writes, edited, is what the next is compared with.
TEST(Compare, TakesTheJsonOfAnEarlierRun) {
  const TempFolder folder;
  const std::vector<std::string> quick = {"bench",    kA,  kTiny,    "--seconds", "0.01",
                                          "--rounds", "5", "--json", "--threads", "1"};
  const Outcome first = run_plait(quick);
  ASSERT_EQ(first.code, 0) << first.err;
  Json old = Json::parse(first.out);
  for (Json& one : old["problems"]) {
    one["median_seconds"] = 1000;
    one["spread"] = 0.1;
    one["algorithm"] = "another";  // does not matter
  }
  Json refused = {{"problem", "1x1x1x1,1x1x1x1,i8"}, {"status", "refused"}, {"reason", "i8"}};
  old["problems"].push_back(refused);
  std::vector<std::string> second = quick;
  second.insert(second.end(), {"--compare", folder.file("old.json", old.dump())});
  const Outcome outcome = run_plait(second);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  const Json& lines = json["comparison"]["problems"];
  ASSERT_EQ(lines.size(), 2U);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Json& now = json["problems"][i];
    EXPECT_EQ(lines[i]["problem"], now["problem"]);
    const double ratio = 1000 / now["median_seconds"].get<double>();
    EXPECT_DOUBLE_EQ(lines[i]["ratio"].get<double>(), ratio);
    const double noise = std::hypot(0.05, now["spread"].get<double>() / 2);
    EXPECT_DOUBLE_EQ(lines[i]["noise"].get<double>(), noise);
    EXPECT_EQ(lines[i]["within_noise"], false);
  }
  EXPECT_EQ(json["comparison"]["means"].back()["class"], "all");
  EXPECT_TRUE(json["comparison"]["only_old"].empty());
}

TEST(ParseOldBench, RefusesWhatCannotBeCompared) {
  const auto message = [](const std::string& text) {
    return error_of([&] { parse_old_bench(text, "old.json"); });
  };
  const auto with = [](const std::string& median) {
    return R"({"schema": "plait.bench/1", "problems": [{"status": "measured", "name": "",
      "problem": "p", "target": "AVX2", "threads": 1, "samples": 9, "spread": 0,
      "peak_gflops": 1, "median_seconds": )" +
           median + "}]}";
  };
  EXPECT_EQ(parse_old_bench(with("1"), "old.json").size(), 1U);
  EXPECT_CONTAINS(message(with("0")), "must be above 0");
  EXPECT_CONTAINS(message(with("\"fast\"")), "old.json is not what");
  EXPECT_CONTAINS(message("[]"), "old.json is not what");
  EXPECT_CONTAINS(message("{}"), "old.json is not what");
}

}  // namespace
}  // namespace plait::cli
