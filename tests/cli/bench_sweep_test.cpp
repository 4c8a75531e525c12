// `plait bench --sweep delta`: what it measures, says of each width, and refuses.
#include "bench/bench_sweep.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

#include <plait/machine.hpp>
#include <plait/plan.hpp>

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

// The deltas that there are plans for.
std::vector<int> deltas_of(const std::string& algorithm, Target target) {
  Machine machine = host_machine();
  machine.use(target);
  std::vector<int> deltas;
  for (int delta = 1; delta <= 256; ++delta) {
    try {
      plan(kLayer + std::string_view(kLayer).find(' ') + 1,
           {.threads = 1, .algorithm = algorithm, .tile_columns = delta}, machine);
      deltas.push_back(delta);
    } catch (const Error&) {
      continue;
    }
  }
  return deltas;
}

TEST(BenchSweep, JsonHasEveryDeltaOfTheTarget) {
  for (const Target target : host_machine().targets) {
    const Parsed json =
        sweep_json({kLayer, "--threads", "1", "--target", std::string(name_of(target))});
    EXPECT_EQ(json["schema"], "plait.bench_sweep/2");
    EXPECT_EQ(json["sweep"], "delta");
    EXPECT_EQ(json["algorithm"], "direct/pixels");
    EXPECT_EQ(json["problem"], "1x8x20x20,16x8x3x3,p1");
    EXPECT_EQ(json["limits"]["tile_columns"], nullptr);
    EXPECT_EQ(json["limits"]["algorithm"], "direct/pixels");
    EXPECT_EQ(json["seconds_per_delta"], 0.001);
    EXPECT_FALSE(json.contains("problems"));
    const std::vector<int> deltas = deltas_of("direct/pixels", target);
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
      if (number(one, "median_seconds") < least) {
        least = number(one, "median_seconds");
        best = deltas[i];
      }
    }
    EXPECT_EQ(json["best_delta"], best);
  }
}

TEST(BenchSweep, SaysOfEachDeltaWhatLimitsIt) {
  const Parsed json = sweep_json({"1x8x20x20,16x8x3x5,p1", "--threads", "1"});
  for (const Parsed& one : json["deltas"]) {
    const double delta = number(one, "delta");
    EXPECT_DOUBLE_EQ(number(one, "inputs_touched"), (5 + delta - 1) / delta);
    EXPECT_LE(number(one, "registers_used"), number(one, "registers"));
    const Parsed& parts_of = one["predicted_seconds_of"];
    double parts = 0;
    for (const auto& [name, seconds] : parts_of.items()) parts += seconds.get<double>();
    EXPECT_NEAR(parts / number(one, "predicted_seconds"), 1, 1e-9);
    EXPECT_DOUBLE_EQ(number(one, "model_peak_share"), number(parts_of, "multiply-adds") / parts);
    EXPECT_DOUBLE_EQ(number(one, "limit_share"),
                     number(parts_of, one["limit"].get<std::string>().c_str()) / parts);
  }
}

TEST(BenchSweep, TextHasTheTable) {
  const Outcome run = sweep({kLayer, "--threads", "1", "--algorithm", "direct/pixels"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "");
  for (const char* part : {"problem   1x8x20x20,16x8x3x3,p1\nalgorithm direct/pixels\n",
                           "each for 0.001 s in 2 rounds", "median", "registers", "touched",
                           "model", "limit", "\npeak: share of the multiply-add peak"}) {
    EXPECT_CONTAINS(run.out, part);
  }
}

TEST(BenchSweep, TakesWhateverTakesADelta) {
  for (const std::string algorithm : {"im2col", "direct/channels"}) {
    const Parsed json = sweep_json({kLayer, "--algorithm", algorithm, "--threads", "1"});
    EXPECT_EQ(json["deltas"].size(), deltas_of(algorithm, host_machine().target).size());
    EXPECT_EQ(json["deltas"][0]["algorithm"], algorithm);
    EXPECT_TRUE(json["deltas"][0].contains("rows"));
  }
  const Parsed depthwise =
      sweep_json({"1x8x20x20,8x1x3x3,g8,p1", "--algorithm", "depthwise", "--threads", "1"});
  EXPECT_GE(depthwise["deltas"].size(), 2U);
  EXPECT_EQ(depthwise["deltas"][0]["status"], "measured");
  EXPECT_FALSE(depthwise["deltas"][0].contains("rows"));
}

TEST(BenchSweep, ListsTilesThatTheLimitsRefuse) {
  // A strip of one line has 8 x 3 x 22 floats, and as many more as the tile is wide.
  const int widest = deltas_of("direct/pixels", host_machine().target).back();
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
      {{kLayer, "--sweep", "delta", "--delta", "16"}, "leave out --tile-columns 16"},
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

}  // namespace
}  // namespace plait::cli
