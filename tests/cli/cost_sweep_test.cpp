// `plait cost --sweep` as a user runs it: exact figures, refused values, wrong use, times.
#include <limits>

#include <plait/plan.hpp>

#include "cost/sweep_values.hpp"
#include "cost_sweep_support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kLayer = kSweptLayer;

// The figure of each value, in order.
std::vector<std::int64_t> figures(const Json& json, const char* key) {
  std::vector<std::int64_t> all;
  for (const Json& one : json.at("values")) all.push_back(one.at(key).get<std::int64_t>());
  return all;
}

using Counts = std::vector<std::int64_t>;

// === values ===

TEST(SweepValues, AreRangesStepsFactorsAndLists) {
  const auto values = [](const std::string& text) { return parse_sweep(text).values; };
  EXPECT_EQ(values("k=1..5"), (Counts{1, 2, 3, 4, 5}));
  EXPECT_EQ(values("k=1..6:2"), (Counts{1, 3, 5}));
  EXPECT_EQ(values("k=7..7"), (Counts{7}));
  EXPECT_EQ(values("c=2..64*2"), (Counts{2, 4, 8, 16, 32, 64}));
  EXPECT_EQ(values("c=3..100*5"), (Counts{3, 15, 75}));
  EXPECT_EQ(values("n=8,1,4"), (Counts{8, 1, 4}));
  EXPECT_EQ(values("n=5"), (Counts{5}));
  EXPECT_EQ(values("padding=-1..1"), (Counts{-1, 0, 1}));
  EXPECT_EQ(values("size=1..1000").size(), 1000U);
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(values("size=1..9223372036854775807*2").back(), std::int64_t{1} << 62);
  EXPECT_EQ(values("size=9223372036854775806..9223372036854775807"), (Counts{most - 1, most}));
}

TEST(SweepValues, EveryVariableSetsItsNumbers) {
  const Problem base = parse_problem("1x4x20x20,4x4x3x3,p1");
  const auto line = [&](const std::string& text, bool same = false) {
    const Sweep sweep = parse_sweep(text);
    return to_string(swept(base, *sweep.variable, sweep.values[0], same));
  };
  EXPECT_EQ(line("k=5"), "1x4x20x20,4x4x5x5,p1");
  EXPECT_EQ(line("kh=5"), "1x4x20x20,4x4x5x3,p1");
  EXPECT_EQ(line("kw=5"), "1x4x20x20,4x4x3x5,p1");
  EXPECT_EQ(line("c=8"), "1x8x20x20,8x8x3x3,p1");
  EXPECT_EQ(line("ci=8"), "1x8x20x20,4x8x3x3,p1");
  EXPECT_EQ(line("co=8"), "1x4x20x20,8x4x3x3,p1");
  EXPECT_EQ(line("size=8"), "1x4x8x8,4x4x3x3,p1");
  EXPECT_EQ(line("h=8"), "1x4x8x20,4x4x3x3,p1");
  EXPECT_EQ(line("w=8"), "1x4x20x8,4x4x3x3,p1");
  EXPECT_EQ(line("n=8"), "8x4x20x20,4x4x3x3,p1");
  EXPECT_EQ(line("groups=2"), "1x4x20x20,4x2x3x3,p1,g2");
  EXPECT_EQ(line("stride=2"), "1x4x20x20,4x4x3x3,s2,p1");
  EXPECT_EQ(line("dilation=2"), "1x4x20x20,4x4x3x3,p1,d2");
  EXPECT_EQ(line("padding=2"), "1x4x20x20,4x4x3x3,p2");
  EXPECT_EQ(sweep_variables().size(), 14U);
  // d (k - 1) rows, an odd one at the bottom and right.
  EXPECT_EQ(line("k=7", true), "1x4x20x20,4x4x7x7,p3");
  EXPECT_EQ(line("k=4", true), "1x4x20x20,4x4x4x4,p1_2_1_2");
  EXPECT_EQ(line("dilation=3", true), "1x4x20x20,4x4x3x3,p3,d3");
  EXPECT_EQ(line("stride=2", true), "1x4x20x20,4x4x3x3,s2,p1");
}

