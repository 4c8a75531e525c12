// `plait verify` as a user runs it.
#include <nlohmann/json.hpp>

#include <plait/plan.hpp>

#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

TEST(VerifyCommand, PrintsATableAndEndsWithZero) {
  const Outcome outcome = run_plait({"verify", "--cases", "40", "--target", "emu128"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const AlgorithmInfo& algorithm : algorithms()) EXPECT_CONTAINS(outcome.out, algorithm.name);
  EXPECT_CONTAINS(outcome.out, "ok: no failure\n");
}

TEST(VerifyCommand, PrintsJson) {
  const Outcome outcome =
      run_plait({"verify", "--cases", "30", "--algorithm", "im2col", "--seed", "5", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["schema"], "plait.verify/1");
  EXPECT_EQ(json["seed"], 5);
  EXPECT_EQ(json["passed"], true);
  EXPECT_EQ(json["failures"].size(), 0U);
  EXPECT_EQ(json["subjects"].size(), host_machine().targets.size());
  for (const Json& subject : json["subjects"]) {
    EXPECT_EQ(subject["algorithm"], "im2col");
    EXPECT_EQ(subject["cases"], 30);
    EXPECT_GT(subject["worst_bound_share"], 0.0);
    EXPECT_EQ(subject["loops"].size(), 7U);
  }
}

TEST(VerifyCommand, EqualSeedsGiveEqualResults) {
  const std::vector<std::string> arguments = {"verify", "--cases", "20", "--seed", "9", "--json"};
  EXPECT_EQ(run_plait(arguments).out, run_plait(arguments).out);
  EXPECT_NE(run_plait(arguments).out,
            run_plait({"verify", "--cases", "20", "--seed", "10", "--json"}).out);
}

TEST(VerifyCommand, ChecksGivenLines) {
  const Outcome outcome =
      run_plait({"verify", "1x3x8x9,4x3x3x3,p1", "2x4x6x6,4x1x3x3,g4", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  for (const Json& subject : json["subjects"]) {
    const Json& name = subject["algorithm"];
    const bool refuses = name == "pointwise" || name.get<std::string>().ends_with("x5") ||
                         name.get<std::string>().ends_with("x7");
    EXPECT_EQ(refuses ? subject["refused"] : subject["cases"],
              name == "depthwise" ? 8 : 16)  // takes one line of the two
        << name;
  }
}

TEST(VerifyCommand, ComparesTwoAlgorithms) {
  const std::vector<std::string> arguments = {"verify", "--compare", "reference", "pointwise",
                                              "1x32x9x9,8x32x1x1"};
  const Outcome text = run_plait(arguments);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_CONTAINS(text.out, "units in the last place at most");
  std::vector<std::string> with_json = arguments;
  with_json.emplace_back("--json");
  const Json json = Json::parse(run_plait(with_json).out);
  EXPECT_EQ(json["schema"], "plait.compare/1");
  EXPECT_EQ(json["outputs"], 8 * 81);
  EXPECT_LT(json["max_difference"], 1e-5);
  EXPECT_LT(json["first_rms"], json["second_rms"]);
}

TEST(VerifyCommand, RefusesWrongUseInOneLine) {
  const auto error_line = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = run_plait(arguments);
    EXPECT_EQ(outcome.code, 2) << outcome.out;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    return outcome.err;
  };
  EXPECT_CONTAINS(error_line({"verify", "--algorithm", "fourier"}),
                  "known: depthwise, direct/channels, ");
  EXPECT_CONTAINS(error_line({"verify", "--target", "mmx"}), "mmx");
  EXPECT_CONTAINS(error_line({"verify", "--cases", "0"}), "--cases");
  EXPECT_CONTAINS(error_line({"verify", "--accuracy", "loose"}), "loose");
  EXPECT_CONTAINS(error_line({"verify", "1x3x8x8,4x2x3x3"}), "column");
  EXPECT_CONTAINS(error_line({"verify", "--compare", "im2col", "direct/pixels"}),
                  "one problem line");
  EXPECT_CONTAINS(error_line({"verify", "--compare", "im2col", "fourier", "1x1x4x4,1x1x3x3"}),
                  "fourier");
  EXPECT_CONTAINS(error_line({"verify", "--compare", "im2col"}), "--compare");
}

}  // namespace
}  // namespace plait::cli
