// `plait decompose` as a user runs it.
#include <nlohmann/json.hpp>

#include <cmath>

#include <plait/conv2d.hpp>
#include <plait/rewrite/decompose.hpp>

#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

// k.npy is 4x6x3x3 of f32 that has no structure.
class DecomposeCommand : public testing::Test {
 protected:
  Outcome run(const std::string& kernel, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"decompose", kernel};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_plait(arguments);
  }

  std::string output(const std::string& kernel, const std::vector<std::string>& more = {}) {
    const Outcome outcome = run(kernel, more);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  }

  // Runs wrong use and returns its message; no file may come or go.
  std::string error(const std::string& kernel, const std::vector<std::string>& more = {}) {
    const std::vector<std::string> names = folder_.names();
    std::vector<std::string> arguments = {"decompose", kernel};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_refused(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(folder_.names(), names) << "a file appeared or went";
    return outcome.err;
  }

  static Tensor<float> scattered() {
    Tensor<float> kernel({4, 6, 3, 3});
    for (std::int64_t i = 0; i < kernel.size(); ++i) {
      kernel.data()[i] = static_cast<float>(std::sin(static_cast<double>(i * i)));
    }
    return kernel;
  }

  template <class T>
  Tensor<T> read_tensor(const std::string& name) {
    return std::get<Tensor<T>>(parse_npy(slurp(folder_.path(name)), name));
  }

  TempFolder folder_;
  std::string k_ = folder_.npy("k.npy", scattered());
};

TEST_F(DecomposeCommand, TellsThatAKernelHasNoFactors) {
  const std::string line = folder_.npy("line.npy", Tensor<double>({3}, {1, 0, 1}));
  EXPECT_EQ(output(line),
            "kernel     1x1x1x3, f64\n"
            "separable  yes: singular values 1.4; sigma_2 / sigma_1 is 0 (tolerance 5.1e-15)\n"
            "factors    impossible: the polynomial of degree 2 has no real root: b^2 - 4ac = -4 < "
            "0\n"
            "           discriminant -4\n");
}

TEST_F(DecomposeCommand, WritesTheColumnAndTheRow) {
  const std::string sobel =
      folder_.npy("sobel.npy", Tensor<float>({3, 3}, {1, 0, -1, 2, 0, -2, 1, 0, -1}));
  const std::string text =
      output(sobel, {"--form", "factors", "-o", folder_.path("s"), "--padding", "1"});
  EXPECT_CONTAINS(text, "           [1; 2; 1] * [1, 0, -1]\n");
  EXPECT_CONTAINS(text, "layer 1    " + folder_.path("s1.npy") +
                            " (1x1x3x1, stride 1x1, padding 1_1_1_1, dilation 1x1, groups 1)\n");
  EXPECT_EQ(folder_.names(), (std::vector<std::string>{"k.npy", "s1.npy", "s2.npy", "sobel.npy"}));
  EXPECT_EQ(read_tensor<float>("s1.npy").shape(), (Dims{1, 1, 3, 1}));
  EXPECT_EQ(read_tensor<float>("s2.npy").shape(), (Dims{1, 1, 1, 3}));
}

TEST_F(DecomposeCommand, WrittenKernelsAndTheirOrderAreTheLayer) {
  output(k_, {"--rank", "3", "--form", "spatial_pairs", "-o", folder_.path("p")});
  const Tensor<float> x = ramp({1, 6, 5, 6});
  const auto first = read_tensor<float>("p1.npy");
  const auto second = read_tensor<float>("p2.npy");
  const auto reads = read_tensor<double>("p_reads.npy");
  const Tensor<float> made = conv2d(x, first, {.groups = 6});
  Tensor<float> ordered(made.shape());
  const std::int64_t plane = made.size(2) * made.size(3);
  for (std::int64_t c = 0; c < reads.size(); ++c) {
    const auto from = static_cast<std::int64_t>(reads(c));
    std::copy_n(made.data() + from * plane, plane, ordered.data() + c * plane);
  }
  const Tensor<float> y = conv2d(ordered, second, {.groups = 4});
  const Tensor<float> expected = conv2d(x, scattered());
  ASSERT_EQ(y.shape(), expected.shape());
  for (std::int64_t e = 0; e < y.size(); ++e) {
    EXPECT_NEAR(y.data()[e], expected.data()[e], 1e-5);
  }
}

