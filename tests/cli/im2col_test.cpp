// `plait im2col` as a user runs it.
#include <nlohmann/json.hpp>

#include <plait/analysis/im2col.hpp>
#include <plait/conv2d.hpp>

#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

template <class T>
Tensor<T> read_tensor(const std::string& path) {
  return std::get<Tensor<T>>(parse_npy(slurp(path), path));
}

// x.npy is 1x2x4x5 of f32 unless a test writes another; the matrix would be m.npy.
class Im2colCommand : public testing::Test {
 protected:
  Outcome run(const std::string& input, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"im2col", input, "-o", output_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_plait(arguments);
  }

  // The matrix that the program writes.
  template <class T>
  Tensor<T> matrix(const std::string& input, const std::vector<std::string>& more) {
    const Outcome outcome = run(input, more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return read_tensor<T>(output_);
  }

  // Runs wrong use and returns its message; no file may come, go or change.
  std::string error_line(const std::vector<std::string>& arguments) {
    const std::vector<std::string> names = folder_.names();
    const std::string before = slurp(x_);
    const Outcome outcome = run_refused(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(folder_.names(), names) << "a file appeared or went";
    EXPECT_EQ(slurp(x_), before);
    return outcome.err;
  }
  std::string error(const std::string& input, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"im2col", input, "-o", output_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return error_line(arguments);
  }

  TempFolder folder_;
  std::string output_ = folder_.path("m.npy");
  std::string x_ = folder_.npy("x.npy", ramp({1, 2, 4, 5}));
};

template <class T>
void expect_equal(const Tensor<T>& a, const Tensor<T>& b) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
}

TEST_F(Im2colCommand, WritesTheMatrixAndSaysSo) {
  const Outcome outcome = run(x_, {"--kernel", "3", "--padding", "1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, x_ + " (1x2x4x5 f32, 160 B) -> " + output_ + " (1x20x18 f32, 1.41 KiB)\n");
  expect_equal(read_tensor<float>(output_),
               im2col(ramp({1, 2, 4, 5}), {.kernel = 3, .padding = 1}));
}

TEST_F(Im2colCommand, TakesEveryRankAndKeepsTheDtype) {
  const std::string three = folder_.npy("three.npy", ramp<double>({2, 4, 5}));
  const std::string two = folder_.npy("two.npy", ramp<double>({4, 5}));
  EXPECT_EQ(matrix<float>(x_, {"--kernel", "2x3"}).shape(), (Dims{1, 9, 12}));
  expect_equal(matrix<double>(three, {"--kernel", "2x3"}),
               im2col(ramp<double>({2, 4, 5}), {.kernel = {2, 3}}));
  expect_equal(matrix<double>(two, {"--kernel", "2x3"}),
               im2col(ramp<double>({1, 4, 5}), {.kernel = {2, 3}}));
}

TEST_F(Im2colCommand, TakesEveryOption) {
  const Tensor<float> x = ramp({1, 2, 4, 5});
  expect_equal(matrix<float>(x_, {"--kernel", "2", "--stride", "2x1", "--padding", "1x2",
                                  "--dilation", "1x3"}),
               im2col(x, {.kernel = 2, .stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 3}}));
  expect_equal(matrix<float>(x_, {"--kernel", "3", "--padding", "0_1_2_3"}),
               im2col(x, {.kernel = 3, .padding = {0, 1, 2, 3}}));
  expect_equal(matrix<float>(x_, {"--kernel", "3x2", "--stride", "2", "--padding", "same_upper"}),
               im2col(x, {.kernel = {3, 2}, .stride = 2, .padding = {0, 1, 0, 1}}));
}

TEST_F(Im2colCommand, PrintsJson) {
  const Outcome outcome = run(x_, {"--kernel", "3", "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["schema"], "plait.im2col/1");
  EXPECT_EQ(json["input"], x_);
  EXPECT_EQ(json["output"], output_);
  EXPECT_EQ(json["dtype"], "f32");
  EXPECT_EQ(json["x_shape"], Json({1, 2, 4, 5}));
  EXPECT_EQ(json["x_bytes"], 160);
  EXPECT_EQ(json["matrix_shape"], Json({1, 6, 18}));
  EXPECT_EQ(json["matrix_bytes"], 432);
}

TEST_F(Im2colCommand, ShowsExamples) {
  const Outcome help = run_plait({"im2col", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_CONTAINS(help.out, "Examples:\n  plait im2col x.npy -o matrix.npy --kernel 3");
}

TEST_F(Im2colCommand, RefusesInputs) {
  EXPECT_CONTAINS(error(folder_.path("none.npy"), {"--kernel", "3"}), "No such file");
  EXPECT_CONTAINS(error(folder_.file("text.npy", "hello"), {"--kernel", "3"}),
                  "is not a .npy file");
  EXPECT_CONTAINS(error(folder_.npy("one.npy", ramp({7})), {"--kernel", "3"}),
                  "one.npy: has shape 7; an input is h x w, c x h x w or n x c x h x w");
  const std::string header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1, 1)}";
  EXPECT_CONTAINS(
      error(folder_.file("int.npy", raw_npy(1, header, std::string(8, '\0'))), {"--kernel", "1"}),
      "has dtype '<i8'");
}

TEST_F(Im2colCommand, RefusesGeometry) {
  EXPECT_CONTAINS(error(x_, {"--kernel", "7"}),
                  "the 7x7 kernel is larger than the padded input 4x5 (x is 1x2x4x5");
  EXPECT_CONTAINS(error(x_, {"--kernel", "0"}), "every size must be at least 1 but k_h is 0");
  EXPECT_CONTAINS(error(x_, {"--kernel", "1x2x3"}), "--kernel 1x2x3: ");
  EXPECT_CONTAINS(error(x_, {"--kernel", ""}), "--kernel : ");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--padding", ""}), "--padding : ");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--stride", "0"}), "stride must be at least 1");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--dilation", "2.5"}), "--dilation 2.5: ");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--padding", "sane"}), "--padding sane: ");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--padding=-1"}), "padding");
}