// === figures ===

TEST(CostSweep, MultiplicationsGrowByTheKernelsArea) {
  const Json json = sweep_json({kLayer, "--sweep", "k=1..5", "--same"});
  const std::int64_t one = 6 * 12 * 12 * 4;
  EXPECT_EQ(figures(json, "multiplications"), (Counts{one, 4 * one, 9 * one, 16 * one, 25 * one}));
  EXPECT_EQ(figures(json, "parameters"), (Counts{24, 4 * 24, 9 * 24, 16 * 24, 25 * 24}));
  EXPECT_EQ(json["values"][2]["factor"], 9.0);
  EXPECT_EQ(json["values"][4]["problem"], "1x4x12x12,6x4x5x5,p2");
}

TEST(CostSweep, GroupsDivideMultiplications) {
  const Json json = sweep_json({"1x16x9x9,32x16x3x3,p1", "--sweep", "groups=1..16*2"});
  const std::int64_t all = 32 * 9 * 9 * 16 * 9;
  EXPECT_EQ(figures(json, "multiplications"), (Counts{all, all / 2, all / 4, all / 8, all / 16}));
  EXPECT_EQ(json["values"][4]["factor"], 1.0 / 16);
}

TEST(CostSweep, PaddingAddsOnlyItsBorder) {
  const Json json = sweep_json({kLayer, "--sweep", "padding=0..3"});
  const std::int64_t each = 6 * 4 * 9;
  EXPECT_EQ(figures(json, "multiplications"),
            (Counts{each * 100, each * 144, each * 196, each * 256}));
  // Per axis: inside, outputs that meet 3 rows of x; then 2, 1 and 0 at either border.
  EXPECT_EQ(figures(json, "multiplications_without_padding"),
            (Counts{24 * 30 * 30, 24 * 34 * 34, 24 * 36 * 36, 24 * 36 * 36}));
}

TEST(CostSweep, KeepsThePaddingThatTheLineGave) {
  const Json json = sweep_json({"1x1x9x9,1x1x3x3,psame_upper", "--sweep", "k=3,5"});
  EXPECT_EQ(json["values"][1]["problem"], "1x1x9x9,1x1x5x5,p1");
}

TEST(CostSweep, JsonSaysWhatIsVaried) {
  const Json json = sweep_json({"first: 1x4x8x8,6x4x3x3,bias", "--sweep", "kh=2,9"});
  EXPECT_EQ(json["schema"], "plait.cost_sweep/1");
  EXPECT_EQ(json["name"], "first");
  EXPECT_EQ(json["problem"], "1x4x8x8,6x4x3x3,bias");
  EXPECT_EQ(json["variable"], "kh");
  EXPECT_EQ(json["sweep"], "kh=2,9");
  EXPECT_EQ(json["same"], false);
  EXPECT_EQ(json["direction"], "forward");
  EXPECT_FALSE(json.contains("machine"));
  const Json& legal = json["values"][0];
  EXPECT_EQ(legal["value"], 2);
  EXPECT_EQ(legal["factor"], 1.0);
  EXPECT_EQ(legal["multiplications"], 6 * 7 * 6 * 4 * 2 * 3);
  EXPECT_EQ(legal["memory_forward_bytes"], 4 * (4 * 64 + 6 * 4 * 6 + 6 + 6 * 42));
  EXPECT_FALSE(legal.contains("refused"));
  EXPECT_FALSE(legal.contains("measured"));
  const Json& refused = json["values"][1];
  EXPECT_EQ(refused.size(), 2U);
  EXPECT_EQ(refused["value"], 9);
  EXPECT_CONTAINS(refused["refused"].get<std::string>(),
                  "the 9x3 kernel is larger than the padded input 8x8");
}

