// `plait bench` as its users meet it: what it measures, lists, refuses and compares.
#include <nlohmann/json.hpp>

#include <cmath>
#include <sstream>

#include <plait/machine.hpp>
#include <plait/plan.hpp>
#include <plait/version.hpp>

#include "io/problems.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

// Quick: one millisecond of timing per problem.
Outcome bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "--seconds", "0.001", "--rounds", "2"});
  return run_plait(arguments);
}

Json bench_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome outcome = bench(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return Json::parse(outcome.out);
}

double number(const Json& json, const char* key) { return json.at(key).get<double>(); }

constexpr const char* kLayer = "layer: 1x8x20x20,16x8x3x3,p1";
constexpr const char* kBackward = "back: 1x8x20x20,16x8x3x3,p1,backward_data";

TEST(Bench, JsonSaysWhatWasMeasuredWhereAndHow) {
  const Json json = bench_json({kLayer, "--threads", "1", "--accuracy", "strict"});
  EXPECT_EQ(json["schema"], "plait.bench/1");
  EXPECT_EQ(json["version"], version());
  EXPECT_EQ(json["machine"]["cpu"], host_machine().cpu);
  EXPECT_EQ(json["limits"]["accuracy"], "strict");
  EXPECT_EQ(json["threads"], 1);
  EXPECT_EQ(json["rounds"], 2);
  EXPECT_EQ(json["interrupted"], false);
  EXPECT_GT(number(json, "memory_bytes_per_second"), 0);
  const std::string date = json["date"];
  EXPECT_EQ(date.size(), std::string("2026-11-22T18:30:00Z").size()) << date;

  const Json& one = json["problems"].at(0);
  EXPECT_EQ(one["name"], "layer");
  EXPECT_EQ(one["source"], "");
  EXPECT_EQ(one["problem"], "1x8x20x20,16x8x3x3,p1");
  EXPECT_EQ(one["class"], "3x3 s1 at 14-27 px");
  EXPECT_EQ(one["status"], "measured");
  EXPECT_EQ(one["threads"], 1);
  EXPECT_EQ(one["target"], name_of(host_machine().target));
  EXPECT_EQ(one["algorithm"],
            plan(kLayer, {.accuracy = Accuracy::strict, .threads = 1}).algorithm());
  EXPECT_EQ(one["multiplications"], 16 * 20 * 20 * 8 * 3 * 3);
  EXPECT_EQ(one["round_median_seconds"].size(), 2U);
  EXPECT_EQ(one["error"]["kept_bound"], true);
  EXPECT_EQ(one["error"]["checked"], 16 * 20 * 20);
}

TEST(Bench, FiguresFollowFromTheTimes) {
  const Json json = bench_json({kLayer, "1x4x9x9,6x4x3x3,bias,res"});
  for (const Json& one : json["problems"]) {
    const double median = number(one, "median_seconds");
    EXPECT_GT(number(one, "min_seconds"), 0);
    EXPECT_LE(number(one, "min_seconds"), number(one, "p10_seconds"));
    EXPECT_LE(number(one, "p10_seconds"), median);
    EXPECT_LE(median, number(one, "p90_seconds"));
    EXPECT_GE(number(one, "runs"), number(one, "samples"));
    EXPECT_DOUBLE_EQ(number(one, "spread"),
                     (number(one, "p90_seconds") - number(one, "p10_seconds")) / median);
    EXPECT_DOUBLE_EQ(number(one, "gflops"), 2e-9 * number(one, "multiplications") / median);
    EXPECT_DOUBLE_EQ(number(one, "peak_share"), number(one, "gflops") / number(one, "peak_gflops"));
    EXPECT_DOUBLE_EQ(number(one, "bytes_per_second"), number(one, "bytes") / median);
    EXPECT_DOUBLE_EQ(number(one, "memory_share"),
                     number(one, "bytes_per_second") / number(json, "memory_bytes_per_second"));
  }
  EXPECT_EQ(json["problems"][0]["bytes"], 4 * (8 * 400 + 16 * 8 * 9 + 16 * 400));
  EXPECT_EQ(json["problems"][1]["bytes"], 4 * (4 * 81 + 6 * 4 * 9 + 6 + 2 * 6 * 49));
}

