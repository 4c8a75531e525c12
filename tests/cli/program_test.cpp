// The program as its users meet it: what it prints, what it writes, and how it ends.
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

#include <plait/conv2d.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>
#include <plait/version.hpp>

#include "draw/feature_grid.hpp"
#include "io/image.hpp"
#include "io/presets.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

Json json_of(const Outcome& outcome) {
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return Json::parse(outcome.out);
}

template <class T>
Tensor<T> read_tensor(const std::string& path) {
  return std::get<Tensor<T>>(parse_npy(slurp(path), path));
}

template <class T>
void expect_near(const Tensor<T>& a, const Tensor<T>& b, double tolerance) {
  ASSERT_EQ(a.shape(), b.shape());
  for (std::int64_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a.data()[i], b.data()[i], tolerance) << "element " << i;
  }
}

TEST(Program, HelpShowsExamples) {
  for (const char* command : {"run", "plan", "bench", "info"}) {
    const Outcome help = run_plait({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_EQ(help.err, "");
    EXPECT_CONTAINS(help.out, "Examples:\n  plait " + std::string(command));
  }
  EXPECT_CONTAINS(run_plait({"--help"}).out, "Examples:\n  plait run");
  EXPECT_CONTAINS(run_plait({"--version"}).out, version());
}

class EveryPreset : public testing::TestWithParam<std::string> {};

TEST_P(EveryPreset, RunsOnThePhotograph) {
  const TempFolder folder;
  const std::string output = folder.path("maps.png");
  const Outcome run =
      run_plait({"run", "--input", PLAIT_PHOTO, "--kernel", GetParam(), "--output", output});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "");
  for (const char* part : {"problem", "chosen", "time", "GFLOP/s", "error", "maps.png"}) {
    EXPECT_CONTAINS(run.out, part);
  }
  EXPECT_EQ(run.out.find('\x1b'), std::string::npos) << "colour without a terminal";
  EXPECT_EQ(folder.names(), std::vector<std::string>{"maps.png"});
  const std::int64_t channels =
      GetParam() == "inception" ? 16 : make_kernel(GetParam()).kernel.size(0);
  const GridLayout layout = grid_layout({channels, 512, 512});  // padding same
  EXPECT_EQ(decode_image(slurp(output), output).shape(), (Dims{3, layout.height, layout.width}));
}

INSTANTIATE_TEST_SUITE_P(Program, EveryPreset,
                         testing::Values("edges", "gabor", "opponent", "inception"),
                         [](const auto& info) { return info.param; });

TEST(Program, RunWithoutOutputWritesNothing) {
  const TempFolder folder;
  const std::string x = folder.npy("x.npy", ramp({1, 2, 8, 8}));
  const std::string k = folder.npy("k.npy", ramp({4, 2, 3, 3}));
  EXPECT_EQ(run_plait({"run", "--input", x, "--kernel", k}).code, 0);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"k.npy", "x.npy"}));
}

TEST(Program, RunComputesWhatTheLibraryComputes) {
  const TempFolder folder;
  const Tensor<float> x = ramp({2, 6, 9, 11});
  const Tensor<float> k = ramp({4, 3, 3, 2});
  const Tensor<float> b({4}, {-1, 0.5f, -0.25f, 2});
  const std::string y = folder.path("y.npy");
  const Json json = json_of(run_plait({"run",
                                       "--input",
                                       folder.npy("x.npy", x),
                                       "--kernel",
                                       folder.npy("k.npy", k),
                                       "--bias",
                                       folder.npy("b.npy", b),
                                       "--stride",
                                       "2x1",
                                       "--padding",
                                       "2_3_2_3",
                                       "--dilation",
                                       "1x2",
                                       "--groups",
                                       "2",
                                       "--activation",
                                       "leaky:0.1",
                                       "--threads",
                                       "1",
                                       "--output",
                                       y,
                                       "--json"}));
  const Tensor<float> expected = conv2d(x, k,
                                        {.stride = {2, 1},
                                         .padding = {2, 3, 2, 3},
                                         .dilation = {1, 2},
                                         .groups = 2,
                                         .bias = b,
                                         .activation = {ActivationKind::leaky, 0.1},
                                         .algorithm = "reference"});
  expect_near(read_tensor<float>(y), expected, 1e-5);
  EXPECT_EQ(json["schema"], "plait.run/1");
  EXPECT_EQ(json["output_shape"], (std::vector<std::int64_t>{2, 4, 6, 14}));
  EXPECT_EQ(json["kept_bound"], true);
  const Json& one = json["convolutions"].at(0);
  EXPECT_EQ(parse_problem(one["plan"]["problem"].get<std::string>()).groups, 2);
  EXPECT_EQ(one["ran"]["algorithm"], one["plan"]["algorithm"]);
  EXPECT_EQ(one["error"]["checked"], expected.size());
  EXPECT_LE(one["error"]["worst_bound_share"].get<double>(), 1);
  EXPECT_GT(one["seconds"].get<double>(), 0);
  EXPECT_EQ(one["plan"]["threads"], 1);
}