TEST(CostSweep, RespectsTheDirection) {
  const std::vector<std::string> base = {"2x3x8x9,5x3x3x3,bias", "--sweep", "n=1,2"};
  std::vector<std::string> arguments = base;
  arguments.insert(arguments.end(), {"--direction", "backward_bias"});
  const Json json = sweep_json(arguments);
  EXPECT_EQ(json["direction"], "backward_bias");
  EXPECT_EQ(figures(json, "multiplications"), (Counts{0, 0}));
  EXPECT_EQ(figures(json, "additions"), (Counts{5 * (42 - 1), 5 * (84 - 1)}));
  EXPECT_EQ(json["values"][1]["factor"], nullptr);
}

TEST(CostSweep, TheTableHasEveryValue) {
  const Outcome outcome = sweep({kLayer, "--sweep", "groups=1..4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part :
       {"problem   1x4x12x12,6x4x3x3,p1\n", "sweep     groups (of channels) = 1..4, 4 values",
        "multiplications", "factor", "without padding", "additions", "parameters", "forward memory",
        "flops/byte", "roofline", "31,104", "15,552",
        "3  refused: groups must divide the channels but 3 does not divide c_i = 4",
        "4  refused: groups must divide the channels but 4 does not divide c_o = 6"}) {
    EXPECT_CONTAINS(outcome.out, part);
  }
  EXPECT_EQ(outcome.out.find("measured"), std::string::npos);
}

TEST(CostSweep, ListsValuesThatPass64Bits) {
  const Json json = sweep_json({kLayer, "--sweep", "size=12,9223372036854775807"});
  EXPECT_CONTAINS(json["values"][1]["refused"].get<std::string>(), "overflow");
  const Json same = sweep_json({kLayer, "--same", "--sweep", "dilation=1,9223372036854775807"});
  EXPECT_CONTAINS(same["values"][1]["refused"].get<std::string>(), "overflow");
  const Json zero = sweep_json({kLayer, "--sweep", "k=0..1"});
  EXPECT_CONTAINS(zero["values"][0]["refused"].get<std::string>(), "k_h is 0");
}

TEST(CostSweep, RefusesWrongUse) {
  const auto error = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kLayer);
    return sweep_error(arguments);
  };
  const struct {
    const char *sweep, *part;
  } cases[] = {
      {"", "--sweep takes NAME=VALUES, such as k=1..15, but is ''"},
      {"k", "--sweep takes NAME=VALUES"},
      {"q=1..3", "--sweep cannot vary 'q'; known: k (both kernel sizes), kh (the kernel's height)"},
      {"=1..3", "--sweep cannot vary ''; known: "},
      {"k=", "--sweep k= has no values (they are FIRST..LAST, FIRST..LAST:STEP"},
      {"k=5..1", "--sweep k=5..1 has no values: 5 is past 1"},
      {"k=1..", "'' in --sweep k=1.. is not a whole number"},
      {"k=1..x", "'x' in --sweep k=1..x is not a whole number"},
      {"k=1.5", "'1.5' in --sweep k=1.5 is not a whole number"},
      {"k=1,,2", "'' in --sweep k=1,,2 is not a whole number"},
      {"k=1,", "'' in --sweep k=1, is not a whole number"},
      {"k=1..3,5", "'1..3' in --sweep k=1..3,5 is not a whole number"},
      {"k=1..9:0", "the step of --sweep k=1..9:0 must be at least 1"},
      {"k=1..9*1", "the factor of --sweep k=1..9*1 must be at least 2"},
      {"k=0..9*2", "must start at 1 or more"},
      {"k=1..9223372036854775808", "9223372036854775808 in --sweep"},
      {"n=1..1001", "--sweep n=1..1001 has 1000 + 1 values but at most 1000 are taken"},
      {"n=-9223372036854775808..9223372036854775807", "but at most 1000 are taken"},
      {"k=20..30", "no value of --sweep k=20..30 is legal; for 20: the 20x20 kernel is larger"},
  };
  for (const auto& [sweep, part] : cases) EXPECT_CONTAINS(error({"--sweep", sweep}), part);
  std::string many = "n=1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  EXPECT_CONTAINS(error({"--sweep", many}), "has 1001 values");
  EXPECT_CONTAINS(error({"--sweep", "padding=0..3", "--same"}), "--same sets the padding");
  EXPECT_CONTAINS(error({kLayer, "--sweep", "k=1..3"}),
                  "--sweep takes one problem but there are 2");
  EXPECT_CONTAINS(error({"--same"}), "--same requires --sweep");
  EXPECT_CONTAINS(error({"--measure"}), "--measure requires --sweep");
  EXPECT_CONTAINS(error({"--plot", "a.png"}), "--plot requires --sweep");
  EXPECT_CONTAINS(error({"--sweep", "k=1..3", "--rounds", "2"}), "--rounds requires --measure");
  EXPECT_CONTAINS(error({"--sweep", "k=1..3", "--double-channels"}), "excludes");
  EXPECT_CONTAINS(error({"--sweep", "k=1..3", "--measure", "--seconds", "0"}), "--seconds must be");
  EXPECT_CONTAINS(error({"--sweep", "k=1..3", "--measure", "--direction", "backward_weights"}),
                  "--measure runs the layer forward but the direction is backward_weights");
  EXPECT_CONTAINS(sweep_error({"1x4x8x8,8x4x3x3,i8", "--sweep", "k=1..3", "--measure"}),
                  "--measure: no value of --sweep k=1..3 can be run; for 1: ");
}