TEST_F(DecomposeCommand, PrintsJson) {
  const Json json =
      Json::parse(output(k_, {"--error", "0.5", "--padding", "1_0_1_2", "--input-size", "12x10",
                              "--measure", "0.001", "--json"}));
  EXPECT_EQ(json["schema"], "plait.decompose/1");
  EXPECT_EQ(json["kernel"], k_);
  EXPECT_EQ(json["output"], nullptr);
  EXPECT_EQ(json["dtype"], "f32");
  EXPECT_EQ(json["error"], 0.5);
  EXPECT_EQ(json["layer"]["kernel_shape"], Json({4, 6, 3, 3}));
  EXPECT_EQ(json["layer"]["padding"], Json({1, 0, 1, 2}));
  EXPECT_EQ(json["cost"]["multiplications_per_position"], 216);
  EXPECT_EQ(json["cost"]["multiplications"], 216 * 11 * 11);
  EXPECT_GT(json["cost"]["measured_seconds"], 0);
  EXPECT_EQ(json["separability"]["kernels"], 24);
  EXPECT_EQ(json["separability"]["singular_values"].size(), 24U);
  EXPECT_EQ(json["factorisation"]["answer"], "undecided");
  EXPECT_EQ(json["factorisation"]["middle_channels"].size(), 7U);
  ASSERT_EQ(json["forms"].size(), 4U);
  ASSERT_EQ(json["approximations"].size(), 4U);
  for (const Json& each : json["approximations"]) {
    EXPECT_LE(each["kernel_error"], 0.5);
    EXPECT_LE(each["bound_share"], 1);
    EXPECT_EQ(each["layers"].size(), 2U);
  }
  const Json predicted =
      Json::parse(output(k_, {"--rank", "1", "--input-size", "9", "--measure", "0", "--json"}));
  EXPECT_EQ(predicted["cost"]["measured_seconds"], nullptr);
  EXPECT_GT(predicted["cost"]["predicted_seconds"], 0);
}

TEST_F(DecomposeCommand, ShowsExamples) {
  const Outcome help = run_plait({"decompose", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_CONTAINS(help.out, "Examples:\n  plait decompose k.npy\n");
}

TEST_F(DecomposeCommand, RefusesInputs) {
  EXPECT_CONTAINS(error(folder_.path("none.npy")), "No such file");
  EXPECT_CONTAINS(error(folder_.file("text.npy", "hello")), "is not a .npy file");
  Tensor<float> kernel = scattered();
  kernel(1, 2, 0, 1) = NAN;
  EXPECT_CONTAINS(error(folder_.npy("nan.npy", kernel)), "kernel[1,2,0,1] is nan");
}

TEST_F(DecomposeCommand, RefusesOptions) {
  EXPECT_CONTAINS(error(k_, {"--rank", "99"}),
                  "rank 99 is in no form's range: spatial_pairs 1 to 3, spatial_shared 1 to 12, "
                  "channels_first 1 to 6, channels_last 1 to 4");
  EXPECT_CONTAINS(error(k_, {"--rank", "0"}), "rank must be at least 1 but is 0");
  EXPECT_CONTAINS(error(k_, {"--error", "1"}), "must be in [0, 1) but is 1");
  EXPECT_CONTAINS(error(k_, {"--rank", "1", "--error", "0.1"}), "--rank excludes --error");
  EXPECT_CONTAINS(error(k_, {"--groups", "3"}), "3 does not divide c_o = 4");
  EXPECT_CONTAINS(error(k_, {"--input-size", "2x9"}), "the 3x3 kernel is larger than the padded");
  EXPECT_CONTAINS(error(k_, {"--stride", "2", "--padding", "same_upper"}), "give --input-size");
  EXPECT_CONTAINS(error(k_, {"--input-size", "900000x900000"}), "needs some");
}

TEST_F(DecomposeCommand, RefusesToWriteWhatThereIsNot) {
  const std::string prefix = folder_.path("x");
  EXPECT_CONTAINS(error(k_, {"-o", prefix}), "there are no layers to write");
  EXPECT_CONTAINS(error(k_, {"--rank", "2", "-o", prefix}), "choose by --form spatial_pairs, ");
  EXPECT_CONTAINS(error(k_, {"--rank", "2", "-o", prefix, "--form", "factors"}),
                  "no layers of the form factors to write, only spatial_pairs, ");
  EXPECT_CONTAINS(error(k_, {"--rank", "2", "-o", prefix, "--form", "wide"}),
                  "unknown form of layers \"wide\"");
  EXPECT_CONTAINS(error(k_, {"--form", "factors"}), "say where with --output");
  EXPECT_CONTAINS(
      error(k_, {"--rank", "2", "--form", "channels_last", "-o", folder_.path("none/x")}),
      "there is no folder");
  const std::string own = folder_.npy("k1.npy", scattered());
  EXPECT_CONTAINS(error(own, {"--rank", "2", "--form", "channels_last", "-o", folder_.path("k")}),
                  "k1.npy");
}

}  // namespace
}  // namespace plait::cli