TEST(Bench, MeansAreGeometricPerClassAndOverAll) {
  const Json json = bench_json({kLayer, "1x8x24x24,16x8x3x3,p1", "1x2x3x3,3x2x2x2"});
  const Json& lines = json["problems"];
  const auto mean = [&](const char* key, std::initializer_list<int> which) {
    double product = 1;
    for (const int i : which) product *= number(lines[static_cast<std::size_t>(i)], key);
    return std::pow(product, 1.0 / static_cast<double>(which.size()));
  };
  const Json& means = json["means"];
  ASSERT_EQ(means.size(), 3U);
  EXPECT_EQ(means[0]["class"], "tiny");
  EXPECT_EQ(means[1]["class"], "3x3 s1 at 14-27 px");
  EXPECT_EQ(means[1]["problems"], 2);
  EXPECT_NEAR(number(means[1], "gflops"), mean("gflops", {0, 1}), 1e-9);
  EXPECT_EQ(means[2]["class"], "all");
  EXPECT_NEAR(number(means[2], "gflops"), mean("gflops", {0, 1, 2}), 1e-9);
  EXPECT_NEAR(number(means[2], "peak_share"), mean("peak_share", {0, 1, 2}), 1e-9);
}

TEST(Bench, TheTableHasEveryProblemAndTheMeans) {
  const Outcome run = bench({kLayer, "1x2x3x3,3x2x2x2", kBackward});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "") << "no progress bar without a terminal";
  EXPECT_EQ(run.out.find('\x1b'), std::string::npos);
  for (const char* part : {"machine ", "layer  ", "1x2x3x3,3x2x2x2", "tiny", "3x3 s1 at 14-27 px",
                           "median", "refused back: ", "geometric means", "\nall "}) {
    EXPECT_CONTAINS(run.out, part);
  }
}

TEST(Bench, RefusedProblemsAreListedWithTheReason) {
  const Json json =
      bench_json({kBackward, "1x8x20x20,16x8x3x3,i8", kLayer, "--algorithm", "im2col"});
  const Json& lines = json["problems"];
  EXPECT_EQ(lines[0]["status"], "refused");
  EXPECT_CONTAINS(lines[0]["reason"].get<std::string>(), "backward_data");
  EXPECT_EQ(lines[1]["status"], "refused");
  EXPECT_CONTAINS(lines[1]["reason"].get<std::string>(), "i8");
  EXPECT_FALSE(lines[1].contains("median_seconds"));
  EXPECT_EQ(lines[2]["status"], "measured");
  EXPECT_EQ(lines[2]["algorithm"], "im2col");
  EXPECT_EQ(json["means"].back()["problems"], 1);
}

TEST(Bench, AProblemLargerThanTheMemoryIsRefused) {
  const Json json = bench_json({"1x1x1000000x1000000,1x1x1x1", kLayer});
  EXPECT_EQ(json["problems"][0]["status"], "refused");
  EXPECT_CONTAINS(json["problems"][0]["reason"].get<std::string>(), "GB of memory");
  EXPECT_EQ(json["problems"][1]["status"], "measured");
  // Few elements, but far apart.
  const Json far = bench_json({"1x1x2x2,1x1x1x1,xstrides=1_1_1000000000000000_1"});
  EXPECT_EQ(far["problems"][0]["status"], "refused");
}

TEST(Bench, TakesEveryLayoutAndDtypeThatRuns) {
  const Json json =
      bench_json({"1x8x9x9,8x8x3x3,nhwc", "2x3x9x9,4x3x3x3,xstrides=500_100_-10_1,bias",
                  "1x2x6x6,2x2x3x3,f64,res,act=relu", "--algorithm", "reference"});
  for (const Json& one : json["problems"]) {
    EXPECT_EQ(one["status"], "measured") << one;
    EXPECT_LE(number(one["error"], "worst_bound_share"), 1);
    EXPECT_GT(number(one["error"], "rms_output"), 0);
  }
}

TEST(Bench, HonoursTargetWorkspaceAndNoCheck) {
  for (const Target target : host_machine().targets) {
    const Json json = bench_json(
        {kLayer, "--target", std::string(name_of(target)), "--no-check", "--max-workspace", "0"});
    EXPECT_EQ(json["problems"][0]["target"], name_of(target));
    EXPECT_EQ(json["problems"][0]["workspace_bytes"], 0);
    EXPECT_EQ(json["problems"][0]["error"], nullptr);
    EXPECT_EQ(json["checked"], false);
  }
}

