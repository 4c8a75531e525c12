// `plait bench --sweep delta`: what it measures, says of each width, and refuses.
#include "bench/bench_sweep.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

#include <plait/analysis/strip_study.hpp>
#include <plait/machine.hpp>

#include "bench/bench_sweep_reasons.hpp"
#include "bench/bench_sweep_report.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

using Parsed = nlohmann::json;

constexpr const char* kLayer = "layer: 1x8x20x20,16x8x3x3,p1";

Outcome sweep(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(),
                   {"bench", "--seconds", "0.001", "--rounds", "2", "--sweep", "delta"});
  return run_plait(arguments);
}

Parsed sweep_json(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  const Outcome outcome = sweep(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return Parsed::parse(outcome.out);
}

double number(const Parsed& json, const char* key) { return json.at(key).get<double>(); }

TEST(BenchSweep, JsonHasEveryDeltaOfTheTarget) {
  for (const Target target : host_machine().targets) {
    const Parsed json =
        sweep_json({kLayer, "--threads", "1", "--target", std::string(name_of(target))});
    EXPECT_EQ(json["schema"], "plait.bench_sweep/1");
    EXPECT_EQ(json["sweep"], "delta");
    EXPECT_EQ(json["algorithm"], "direct/pixels");
    EXPECT_EQ(json["problem"], "1x8x20x20,16x8x3x3,p1");
    EXPECT_EQ(json["limits"]["delta"], nullptr);
    EXPECT_EQ(json["limits"]["algorithm"], "direct/pixels");
    EXPECT_EQ(json["seconds_per_delta"], 0.001);
    EXPECT_FALSE(json.contains("problems"));
    const std::vector<int> deltas = strip_deltas("direct/pixels", target);
    ASSERT_EQ(json["deltas"].size(), deltas.size());
    double least = INFINITY;
    int best = 0;
    for (std::size_t i = 0; i < deltas.size(); ++i) {
      const Parsed& one = json["deltas"][i];
      EXPECT_EQ(one["delta"], deltas[i]);
      EXPECT_EQ(one["status"], "measured");
      EXPECT_EQ(one["algorithm"], "direct/pixels");
      EXPECT_EQ(one["round_median_seconds"].size(), 2U);
      EXPECT_EQ(one["error"]["kept_bound"], true);
      if (number(one, "best_round_seconds") < least) {
        least = number(one, "best_round_seconds");
        best = deltas[i];
      }
    }
    EXPECT_EQ(json["best_delta"], best);
    EXPECT_EQ(json["explanation"].size(), 6U);
  }
}

TEST(BenchSweep, ModelAndRatiosAreExact) {
  const Parsed json = sweep_json({"1x8x20x20,16x8x3x5,p1", "--threads", "1"});
  for (const Parsed& one : json["deltas"]) {
    const double delta = number(one, "delta");
    EXPECT_DOUBLE_EQ(number(one, "inputs_touched"), (5 + delta - 1) / delta);
    EXPECT_EQ(one["inputs_without_strips"], 5);
    EXPECT_DOUBLE_EQ(number(one, "inputs_loaded"), 5 / number(one, "rows"));
    EXPECT_DOUBLE_EQ(number(one, "weights_loaded"), 5 / delta);
    EXPECT_EQ(one["weight_loads_per_term"], one["rows"]);
    EXPECT_EQ(one["input_loads_per_term"], std::ceil(delta / number(one, "lanes")));
    EXPECT_EQ(one["multiply_adds_per_term"], one["accumulators"]);
    EXPECT_LE(number(one, "registers_used"), number(one, "registers"));
    EXPECT_EQ(one["panel_bytes"], number(one, "rows") * 8 * 3 * 5 * 4);
    EXPECT_DOUBLE_EQ(number(one, "measured_over_predicted"),
                     number(one, "best_round_seconds") / number(one, "predicted_seconds"));
    double parts = 0;
    for (const auto& [name, seconds] : one["predicted_seconds_of"].items()) {
      parts += seconds.get<double>();
    }
    EXPECT_NEAR(parts / number(one, "predicted_seconds"), 1, 1e-9);
    EXPECT_DOUBLE_EQ(number(one, "model_peak_share"),
                     number(one["predicted_seconds_of"], "multiply-adds") / parts);
    // In cycles of the measured peak, the useful multiply-adds take what the peak's share says.
    const double share = number(one, "best_round_peak_share");
    EXPECT_GE(number(json, "peak_gflops"), number(one, "peak_gflops"));
    EXPECT_DOUBLE_EQ(share, 2e-9 * number(one, "multiplications") /
                                number(one, "best_round_seconds") / number(json, "peak_gflops"));
    EXPECT_NEAR(number(one, "measured_cycles_per_term") * share,
                number(one, "useful_share") * number(one, "rows") * delta / number(one, "lanes") /
                    number(json["machine"]["rates"], "vector_fmas_per_cycle"),
                1e-9);
  }
}

TEST(BenchSweep, TextHasTheTablesAndTheReasons) {
  const Outcome run = sweep({kLayer, "--threads", "1", "--algorithm", "direct/pixels"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "");
  for (const char* part : {"problem   1x8x20x20,16x8x3x3,p1\nalgorithm direct/pixels\n",
                           "each for 0.001 s in 2 rounds", "accumulators", "registers", "touched",
                           "loads/FMA", "panel", "cycles/term", "model", "useful", "limit",
                           "\nbest: delta ", "\ninputs: 3 per output and row", "\nloads: every tap",
                           "\ncache and w': ", "\nwider: ", "\nnarrower: "}) {
    EXPECT_CONTAINS(run.out, part);
  }
}

TEST(BenchSweep, TakesWhateverTakesADelta) {
  for (const std::string algorithm : {"im2col", "direct/channels"}) {
    const Parsed json = sweep_json({kLayer, "--algorithm", algorithm, "--threads", "1"});
    EXPECT_EQ(json["deltas"].size(), strip_deltas(algorithm, host_machine().target).size());
    EXPECT_EQ(json["deltas"][0]["algorithm"], algorithm);
    EXPECT_EQ(json["deltas"][0]["lanes_are_channels"], algorithm == "direct/channels");
  }
  const Parsed depthwise =
      sweep_json({"1x8x20x20,8x1x3x3,g8,p1", "--algorithm", "depthwise", "--threads", "1"});
  EXPECT_GE(depthwise["deltas"].size(), 2U);
  EXPECT_EQ(depthwise["deltas"][0]["status"], "measured");
  EXPECT_FALSE(depthwise["deltas"][0].contains("rows"));
  EXPECT_TRUE(depthwise["explanation"].empty());
}

TEST(BenchSweep, ListsTilesThatTheLimitsRefuse) {
  // A strip of one line has 8 x 3 x 22 floats, and as many more as the tile is wide.
  const int widest = strip_deltas("direct/pixels", host_machine().target).back();
  const std::string cap = std::to_string((8 * 3 * 22 + widest) * 4 - 1);
  const Parsed json = sweep_json({"1x8x20x20,16x8x3x3,p1", "--max-workspace", cap});
  int refused = 0;
  for (const Parsed& one : json["deltas"]) {
    if (one["status"] != "refused") continue;
    ++refused;
    EXPECT_CONTAINS(one["reason"].get<std::string>(), cap + " bytes of workspace");
    EXPECT_FALSE(one.contains("median_seconds"));
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, static_cast<int>(json["deltas"].size()));
}

TEST(BenchSweep, WrongUseEndsWithTwoAndOneLine) {
  const struct {
    std::vector<std::string> arguments;
    std::string part;
  } cases[] = {
      {{kLayer, "--sweep", "gamma"}, "unknown sweep 'gamma' (known: delta)"},
      {{kLayer, "--sweep", ""}, "unknown sweep '' (known: delta)"},
      {{kLayer, kLayer, "--sweep", "delta"}, "--sweep takes one problem but there are 2"},
      {{kLayer, "--sweep", "delta", "--delta", "16"}, "leave out --delta 16"},
      {{kLayer, "--sweep", "delta", "--compare", "a.json"}, "--sweep takes no --compare"},
      {{kLayer, "--sweep", "delta", "--algorithm", "reference"}, "computes one output at a time"},
      {{kLayer, "--sweep", "delta", "--algorithm", "winograd/f2x3"}, "winograd/f2x3 has no delta"},
      {{kLayer, "--sweep", "delta", "--algorithm", "magic"}, "unknown algorithm \"magic\""},
      {{kLayer, "--sweep", "delta", "--algorithm", "pointwise"}, "only 1x1 kernels, not 3x3"},
      {{"1x8x20x20,16x8x3x3,f64", "--sweep", "delta"}, "only f32, not f64"},
      {{kLayer, "--sweep", "delta", "--max-workspace", "0"}, "within 0 bytes of workspace"},
      {{"1x1x1000000x1000000,1x1x1x1", "--sweep", "delta"}, "GB of memory"}};
  for (const auto& [arguments, part] : cases) {
    std::vector<std::string> words = {"bench"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run_refused(words);
    EXPECT_EQ(outcome.out, "") << part;
    EXPECT_CONTAINS(outcome.err, part);
  }
}

TEST(BenchSweep, AnInterruptPrintsWhatWasMeasured) {
  const Outcome run =
      run_plait({"bench", kLayer, "--sweep", "delta", "--seconds", "3600", "--rounds", "1"}, true);
  EXPECT_EQ(run.code, 130);
  EXPECT_EQ(run.err, "plait: interrupted\n");
  EXPECT_CONTAINS(run.out, "interrupted delta ");
}

// A sweep with made-up times, in milliseconds, for a machine with AVX2 of known rates.
DeltaSweep timed(const std::string& line, const std::vector<double>& milliseconds) {
  BenchSettings settings;
  settings.machine.targets = {Target::avx2};
  settings.machine.use(Target::avx2);
  settings.limits.threads = 1;
  DeltaSweep sweep = plan_delta_sweep(settings, {{"", "", parse_problem(line)}});
  EXPECT_EQ(sweep.entries.size(), 6U);  // 8, 16, 24, 32, 40, 64
  for (std::size_t i = 0; i < milliseconds.size(); ++i) {
    sweep.run.lines[i].timings.seconds = {1e-3 * milliseconds[i]};
    sweep.run.lines[i].peak_gflops = 96;  // the rates' own
  }
  return sweep;
}

// Of AVX2's kernels, which some sanitized builds leave out.
class BenchSweepReport : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<Target> built = parse_machine("").targets;
    if (std::find(built.begin(), built.end(), Target::avx2) == built.end()) {
      GTEST_SKIP() << "AVX2 is not built, or does not run here";
    }
  }
};

TEST_F(BenchSweepReport, SaysWhyTheBestIsTheBest) {
  const DeltaSweep sweep = timed("1x64x56x56,64x64x3x3,p1", {4.0, 2.9, 2.82, 2.8, 3.5, 5.0});
  const std::vector<std::string> lines = delta_explanation(sweep);
  ASSERT_EQ(lines.size(), 6U);
  EXPECT_CONTAINS(lines[0], "best: delta 32, ");
  EXPECT_CONTAINS(lines[0],
                  "within 3 % of its time 24. The model's best is 24, which takes 1.01 times");
  EXPECT_CONTAINS(lines[1],
                  "inputs: 3 per output and row of taps without strips; different ones "
                  "1.25 with delta 8, 1.06 with delta 32, 1.03 with delta 64");
  EXPECT_CONTAINS(lines[2], "for 3 channels at once, and every weight for 32 outputs.");
  EXPECT_CONTAINS(lines[4], "3 channels with one more vector need 19 registers of 16");
  EXPECT_CONTAINS(lines[4], "delta 40 has 2 channels, so each input loaded serves 2 instead of 3.");
  EXPECT_CONTAINS(lines[4], "1.25 times as long");
  EXPECT_CONTAINS(lines[5], "delta 16 has 6 channels");
}

TEST_F(BenchSweepReport, NamesWhatTheModelDoesNotExplain) {
  const std::vector<std::string> lines =
      delta_explanation(timed("1x64x56x56,64x64x3x3,p1", {4.0, 2.9, 2.82, 2.8, 3.5, 15.0}));
  EXPECT_CONTAINS(lines[0], ". Delta 64 takes ");
  EXPECT_CONTAINS(lines[0], "outside the model holds it back.");
}

TEST_F(BenchSweepReport, TheWidestAndTheNarrowestHaveOneNeighbour) {
  const std::vector<std::string> widest =
      delta_explanation(timed("1x64x56x56,64x64x3x3,p1", {6, 5, 4, 3, 2, 1}));
  EXPECT_CONTAINS(widest[4], "wider: 10 of 16 registers are taken; there is no wider tile.");
  const std::vector<std::string> narrowest =
      delta_explanation(timed("1x64x56x56,64x64x1x1", {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(narrowest[1],
            "inputs: a row of one tap has nothing to share; no delta touches less than 1 an "
            "output.");
  EXPECT_EQ(narrowest[5], "narrower: there is no narrower tile.");
}

TEST_F(BenchSweepReport, OfOneMeasuredDeltaExplainsNothing) {
  const DeltaSweep sweep = timed("1x64x56x56,64x64x3x3,p1", {4.0});
  EXPECT_TRUE(delta_explanation(sweep).empty());
  const std::string text = delta_sweep_text(sweep);
  EXPECT_CONTAINS(text, "interrupted delta 16: not measured\n");
  const Json json = to_json(sweep);
  EXPECT_EQ(json["best_delta"], 8);
  EXPECT_EQ(json["deltas"][1]["status"], "interrupted");
  EXPECT_EQ(json["deltas"][1]["rows"], 6);
  EXPECT_EQ(sweep.measured_cycles(1), 0);
}

}  // namespace
}  // namespace plait::cli