TEST(Program, RunTakesPaddingModesAndAlgorithms) {
  const TempFolder folder;
  const Tensor<float> x = ramp({1, 2, 7, 7});
  const Tensor<float> k = ramp({3, 2, 3, 3});
  const std::string x_path = folder.npy("x.npy", x);
  const std::string k_path = folder.npy("k.npy", k);
  const struct {
    std::string text;
    PaddingMode mode;
    double value;
  } modes[] = {{"reflect", PaddingMode::reflect, 0},
               {"symmetric", PaddingMode::symmetric, 0},
               {"replicate", PaddingMode::replicate, 0},
               {"circular", PaddingMode::circular, 0},
               {"constant=0.5", PaddingMode::constant, 0.5}};
  for (const auto& [text, mode, value] : modes) {
    const Outcome run = run_plait({"run", "--input", x_path, "--kernel", k_path, "--padding",
                                   "same_upper", "--padding-mode", text, "--algorithm", "reference",
                                   "--output", folder.path("y.npy")});
    ASSERT_EQ(run.code, 0) << run.err;
    EXPECT_CONTAINS(run.out, "reference");
    expect_near(
        read_tensor<float>(folder.path("y.npy")),
        conv2d(
            x, k,
            {.padding = 1, .padding_mode = mode, .padding_value = value, .algorithm = "reference"}),
        1e-5);
  }
}

TEST(Program, RunWritesTheLimitOfAnActivationAtAnInfinity) {
  const TempFolder folder;
  const float below = -std::numeric_limits<float>::infinity();
  const std::string x = folder.npy("x.npy", Tensor<float>({1, 1, 1, 2}, {1, 2}));
  const std::string k = folder.npy("k.npy", Tensor<float>({1, 1, 1, 1}, {below}));
  const std::string one = folder.npy("one.npy", Tensor<float>({1, 1, 1, 1}, {1}));
  const std::string b = folder.npy("b.npy", Tensor<float>({1}, {below}));
  for (const char* activation : {"silu", "hswish", "leaky:0"}) {
    for (const auto& operands :
         std::vector<std::vector<std::string>>{{"--kernel", k}, {"--kernel", one, "--bias", b}}) {
      std::vector<std::string> words = {
          "run", "--input", x, "--output", folder.path("y.npy"), "--activation", activation};
      words.insert(words.end(), operands.begin(), operands.end());
      const Outcome run = run_plait(words);
      ASSERT_EQ(run.code, 0) << run.err;
      const Tensor<float> y = read_tensor<float>(folder.path("y.npy"));
      for (std::int64_t i = 0; i < 2; ++i) {
        EXPECT_EQ(y.data()[i], 0) << activation;
        EXPECT_TRUE(std::signbit(y.data()[i])) << activation;
      }
    }
  }
}

// What is not finite by the definition is written as it is, and tiles that cannot be transformed
// are named.
TEST(Program, RunComputesWhatIsNotFiniteAndWhatDiffersTooMuch) {
  const TempFolder folder;
  Tensor<float> x = ramp({1, 4, 20, 20});
  for (float& value : x) value = 1 + value / 4000;
  x(0, 1, 5, 5) = std::numeric_limits<float>::quiet_NaN();
  x(0, 1, 15, 15) = 1e7F;
  const Tensor<float> k = ramp({2, 4, 3, 3});
  const std::string x_path = folder.npy("x.npy", x);
  const std::string k_path = folder.npy("k.npy", k);
  const std::string y_path = folder.path("y.npy");
  const std::vector<std::string> command = {"run",           "--input",   x_path, "--kernel",
                                            k_path,          "--padding", "1",    "--algorithm",
                                            "winograd/f4x3", "--output",  y_path};
  const Outcome text = run_plait(command);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_CONTAINS(text.out, "tiles     25, of which 5 by direct sums");
  const Tensor<float> y = read_tensor<float>(y_path);
  EXPECT_EQ(std::count_if(y.begin(), y.end(), [](float value) { return std::isnan(value); }), 18);
  std::vector<std::string> with_json = command;
  with_json.emplace_back("--json");
  const Json json = json_of(run_plait(with_json));
  const Json& one = json["convolutions"].at(0);
  EXPECT_EQ(one["ran"]["tiles"], 25);
  EXPECT_EQ(one["ran"]["direct_tiles"], 5);
  EXPECT_LE(one["error"]["worst_bound_share"].get<double>(), 1);
  EXPECT_EQ(one["plan"]["candidates"].at(0)["cost"]["error_range"], 32);
}