TEST_F(Im2colCommand, RefusesSizesThatNoMachineHas) {
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--padding", "1000000000"}),
                  "overflow: the patches matrix");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--padding", "1000000"}), "of memory (x is 1x2x4x5");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--padding", "99999999999999999999"}),
                  "99999999999999999999");
}

TEST_F(Im2colCommand, RefusesOutputs) {
  const auto with_output = [&](const std::string& output) {
    return error_line({"im2col", x_, "--kernel", "3", "-o", output});
  };
  EXPECT_CONTAINS(with_output(folder_.path("none/m.npy")), "there is no folder");
  EXPECT_CONTAINS(with_output(x_), "is the same file as the input");
  EXPECT_CONTAINS(with_output(folder_.path("m.png")),
                  "m.png has the extension .png; plait im2col writes .npy");
  EXPECT_CONTAINS(with_output(folder_.path("m")), "m has no extension; plait im2col writes .npy");
  // Before the input is read: both are wrong here.
  EXPECT_CONTAINS(error_line({"im2col", folder_.path("none.npy"), "--kernel", "3", "-o",
                              folder_.path("none/m.npy")}),
                  "there is no folder");
}

TEST_F(Im2colCommand, RefusesMissingWords) {
  EXPECT_CONTAINS(error_line({"im2col"}), "is required (see plait im2col --help)");
  EXPECT_CONTAINS(error_line({"im2col", x_, "--kernel", "3"}), "--output is required");
  EXPECT_CONTAINS(error_line({"im2col", x_, "-o", output_}), "--kernel is required");
  EXPECT_CONTAINS(error(x_, {"--kernel", "3", "--groups", "2"}), "--groups");
}

TEST_F(Im2colCommand, ReplacesAFileAsAWhole) {
  folder_.file("m.npy", "old");
  EXPECT_EQ(error(x_, {"--kernel", "9"}).find("plait: the 9x9 kernel"), 0U);
  EXPECT_EQ(slurp(output_), "old");
  EXPECT_EQ(matrix<float>(x_, {"--kernel", "4"}).shape(), (Dims{1, 2, 32}));
}

}  // namespace
}  // namespace plait::cli