TEST(ReadProblems, TakesFilesLinesAndStandardInput) {
  const TempFolder folder;
  const std::string file =
      folder.file("a.txt", "# two\none: 1x1x3x3,1x1x1x1\n\n1x2x3x3,1x2x1x1 # other\n");
  const std::string odd = folder.file("1x1x9x9,1x1x1x1", "odd: 1x4x3x3,1x4x1x1\n");
  std::istringstream in("in: 1x3x3x3,1x3x1x1\r\n");
  const auto problems = read_problems({file, "line: 1x5x3x3,1x5x1x1", "-", odd}, in);
  ASSERT_EQ(problems.size(), 5U);
  const struct {
    std::string source, name;
    std::int64_t c_i;
  } expected[] = {
      {file, "one", 1}, {file, "", 2}, {"", "line", 5}, {"-", "in", 3}, {odd, "odd", 4}};
  for (std::size_t i = 0; i < problems.size(); ++i) {
    EXPECT_EQ(problems[i].source, expected[i].source);
    EXPECT_EQ(problems[i].name, expected[i].name);
    EXPECT_EQ(problems[i].problem.c_i, expected[i].c_i);
  }
}

TEST(ReadProblems, NamesTheFileAndTheLineThatIsWrong) {
  const TempFolder folder;
  std::istringstream in("# nothing\n");
  const auto message = [&](const std::string& argument) {
    return error_of([&] { read_problems({argument}, in); });
  };
  const std::string bad = folder.file("bad.txt", "1x1x3x3,1x1x1x1\n\n1x1x3x3,1x2x1x1\n");
  EXPECT_CONTAINS(message(bad), bad + ", line 3, ");
  EXPECT_CONTAINS(message(bad), "weight expects 2 input channels but x has 1");
  EXPECT_CONTAINS(message(folder.file("empty.txt", "")), "empty.txt: the file is empty");
  EXPECT_CONTAINS(message(folder.file("comment.txt", "# 1\n")), "comment.txt has no problem line");
  EXPECT_CONTAINS(message(folder.path("none.txt")), "cannot read");
  EXPECT_CONTAINS(message("1x1x3x3,1x2x1"), "column");
  EXPECT_CONTAINS(message("-"), "standard input has no problem line");
}

TEST(BenchWrongUse, EndsWithTwoAndOneLine) {
  const TempFolder folder;
  const std::string other = folder.file("other.json", R"({"schema": "plait.run/1"})");
  const std::string half = folder.file(
      "half.json", R"({"schema": "plait.bench/1", "problems": [{"status": "measured"}]})");
  const struct {
    std::vector<std::string> arguments;
    std::string part;
  } cases[] = {{{}, "problems is required"},
               {{"none.txt"}, "cannot read none.txt"},
               {{kLayer, "--algorithm", "magic"}, "unknown algorithm \"magic\""},
               {{kLayer, "--target", "MMX"}, "unknown target 'MMX'"},
               {{kLayer, "--accuracy", "vague"}, "vague"},
               {{kLayer, "--seconds", "0"}, "--seconds"},
               {{kLayer, "--seconds", "nan"}, "--seconds"},
               {{kLayer, "--rounds", "0"}, "--rounds"},
               {{kLayer, "--threads", "0"}, "--threads"},
               {{kLayer, "--fast"}, "--fast"},
               {{kLayer, "--compare", "none.json"}, "cannot read none.json"},
               {{kLayer, "--compare", folder.file("text.json", "{")}, "text.json is not what"},
               {{kLayer, "--compare", other}, "has the schema \"plait.run/1\""},
               {{kLayer, "--compare", half}, "half.json is not what"}};
  for (const auto& [arguments, part] : cases) {
    std::vector<std::string> words = {"bench"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run_refused(words);
    EXPECT_EQ(outcome.out, "") << part;
    EXPECT_CONTAINS(outcome.err, part);
  }
}

TEST(Bench, AnInterruptPrintsWhatWasMeasured) {
  // An hour of timing: the signal arrives in the middle of it.
  const Outcome run = run_plait({"bench", kLayer, "--seconds", "3600", "--rounds", "1"}, true);
  EXPECT_EQ(run.code, 130);
  EXPECT_EQ(run.err, "plait: interrupted\n");
  EXPECT_CONTAINS(run.out, "layer");
}

}  // namespace
}  // namespace plait::cli