TEST(Program, RunKeepsTheRankOfTheChapter) {
  const TempFolder folder;
  const auto shape_of_run = [&](const Dims& x, const Dims& k) {
    const Outcome run = run_plait({"run", "--input", folder.npy("x.npy", ramp(x)), "--kernel",
                                   folder.npy("k.npy", ramp(k)), "--output", folder.path("y.npy")});
    EXPECT_EQ(run.code, 0) << run.err;
    return shape_of(parse_npy(slurp(folder.path("y.npy")), "y.npy"));
  };
  EXPECT_EQ(shape_of_run({3, 4}, {2, 2}), (Dims{2, 3}));              // corr2d
  EXPECT_EQ(shape_of_run({2, 3, 3}, {2, 2, 2}), (Dims{1, 2, 2}));     // corr2d_multi_in
  EXPECT_EQ(shape_of_run({2, 3, 3}, {3, 2, 2, 2}), (Dims{3, 2, 2}));  // corr2d_multi_in_out
  EXPECT_EQ(shape_of_run({3, 4}, {5, 1, 2, 2}), (Dims{5, 2, 3}));
  EXPECT_EQ(shape_of_run({4, 2, 3, 3}, {3, 2, 2, 2}), (Dims{4, 3, 2, 2}));
}

TEST(Program, RunReadsNhwcAndWritesIt) {
  const TempFolder folder;
  const Tensor<float> x = ramp({2, 5, 6, 3});  // n x h x w x c
  const Tensor<float> k = ramp({4, 3, 2, 2});
  const std::string y = folder.path("y.npy");
  const Outcome run = run_plait({"run", "--input", folder.npy("x.npy", x), "--kernel",
                                 folder.npy("k.npy", k), "--layout", "nhwc", "--output", y});
  ASSERT_EQ(run.code, 0) << run.err;
  const Tensor<float> expected = conv2d(x, k, {.layout = Layout::nhwc, .algorithm = "reference"});
  expect_near(read_tensor<float>(y), expected, 1e-5);

  // The same kernel as k_h x k_w x c_i x c_o.
  const Tensor<float> hwio =
      dense_copy(TensorView<const float>(k.data(), {2, 2, 3, 4}, {2, 1, 4, 12}));
  const Outcome again =
      run_plait({"run", "--input", folder.path("x.npy"), "--kernel", folder.npy("hwio.npy", hwio),
                 "--layout", "nhwc", "--weight-layout", "hwio", "--output", y});
  ASSERT_EQ(again.code, 0) << again.err;
  expect_near(read_tensor<float>(y), expected, 1e-5);
}

TEST(Program, RunGivesAnEmptyBatchForOne) {
  const TempFolder folder;
  const std::string x = folder.npy("x.npy", Tensor<float>({0, 5, 6, 3}));
  const std::string k = folder.npy("k.npy", ramp({4, 3, 2, 2}));
  const std::string y = folder.path("y.npy");
  const Outcome run =
      run_plait({"run", "--input", x, "--kernel", k, "--layout", "nhwc", "--output", y});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_CONTAINS(run.out, "note      the batch is empty, and so is the output");
  EXPECT_EQ(read_tensor<float>(y).shape(), (Dims{0, 4, 5, 4}));
  EXPECT_CONTAINS(run_refused({"run", "--input", x, "--kernel", k, "--output", y}).err,
                  "weight expects 3 input channels but x has 5");
}

TEST(Program, RunComputesInTheInputsDtypeOrTheOneAskedFor) {
  const TempFolder folder;
  const std::string x32 = folder.npy("x32.npy", ramp<float>({1, 2, 6, 6}));
  const std::string x64 = folder.npy("x64.npy", ramp<double>({1, 2, 6, 6}));
  const std::string k64 = folder.npy("k64.npy", ramp<double>({3, 2, 3, 3}));
  const std::string y = folder.path("y.npy");
  const auto run = [&](const std::string& x, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"run", "--input", x, "--kernel", k64, "--output", y};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_plait(arguments);
  };
  const Outcome wide = run(x64, {});
  ASSERT_EQ(wide.code, 0) << wide.err;
  EXPECT_CONTAINS(wide.out, "computed in f64, as the input is");
  expect_near(
      read_tensor<double>(y),
      conv2d(ramp<double>({1, 2, 6, 6}), ramp<double>({3, 2, 3, 3}), {.algorithm = "reference"}),
      1e-14);
  const Outcome narrowed = run(x32, {});
  EXPECT_EQ(narrowed.code, 0) << narrowed.err;
  EXPECT_CONTAINS(narrowed.out, "the kernel was rounded from f64 to f32");
  EXPECT_EQ(read_tensor<float>(y).shape(), (Dims{1, 3, 4, 4}));
  EXPECT_EQ(run(x32, {"--dtype", "f64"}).code, 0);
  EXPECT_EQ(read_tensor<double>(y).shape(), (Dims{1, 3, 4, 4}));
}