// === measuring ===

TEST(CostSweep, MeasuresEveryValue) {
  const std::vector<std::string> arguments = {kLayer,      "--sweep", "k=1,3,30,5", "--measure",
                                              "--seconds", "0.001",   "--rounds",   "2"};
  const Json json = sweep_json(arguments);
  EXPECT_EQ(json["rounds"], 2);
  EXPECT_EQ(json["interrupted"], false);
  EXPECT_GE(json["threads"], 1);
  EXPECT_TRUE(json["machine"].contains("cpu"));
  for (const int legal : {0, 1, 3}) {
    const Json& one = json["values"][static_cast<std::size_t>(legal)];
    const Json& measured = one.at("measured");
    EXPECT_GT(measured["median_seconds"], 0.0);
    EXPECT_GT(measured["runs"], 0);
    EXPECT_EQ(measured["algorithm"], plan(one["problem"].get<std::string>()).algorithm());
    EXPECT_DOUBLE_EQ(
        measured["gflops"].get<double>(),
        2e-9 * one["multiplications"].get<double>() / measured["median_seconds"].get<double>());
  }
  EXPECT_TRUE(json["values"][2].contains("refused"));
  EXPECT_FALSE(json["values"][2].contains("measured"));

  const Outcome table = sweep(arguments);
  EXPECT_EQ(table.code, 0);
  EXPECT_EQ(table.err, "") << "no progress bar without a terminal";
  for (const char* part : {"machine   ", "measured", "GFLOP/s", "algorithm", "30  refused: "}) {
    EXPECT_CONTAINS(table.out, part);
  }
}

TEST(CostSweep, ListsWhatCannotBeRun) {
  const Json json = sweep_json(
      {kLayer, "--sweep", "size=12,1000000", "--measure", "--seconds", "0.001", "--rounds", "1"});
  EXPECT_EQ(json["values"][1]["measured"], nullptr);
  EXPECT_CONTAINS(json["values"][1]["reason"].get<std::string>(), "GB of memory");
  EXPECT_GT(json["values"][1]["multiplications"], 0);
}

TEST(CostSweep, AnInterruptPrintsWhatWasMeasured) {
  const std::vector<std::string> arguments = {
      "cost", kLayer, "--sweep", "k=1..3", "--measure", "--seconds", "3600", "--rounds", "1"};
  const Outcome run = run_plait(arguments, true);
  EXPECT_EQ(run.code, 130);
  EXPECT_EQ(run.err, "plait: interrupted\n");
  EXPECT_CONTAINS(run.out, "not measured 3: interrupted");
}

}  // namespace
}  // namespace plait::cli
