// `plait compose` as a user runs it.
#include <nlohmann/json.hpp>

#include <limits>

#include <plait/conv2d.hpp>
#include <plait/rewrite/compose.hpp>

#include "rewrite/compose_report.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

template <class T>
Tensor<T> read_tensor(const std::string& path) {
  return std::get<Tensor<T>>(parse_npy(slurp(path), path));
}

template <class T>
void expect_equal(const Tensor<T>& a, const Tensor<T>& b) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
}

// k1.npy is 4x2x3x3, k2.npy 3x4x3x2, b1.npy and b2.npy their biases, all f32, and blur.npy 3x3. The
// kernel would be k.npy.
class ComposeCommand : public testing::Test {
 protected:
  std::vector<std::string> words(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"compose", k1_, k2_, "-o", output_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Outcome run(const std::vector<std::string>& arguments) const {
    Outcome outcome = run_plait(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome;
  }

  // Runs wrong use and returns its message; no file may come, go or change.
  std::string error_line(const std::vector<std::string>& arguments) {
    const std::vector<std::string> names = folder_.names();
    const std::string before = slurp(k1_);
    const Outcome outcome = run_refused(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(folder_.names(), names) << "a file appeared or went";
    EXPECT_EQ(slurp(k1_), before);
    return outcome.err;
  }
  std::string error(const std::vector<std::string>& more) { return error_line(words(more)); }
  // Of other files.
  std::string error_of(const std::string& k1, const std::string& k2) {
    return error_line({"compose", k1, k2, "-o", output_});
  }

  TempFolder folder_;
  std::string output_ = folder_.path("k.npy");
  std::string k1_ = folder_.npy("k1.npy", ramp({4, 2, 3, 3}));
  std::string k2_ = folder_.npy("k2.npy", ramp({3, 4, 3, 2}));
  std::string b1_ = folder_.npy("b1.npy", ramp({4}));
  std::string b2_ = folder_.npy("b2.npy", ramp({3}));
  std::string blur_ = folder_.npy("blur.npy", ramp({3, 3}));
};

// With times made up here: those of a machine would set the columns' widths.
TEST(ComposeText, LinesUpProductsAndTimes) {
  const Tensor<float> kernel = ramp({1, 1, 3, 3});
  const auto composed = compose(kernel, kernel, {.padding1 = 2, .input_size = Pair(1000)});
  ComposeReport report;
  report.kernel1 = report.kernel2 = {"a.npy", {1, 1, 3, 3}};
  report.kernel = {"c.npy", {1, 1, 5, 5}};
  report.problem = parse_problem("1x1x1000x1000,1x1x5x5,p2");
  report.costs.resize(2);
  report.costs[0].predicted_seconds = 123.4e-6;
  report.costs[0].measured_seconds = 2;
  report.costs[1].predicted_seconds = 60e-6;
  report.costs[1].measured_seconds = 4;
  const std::string text = compose_text(composed, report);
  EXPECT_CONTAINS(text,
                  "\n\n"
                  "                                 two layers   one layer             composed\n"
                  "products per output position             18          25   1.39 times: dearer\n"
                  "products for x of 1x1x1000x1000  18,036,036  25,000,000   1.39 times: dearer\n"
                  "predicted time                       123 us       60 us  0.486 times: faster\n"
                  "measured time                           2 s         4 s      2 times: slower\n");
}

TEST_F(ComposeCommand, WritesTheKernelAndSaysWhatItIs) {
  const Outcome outcome = run(words({}));
  EXPECT_EQ(outcome.out,
            k1_ + " (4x2x3x3 f32), then " + k2_ + " (3x4x3x2 f32) -> " + output_ +
                " (3x2x5x4 f32)\n"
                "stride    1\n"
                "padding   0\n"
                "groups    1\n"
                "bias      none\n"
                "exact     yes: for x of every size\n"
                "\n"
                "                              two layers  one layer              composed\n"
                "products per output position         144        120  0.833 times: cheaper\n");
  expect_equal(read_tensor<float>(output_), compose(ramp({4, 2, 3, 3}), ramp({3, 4, 3, 2})).kernel);
}

TEST_F(ComposeCommand, DrawsTheOutputsThatCanDiffer) {
  const Outcome outcome = run({"compose", blur_, blur_, "-o", output_, "--padding1", "1",
                               "--padding2", "1", "--input-size", "5", "--measure", "0"});
  EXPECT_CONTAINS(
      outcome.out,
      "padding   2\n"
      "groups    1\n"
      "bias      none\n"
      "problem   1x1x5x5,1x1x5x5,p2\n"
      "exact     no: 16 of 5x5 outputs can differ, the first is (0, 0)\n"
      "because   padding2 1_1_1_1 (top_bottom_left_right) puts zeros around the middle map, where "
      "one kernel goes on with the first layer, whose windows there meet x\n"
      "instead   with padding1 2 and padding2 0 the two layers would be exactly this one\n"
      "\n"
      "#: outputs that can differ\n"
      "#####\n"
      "#...#\n"
      "#...#\n"
      "#...#\n"
      "#####\n"
      "\n");
  EXPECT_EQ(row_of(outcome.out, "products for x of 1x1x5x5"), "450 625 1.39 times: dearer");
  EXPECT_CONTAINS(outcome.out, "predicted time");
  EXPECT_EQ(outcome.out.find("measured time"), std::string::npos);
}

TEST_F(ComposeCommand, TellsLargeBordersInRanges) {
  const Outcome outcome = run({"compose", blur_, blur_, "-o", output_, "--padding1", "1",
                               "--padding2", "1", "--input-size", "50x90", "--measure", "0"});
  EXPECT_CONTAINS(outcome.out,
                  "\noutputs that can differ\n"
                  "  row 0: columns 0 to 89\n"
                  "  rows 1 to 48: column 0, column 89\n"
                  "  row 49: columns 0 to 89\n");
}

TEST_F(ComposeCommand, MeasuresBothWithAnInputSize) {
  const Outcome outcome = run(words({"--input-size", "12", "--json"}));
  const Json json = Json::parse(outcome.out);
  for (const char* which : {"predicted_seconds", "measured_seconds"}) {
    EXPECT_GT(json[which]["two_layers"], 0) << which;
    EXPECT_GT(json[which]["one_layer"], 0) << which;
  }
  EXPECT_CONTAINS(run(words({"--input-size", "12"})).out, "\nmeasured time");
}

TEST_F(ComposeCommand, TakesEveryOption) {
  const std::string bias = folder_.path("b.npy");
  const std::string mask = folder_.path("mask.npy");
  const auto k1 = ramp({4, 2, 3, 3});
  const auto b1 = ramp({4});
  const auto b2 = ramp({3});
  const std::string wide = folder_.npy("wide.npy", ramp({6, 2, 3, 2}));
  const auto b6 = ramp({6});
  const std::string six = folder_.npy("six.npy", b6);
  run({"compose", k1_,
       wide,      "-o",
       output_,   "--stride1",
       "2x1",     "--stride2",
       "1x2",     "--padding1",
       "1x2",     "--padding2",
       "0_1_1_0", "--dilation1",
       "1x2",     "--dilation2",
       "2",       "--groups1",
       "2",       "--groups2",
       "2",       "--bias1",
       b1_,       "--bias2",
       six,       "--bias-output",
       bias,      "--input-size",
       "20x21",   "--differing",
       mask,      "--measure",
       "0"});
  const Composition<float> expected = compose(k1, ramp({6, 2, 3, 2}),
                                              {.stride1 = {2, 1},
                                               .stride2 = {1, 2},
                                               .dilation1 = {1, 2},
                                               .dilation2 = 2,
                                               .groups1 = 2,
                                               .groups2 = 2,
                                               .bias1 = b1,
                                               .bias2 = b6,
                                               .padding1 = {1, 2},
                                               .padding2 = {0, 1, 1, 0},
                                               .input_size = Pair(20, 21)});
  expect_equal(read_tensor<float>(output_), expected.kernel);
  expect_equal(read_tensor<float>(bias), expected.bias);
  const auto written = read_tensor<float>(mask);
  ASSERT_EQ(written.shape(), (Dims{expected.differing->h(), expected.differing->w()}));
  EXPECT_GT(expected.differing->count(), 0);
  for (std::int64_t i = 0; i < written.size(0); ++i) {
    for (std::int64_t j = 0; j < written.size(1); ++j) {
      EXPECT_EQ(written(i, j), (*expected.differing)(i, j) ? 1.0F : 0.0F);
    }
  }
}

TEST_F(ComposeCommand, TakesWordsForPadding) {
  const Json plain = Json::parse(
      run(words({"--padding1", "same_upper", "--padding2", "same_lower", "--json"})).out);
  EXPECT_EQ(plain["padding"], Json({{"top", 2}, {"bottom", 2}, {"left", 2}, {"right", 1}}));
  const std::vector<std::string> strided = {"--stride2", "2", "--padding2", "same_upper", "--json"};
  EXPECT_CONTAINS(error(strided),
                  "--padding2 same_upper: with a stride depends on the size of x: give "
                  "--input-size");
  std::vector<std::string> sized = strided;
  sized.insert(sized.end(), {"--input-size", "9", "--measure", "0"});
  // The middle map is 7x7, the output 4x4.
  EXPECT_EQ(Json::parse(run(words(sized)).out)["padding"],
            Json({{"top", 1}, {"bottom", 1}, {"left", 0}, {"right", 1}}));
}

TEST_F(ComposeCommand, ComposesInF64IfAKernelIs) {
  const std::string wide = folder_.npy("wide.npy", ramp<double>({3, 4, 3, 2}));
  const Outcome outcome = run({"compose", k1_, wide, "-o", output_});
  EXPECT_CONTAINS(outcome.out, "note      composed in f64, as one of the kernels is\n");
  EXPECT_EQ(read_tensor<double>(output_).shape(), (Dims{3, 2, 5, 4}));
  const std::string bias = folder_.npy("b64.npy", ramp<double>({4}));
  EXPECT_CONTAINS(run(words({"--bias1", bias, "--bias-output", folder_.path("b.npy")})).out,
                  "b64.npy was rounded from f64 to f32, as the kernels are\n");
}

TEST_F(ComposeCommand, PrintsJson) {
  const Json json = Json::parse(run(words({"--padding1", "1", "--padding2", "1", "--input-size",
                                           "4x5", "--measure", "0", "--json"}))
                                    .out);
  EXPECT_EQ(json["schema"], "plait.compose/1");
  EXPECT_EQ(json["dtype"], "f32");
  EXPECT_EQ(json["kernel"]["file"], output_);
  EXPECT_EQ(json["kernel"]["shape"], Json({3, 2, 5, 4}));
  EXPECT_EQ(json["bias"], nullptr);
  EXPECT_EQ(json["stride"], Json({1, 1}));
  EXPECT_EQ(json["groups"], 1);
  EXPECT_EQ(json["problem"], "1x2x4x5,3x2x5x4,p2");
  EXPECT_EQ(json["exact"], false);
  EXPECT_EQ(json["differing"]["outputs"], Json({4, 6}));
  EXPECT_EQ(json["differing"]["count"], 16);
  EXPECT_EQ(json["differing"]["first"], Json({0, 0}));
  EXPECT_EQ(json["differing"]["ranges"][1],
            Json({{"rows", {1, 2}}, {"columns", {{0, 0}, {5, 5}}}}));
  EXPECT_EQ(json["products_per_position"]["two_layers"], 144);
  EXPECT_EQ(json["products"]["one_layer"], 120 * 24);
  EXPECT_EQ(json["measured_seconds"], nullptr);
}

TEST_F(ComposeCommand, ShowsExamples) {
  const Outcome help = run({"compose", "--help"});
  EXPECT_CONTAINS(help.out, "Examples:\n  plait compose k1.npy k2.npy -o k.npy\n");
}

TEST_F(ComposeCommand, RefusesInputs) {
  EXPECT_CONTAINS(error_of(folder_.path("nowhere.npy"), k2_), "No such file");
  EXPECT_CONTAINS(error_of(k1_, folder_.file("text.npy", "hello")), "is not a .npy file");
  EXPECT_CONTAINS(error_of(k1_, folder_.npy("none.npy", ramp({}))),
                  "none.npy: has shape scalar; a kernel is c_o x c_i/groups x k_h x k_w, ");
  EXPECT_CONTAINS(error_of(k1_, folder_.npy("three.npy", ramp({5, 3, 3}))),
                  "K2 reads 5 middle channels but K1 computes 4");
  EXPECT_CONTAINS(error_of(k2_, k1_),
                  "K2 reads 2 middle channels but K1 computes 3 (K1 is 3x4x3x2, K2 is 4x2x3x3: are "
                  "they swapped?)");
  Tensor<float> broken = ramp({4, 2, 3, 3});
  broken(1, 0, 2, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(error_of(folder_.npy("nan.npy", broken), k2_), "layer 1: kernel[1,0,2,1] is nan");
  EXPECT_CONTAINS(error({"--bias1", b2_, "--bias-output", folder_.path("b.npy")}),
                  "bias1 must have one value for each kernel of K1 (4) but is 3");
}

TEST_F(ComposeCommand, RefusesGeometry) {
  EXPECT_CONTAINS(error({"--stride1", "0"}), "layer 1: stride must be at least 1 but is 0x0");
  EXPECT_CONTAINS(error({"--dilation2", "x"}), "--dilation2 x: ");
  EXPECT_CONTAINS(error({"--padding1", "sane"}), "--padding1 sane: ");
  EXPECT_CONTAINS(error({"--padding2=-1"}), "layer 2: padding must not be negative");
  EXPECT_CONTAINS(error({"--groups1", "3"}), "layer 1: groups must divide the channels but 3");
  EXPECT_CONTAINS(error({"--groups2", "0"}), "layer 2: groups must be at least 1 but is 0");
  EXPECT_CONTAINS(error({"--input-size", "0"}), "every size must be at least 1 but h is 0");
  EXPECT_CONTAINS(error({"--input-size", "3x9"}),
                  "layer 2: the 3x2 kernel is larger than the padded input 1x7");
  EXPECT_CONTAINS(error({"--input-size", "big"}), "--input-size big: ");
}

TEST_F(ComposeCommand, RefusesSizesThatNoMachineHas) {
  EXPECT_CONTAINS(error({"--stride1", "1000000000000", "--dilation2", "1000000"}), "overflow: ");
  EXPECT_CONTAINS(error({"--stride1", "1000000"}), "of memory (K1 is 4x2x3x3, K2 is 3x4x3x2, ");
  EXPECT_CONTAINS(error({"--input-size", "2000000"}),
                  "to measure times: --measure 0 leaves that out");
  EXPECT_CONTAINS(error({"--input-size", "99999999999999999999"}), "99999999999999999999");
}

TEST_F(ComposeCommand, WritesNothingThatIsNotExactIfAsked) {
  EXPECT_CONTAINS(error({"--padding1", "1", "--padding2", "1", "--require-exact"}),
                  "no one kernel is exact here, for some sizes of x outputs can differ: padding2 "
                  "1_1_1_1 (top_bottom_left_right) puts zeros");
  EXPECT_CONTAINS(
      error({"--padding1", "1", "--padding2", "1", "--require-exact", "--input-size", "4x5"}),
      "16 of 4x6 outputs can differ, the first at (0, 0)");
  run(words({"--padding1", "1", "--require-exact"}));
}

TEST_F(ComposeCommand, RefusesOutputs) {
  const auto with_output = [&](const std::string& output) {
    return error_line({"compose", k1_, k2_, "-o", output});
  };
  EXPECT_CONTAINS(with_output(folder_.path("none/k.npy")), "there is no folder");
  EXPECT_CONTAINS(with_output(k1_), "is the same file as the input");
  EXPECT_CONTAINS(with_output(folder_.path("k.png")), "plait compose writes .npy");
  EXPECT_CONTAINS(with_output(folder_.path("k")), "k has no extension; plait compose writes .npy");
  EXPECT_CONTAINS(error({"--bias1", b1_}), "say where to write it with --bias-output");
  EXPECT_CONTAINS(error({"--bias-output", folder_.path("b.npy")}),
                  "--bias-output is given but neither layer has a bias");
  EXPECT_CONTAINS(error({"--bias1", b1_, "--bias-output", output_}), "is asked for twice");
  EXPECT_CONTAINS(error({"--differing", folder_.path("d.npy")}), "--differing needs --input-size");
  EXPECT_CONTAINS(error({"--differing", b1_, "--input-size", "9", "--bias1", b1_, "--bias-output",
                         folder_.path("b.npy")}),
                  "is the same file as the input");
}

TEST_F(ComposeCommand, RefusesMissingWords) {
  EXPECT_CONTAINS(error_line({"compose"}), "is required (see plait compose --help)");
  EXPECT_CONTAINS(error_line({"compose", k1_, k2_}), "--output is required");
  EXPECT_CONTAINS(error({"--stride", "2"}), "--stride");
}

}  // namespace
}  // namespace plait::cli