TEST(Program, RunHonoursTargetAndWorkspace) {
  const TempFolder folder;
  const std::string x = folder.npy("x.npy", ramp({1, 4, 12, 12}));
  const std::string k = folder.npy("k.npy", ramp({8, 4, 3, 3}));
  for (const Target target : host_machine().targets) {
    const std::string name(name_of(target));
    const Json json =
        json_of(run_plait({"run", "--input", x, "--kernel", k, "--algorithm", "im2col", "--target",
                           name, "--max-workspace", "0", "--json"}));
    const Json& one = json["convolutions"].at(0);
    EXPECT_EQ(one["ran"]["target"], name);
    EXPECT_EQ(one["plan"]["candidates"].at(0)["cost"]["workspace_bytes"], 0);
  }
}

TEST(Program, PlanPrintsTheExplanation) {
  const char* line = "1x16x14x14,32x16x3x3,p1,bias";
  const Outcome text = run_plait({"plan", line});
  EXPECT_EQ(text.code, 0);
  std::ostringstream expected;
  expected << plan(line).explain();
  EXPECT_TRUE(text.out.starts_with(expected.str())) << text.out;
  EXPECT_CONTAINS(run_plait({"plan", line, "--algorithm", "im2col"}).out,
                  " of the predicted time; a term of a tile takes ");

  const Json json =
      json_of(run_plait({"plan", line, "--json", "--max-workspace", "64K", "--reproducible"}));
  EXPECT_EQ(json["schema"], "plait.plan/1");
  EXPECT_EQ(json["problem"], line);
  EXPECT_EQ(json["limits"]["max_workspace_bytes"], 65536);
  EXPECT_EQ(json["limits"]["reproducible"], true);
  EXPECT_EQ(json["candidates"].size(), algorithms().size());
  EXPECT_EQ(json["candidates"].at(0)["standing"], "chosen");
  EXPECT_EQ(json["candidates"].at(0)["algorithm"], json["algorithm"]);
  EXPECT_LE(json["candidates"].at(0)["cost"]["workspace_bytes"].get<std::int64_t>(), 65536);
}

TEST(Program, InfoShowsTheMachineAndWhatIsBuiltIn) {
  const Outcome text = run_plait({"info"});
  EXPECT_EQ(text.code, 0);
  const Json json = json_of(run_plait({"info", "--json"}));
  EXPECT_EQ(json["schema"], "plait.info/1");
  EXPECT_EQ(json["version"], version());
  EXPECT_EQ(json["machine"]["cpu"], host_machine().cpu);
  EXPECT_EQ(json["machine"]["targets"].size(), host_machine().targets.size());
  EXPECT_EQ(json["algorithms"].size(), algorithms().size());
  for (const AlgorithmInfo& algorithm : algorithms()) EXPECT_CONTAINS(text.out, algorithm.name);
  for (const PresetInfo& preset : presets()) EXPECT_CONTAINS(text.out, preset.name);
}

TEST(Program, InfoCalibratesWhenAsked) {
  const Json assumed = json_of(run_plait({"info", "--json"}));
  const Json measured = json_of(run_plait({"info", "--json", "--calibrate"}));
  EXPECT_EQ(assumed["rates_measured"], false);
  EXPECT_EQ(measured["rates_measured"], true);
  EXPECT_NE(assumed["machine"]["rates"], measured["machine"]["rates"]);
  EXPECT_GT(measured["peak_gflops_per_core"].get<double>(), 0);
  EXPECT_CONTAINS(run_plait({"info", "--calibrate"}).out, "as measured now");
}

TEST(Program, AnInterruptLeavesNothingBehind) {
  const TempFolder folder;
  // The reference needs many seconds for this, so the signal arrives in the middle of it.
  const std::string k = folder.npy("k.npy", ramp({64, 3, 31, 31}));
  const Outcome run = run_plait({"run", "--input", PLAIT_PHOTO, "--kernel", k, "--algorithm",
                                 "reference", "--output", folder.path("maps.png")},
                                true);
  EXPECT_EQ(run.code, 130);
  EXPECT_EQ(run.err, "plait: interrupted\n");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"k.npy"});
}

}  // namespace
}  // namespace plait::cli
