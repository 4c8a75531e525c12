// `plait cost` as a user runs it.
#include <nlohmann/json.hpp>

#include <map>

#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

Json json_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "cost");
  arguments.emplace_back("--json");
  const Outcome outcome = run_plait(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return Json::parse(outcome.out);
}

TEST(CostCommand, PrintsEveryFigureAndItsFormula) {
  const Outcome outcome = run_plait({"cost", "1x128x256x256,128x128x5x5,p2", "--explain"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "26,843,545,600");
  EXPECT_CONTAINS(outcome.out, "n c_o h' w' (c_i/g) k_h k_w = 1 * 128 * 256 * 256 * 128 * 5 * 5");
  EXPECT_CONTAINS(outcome.out, "memory_backward_bytes");
  EXPECT_CONTAINS(outcome.out, "roofline_seconds");
}

TEST(CostCommand, PrintsJson) {
  const Json json = json_of({"first: 1x3x4x5,2x3x3x3,p1,bias", "--explain"});
  EXPECT_EQ(json["schema"], "plait.cost/1");
  const Json& layer = json["layers"][0];
  EXPECT_EQ(layer["name"], "first");
  EXPECT_EQ(layer["direction"], "forward");
  EXPECT_EQ(layer["multiplications"], 1080);
  EXPECT_EQ(layer["additions"], 1080);
  EXPECT_EQ(layer["multiplications_without_padding"], 2 * 3 * 10 * 13);
  EXPECT_EQ(layer["formulas"].size(), 18U);
  EXPECT_EQ(json["total"]["parameters_with_bias"], 56);
}

TEST(CostCommand, TakesADirection) {
  const Json json = json_of({"2x3x8x9,5x3x3x3,bias", "--direction", "backward_bias"})["layers"][0];
  EXPECT_EQ(json["multiplications"], 0);
  EXPECT_EQ(json["additions"], 5 * (2 * 6 * 7 - 1));
}

TEST(CostCommand, AddsUpAFile) {
  const TempFolder folder;
  const std::string file = folder.file("net.txt", "one: 1x4x8x8,8x4x1x1\ntwo: 1x8x8x8,8x8x1x1\n");
  const Outcome outcome = run_plait({"cost", file});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "33.3 %");
  EXPECT_CONTAINS(outcome.out, "66.7 %");
  EXPECT_CONTAINS(outcome.out, "2 layers");
  EXPECT_EQ(json_of({file})["total"]["multiplications"], 64 * (32 + 64));
}

TEST(CostCommand, SaysWhatAChangeMultipliesAndWhy) {
  const std::string line = "1x64x56x56,64x64x3x3,p1";
  EXPECT_EQ(json_of({line, "--double-channels"})["factors"]["multiplications"], 4.0);
  EXPECT_EQ(json_of({line, "--groups", "8"})["factors"]["multiplications"], 0.125);
  EXPECT_EQ(json_of({line, "--groups", "8"})["factors"]["parameters"], 0.125);
  const Json versus = json_of({line, "--versus", "1x64x56x56,64x64x1x1"});
  EXPECT_EQ(versus["factors"]["parameters"], 1.0 / 9);
  EXPECT_EQ(versus["reason"],
            "multiplications are n c_o h' w' (c_i/groups) k_h k_w, of which k_h goes 3 -> 1, k_w "
            "goes 3 -> 1");
  // Twice the padding adds two rows and columns of outputs; the same products meet x as before, and
  // those of the old padding's outputs that its zeros kept away.
  const Json padded = json_of({line, "--double-padding"});
  EXPECT_EQ(padded["after"]["multiplications"], 58 * 58 * 64 * 64 * 9);
  EXPECT_EQ(padded["after"]["multiplications_without_padding"], 168 * 168 * 64 * 64);
  EXPECT_EQ(padded["before"]["multiplications_without_padding"], 166 * 166 * 64 * 64);
}

TEST(CostCommand, TellsWhatAlgorithmsExecute) {
  const std::string line = "1x64x28x28,64x64x3x3,p1";
  const Outcome outcome = run_plait({"cost", line, "--algorithms"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "transforms");
  EXPECT_CONTAINS(outcome.out, "winograd/f4x3");
  const Json layer = json_of({line, "--algorithms"})["layers"][0];
  std::map<std::string, Json> by_name;
  for (const Json& one : layer["algorithms"]) by_name[one["algorithm"]] = one;
  EXPECT_EQ(by_name["reference"]["multiplications"], layer["multiplications"]);
  EXPECT_EQ(by_name["im2col"]["useful_multiplications"], layer["multiplications"]);
  EXPECT_EQ(by_name["winograd/f2x3"]["useful_multiplications"], 64 * 64 * 14 * 14 * 16);
  EXPECT_GT(by_name["winograd/f2x3"]["transform_operations"], 0);
  EXPECT_EQ(by_name["pointwise"]["takes"], false);
  EXPECT_CONTAINS(by_name["pointwise"]["reason"].get<std::string>(), "1x1");
}

TEST(CostCommand, RefusesWrongUse) {
  const auto error = [](const std::vector<std::string>& arguments) {
    const Outcome outcome = run_plait(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_CONTAINS(error({"cost"}), "problems is required");
  EXPECT_CONTAINS(error({"cost", "1x4x8x8,8x4x1x1", "--direction", "sideways"}),
                  "unknown direction \"sideways\" (known: forward, backward_data");
  EXPECT_CONTAINS(error({"cost", "1x4x8x8,8x4x1x1", "--groups", "3"}),
                  "groups must divide the channels but 3 does not divide c_i = 4");
  EXPECT_CONTAINS(error({"cost", "1x4x8x8,8x4x1x1", "1x4x8x8,8x4x3x3", "--double-channels"}),
                  "take one problem but there are 2");
  EXPECT_CONTAINS(error({"cost", "1x4x8x8,8x3x1x1"}), "weight expects 3 input channels");
}

}  // namespace
}  // namespace plait::cli
