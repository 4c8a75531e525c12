// Wrong use ends with exit code 2 and one line that says what is wrong, and touches nothing.
#include <unistd.h>

#include <plait/machine.hpp>
#include <plait/plan.hpp>

#include "io/presets.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

// x.npy 1x4x8x8, k.npy 6x4x3x3, and whatever a test adds. The output would be out.npy.
class WrongUse : public testing::Test {
 protected:
  // The error line of `plait run` with these options added to --output out.npy.
  std::string run_error(const std::string& input, const std::string& kernel,
                        const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"run",  "--input",  input,   "--kernel",
                                          kernel, "--output", output()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return error_line(arguments);
  }
  std::string run_error(const std::vector<std::string>& more) { return run_error(x_, k_, more); }

  // Runs any command, expects it to fail properly, and returns its message.
  std::string error_line(const std::vector<std::string>& arguments) {
    const std::vector<std::string> before = folder_.names();
    const Outcome outcome = run_refused(arguments);
    EXPECT_EQ(folder_.names(), before) << "a file appeared or went";
    return outcome.err;
  }

  std::string output() const { return folder_.path("out.npy"); }

  TempFolder folder_;
  std::string x_ = folder_.npy("x.npy", ramp({1, 4, 8, 8}));
  std::string k_ = folder_.npy("k.npy", ramp({6, 4, 3, 3}));
};

TEST_F(WrongUse, TheFixtureItselfIsRightUse) {
  const Outcome run = run_plait({"run", "--input", x_, "--kernel", k_, "--output", output()});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(std::filesystem::exists(output()));
}

TEST_F(WrongUse, Channels) {
  const std::string message = run_error(x_, folder_.npy("k5.npy", ramp({6, 5, 3, 3})));
  EXPECT_CONTAINS(message, "weight expects 5 input channels but x has 4");
  EXPECT_CONTAINS(message, "x is 1x4x8x8, weight is 6x5x3x3");
}

TEST_F(WrongUse, ChannelsWithTheNhwcGuess) {
  const std::string nhwc = folder_.npy("nhwc.npy", ramp({1, 8, 8, 4}));
  EXPECT_CONTAINS(run_error(nhwc, k_),
                  "weight expects 4 input channels but x has 8 (x is 1x8x8x4: is it NHWC? pass "
                  "--layout nhwc)");
  EXPECT_CONTAINS(run_error({"--layout", "nhwc"}), "is it NCHW? pass --layout nchw");
}

TEST_F(WrongUse, WeightsOfAnotherLayoutAreNotGuessed) {
  const std::string nhwc = folder_.npy("nhwc.npy", ramp({1, 70, 70, 3}));
  const std::string both = folder_.npy("both.npy", ramp({3, 3, 3, 64}));
  EXPECT_CONTAINS(run_error(nhwc, both, {"--layout", "nhwc"}),
                  "weight 3x3x3x64 is legal as oihw and as hwio: say which by --weight-layout hwio "
                  "or --weight-layout oihw");
  const std::string hwio = folder_.npy("hwio.npy", ramp({3, 3, 4, 64}));
  EXPECT_CONTAINS(run_error(x_, hwio), "is it hwio? pass --weight-layout hwio");
  EXPECT_CONTAINS(
      run_error({"--weight-layout", "HWIO"}),
      "unknown weight layout 'HWIO'; known: oihw, hwio: tensorflow's and jax' 'HWIO' is "
      "'hwio' here");
}

TEST_F(WrongUse, Groups) {
  EXPECT_CONTAINS(run_error({"--groups", "3"}), "3 groups");
  EXPECT_CONTAINS(run_error({"--groups", "0"}), "groups");
  EXPECT_CONTAINS(run_error({"--groups", "-1"}), "groups");
  // c_i divides, c_o does not.
  const std::string k = folder_.npy("k2.npy", ramp({6, 1, 3, 3}));
  EXPECT_CONTAINS(run_error(x_, k, {"--groups", "4"}), "groups");
}

TEST_F(WrongUse, StrideAndDilation) {
  EXPECT_CONTAINS(run_error({"--stride", "0"}), "stride must be at least 1 but is 0x0");
  EXPECT_CONTAINS(run_error({"--stride", "2x0"}), "stride must be at least 1 but is 2x0");
  EXPECT_CONTAINS(run_error({"--dilation", "0"}), "dilation must be at least 1 but is 0x0");
  EXPECT_CONTAINS(run_error({"--stride", "two"}), "two");
  EXPECT_CONTAINS(run_error({"--stride", "1x2x3"}), "1x2x3");
  EXPECT_CONTAINS(run_error({"--stride", "0", "--padding", "same_upper"}), "stride");
}

TEST_F(WrongUse, KernelLargerThanThePaddedInput) {
  const std::string k = folder_.npy("k11.npy", ramp({1, 4, 11, 11}));
  EXPECT_CONTAINS(run_error(x_, k, {"--padding", "1"}),
                  "the 11x11 kernel is larger than the padded input 10x10");
  EXPECT_CONTAINS(run_error({"--dilation", "4"}), "larger than the padded input 8x8");
}

TEST_F(WrongUse, Padding) {
  EXPECT_CONTAINS(run_error({"--padding", "sane_upper"}), "--padding sane_upper: ");
  EXPECT_CONTAINS(run_error({"--padding=-1"}), "padding");
  EXPECT_CONTAINS(run_error({"--padding", "1_2_3"}), "1_2_3");
  EXPECT_CONTAINS(
      run_error({"--padding-mode", "mirror"}),
      "unknown padding mode 'mirror'; known: zeros, reflect, symmetric, replicate, circular, "
      "constant=NUMBER: scipy.ndimage's 'mirror' is 'reflect' here");
  EXPECT_CONTAINS(run_error({"--padding-mode", "constant=x"}), "constant=NUMBER");
  EXPECT_CONTAINS(run_error({"--padding", "9", "--padding-mode", "reflect"}), "reflect padding");
}

TEST_F(WrongUse, OverflowAndTooMuchMemory) {
  EXPECT_CONTAINS(run_error({"--padding", "4000000000000000000"}), "overflow");
  EXPECT_CONTAINS(run_error({"--padding", "99999999999999999999999"}), "99999999999999999999999");
  EXPECT_CONTAINS(run_error({"--padding", "1000000"}), "of memory");
}

TEST_F(WrongUse, UnknownNamesListTheKnownOnes) {
  const std::string preset = run_error(x_, "edgse");
  EXPECT_CONTAINS(preset, "unknown kernel preset 'edgse'");
  for (const PresetInfo& known : presets()) EXPECT_CONTAINS(preset, known.name);

  const std::string algorithm = run_error({"--algorithm", "magic"});
  EXPECT_CONTAINS(algorithm, "magic");
  for (const AlgorithmInfo& known : algorithms()) EXPECT_CONTAINS(algorithm, known.name);
  EXPECT_CONTAINS(error_line({"plan", "1x4x8x8,6x4x3x3", "--algorithm", "magic"}), "magic");

  for (const std::string& message : {run_error({"--target", "MMX"}),
                                     error_line({"plan", "1x4x8x8,6x4x3x3", "--target", "MMX"})}) {
    EXPECT_CONTAINS(message, "unknown target 'MMX'; this CPU can run");
    for (const Target known : host_machine().targets) EXPECT_CONTAINS(message, name_of(known));
  }

  const std::string accuracy = run_error({"--accuracy", "exact"});
  for (const char* known : {"exact", "strict", "fp32", "relaxed"}) EXPECT_CONTAINS(accuracy, known);
  const std::string activation = run_error({"--activation", "rely"});
  for (const char* known : {"rely", "relu6", "hswish", "tanh"}) EXPECT_CONTAINS(activation, known);
  EXPECT_CONTAINS(run_error({"--dtype", "f16"}), "unknown dtype 'f16'; known: f32, f64");
  EXPECT_CONTAINS(run_error({"--layout", "chw"}), "unknown layout 'chw'; known: nchw, nhwc");
  EXPECT_CONTAINS(run_error({"--max-workspace", "lots"}), "'lots' is not a number of bytes");
  EXPECT_CONTAINS(run_error({"--max-workspace", "-1"}), "'-1' is not a number of bytes");
}

TEST_F(WrongUse, ATargetThatTheCpuCannotRun) {
  for (const Target target : {Target::emu128, Target::sse4, Target::avx2, Target::avx3}) {
    const auto& can = host_machine().targets;
    if (std::find(can.begin(), can.end(), target) != can.end()) continue;
    EXPECT_CONTAINS(run_error({"--target", std::string(name_of(target))}),
                    "this CPU cannot run target");
  }
}

TEST_F(WrongUse, AnAlgorithmThatRefuses) {
  EXPECT_CONTAINS(run_error({"--algorithm", "pointwise"}), "only 1x1 kernels, not 3x3");
}

TEST_F(WrongUse, MissingAndUnreadableInputs) {
  EXPECT_CONTAINS(run_error(folder_.path("none.npy"), k_), "No such file");
  EXPECT_CONTAINS(run_error(x_, folder_.path("none.npy")), "No such file");
  EXPECT_CONTAINS(run_error(folder_.path("."), k_), "Is a directory");
  EXPECT_CONTAINS(run_error(folder_.file("empty.png", ""), k_), "the file is empty");
  EXPECT_CONTAINS(run_error(folder_.file("text.txt", "hello"), k_),
                  "is neither a JPEG, a PNG nor a .npy file");
  EXPECT_CONTAINS(run_error(x_, folder_.file("text.npy", "hello")), "is not a .npy file");
  EXPECT_CONTAINS(run_error({"--bias", folder_.path("none.npy")}), "No such file");
}

TEST_F(WrongUse, CorruptAndTruncatedInputs) {
  const std::string photo = slurp(PLAIT_PHOTO);
  EXPECT_CONTAINS(run_error(folder_.file("half.jpg", photo.substr(0, photo.size() / 2)), "edges"),
                  "half.jpg: corrupt JPEG");
  const std::string png = png_of(4, 4, PNG_FORMAT_RGB, std::vector<unsigned char>(48, 7));
  EXPECT_CONTAINS(run_error(folder_.file("half.png", png.substr(0, png.size() / 2)), "edges"),
                  "half.png: corrupt PNG");
  const std::string npy = slurp(x_);
  EXPECT_CONTAINS(run_error(folder_.file("half.npy", npy.substr(0, npy.size() / 2)), k_),
                  "half.npy: is truncated: shape 1x4x8x8 of dtype '<f4' needs 1024 bytes");
}

TEST_F(WrongUse, ArraysOfOtherKinds) {
  const auto npy = [&](const std::string& descr, const std::string& shape, std::size_t bytes) {
    return folder_.file(
        "bad.npy",
        raw_npy(1, "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}",
                std::string(bytes, '\0')));
  };
  EXPECT_CONTAINS(run_error(npy("<i8", "(1, 4, 8, 8)", 2048), k_), "has dtype '<i8'");
  EXPECT_CONTAINS(run_error(npy("<f4", "(1, 4, 0, 8)", 0), k_),
                  "every size must be at least 1 but h is 0 (x is 1x4x0x8");
  EXPECT_CONTAINS(run_error(npy("<f4", "(256,)", 1024), k_), "an input is h x w");
  EXPECT_CONTAINS(run_error(x_, npy("<f4", "(9,)", 36)), "a kernel is k_h x k_w");
  EXPECT_CONTAINS(run_error({"--bias", npy("<f4", "(5,)", 20)}), "so it needs shape 6");
  EXPECT_CONTAINS(run_error({"--bias", npy("<f4", "(6, 1)", 24)}), "has shape 6x1");
}

TEST_F(WrongUse, Outputs) {
  const auto with_output = [&](const std::string& output) {
    return error_line({"run", "--input", x_, "--kernel", k_, "--output", output});
  };
  EXPECT_CONTAINS(with_output(folder_.path("y.gif")),
                  "has the extension .gif; plait writes .png and .npy");
  EXPECT_CONTAINS(with_output(folder_.path("y")), "has no extension");
  EXPECT_CONTAINS(with_output(folder_.path("none/y.npy")), "there is no folder");
  EXPECT_CONTAINS(with_output(x_ + "/y.npy"), "cannot write");
  std::filesystem::create_directory(folder_.path("sub.npy"));
  EXPECT_CONTAINS(with_output(folder_.path("sub.npy")), "Is a directory");
  EXPECT_CONTAINS(with_output(x_), "is the same file as the input");
  EXPECT_CONTAINS(with_output(k_), "is the same file as the input");
  const std::string before = slurp(x_);
  EXPECT_EQ(slurp(x_), before);
}

TEST_F(WrongUse, OutputIsCheckedBeforeTheInputIsRead) {
  // Both are wrong; the output's error comes first.
  EXPECT_CONTAINS(error_line({"run", "--input", folder_.path("none.npy"), "--kernel", k_,
                              "--output", folder_.path("none/y.npy")}),
                  "there is no folder");
}

TEST_F(WrongUse, APictureOfABatch) {
  const std::string x = folder_.npy("batch.npy", ramp({2, 4, 8, 8}));
  EXPECT_CONTAINS(
      error_line({"run", "--input", x, "--kernel", k_, "--output", folder_.path("y.png")}),
      "the batch has 2");
}

TEST_F(WrongUse, InceptionIsFixed) {
  EXPECT_CONTAINS(run_error(PLAIT_PHOTO, "inception", {"--stride", "2"}), "takes no --stride");
  EXPECT_CONTAINS(run_error(x_, "inception"), "expects a picture of 3 channels");
}

TEST_F(WrongUse, ProblemLines) {
  EXPECT_CONTAINS(error_line({"plan", "1x64x56x56,64x64x3x3,q1"}), "column");
  EXPECT_CONTAINS(error_line({"plan", ""}), "column");
  EXPECT_CONTAINS(error_line({"plan", "1x64x56x56,64x32x3x3"}), "weight");
  EXPECT_CONTAINS(error_line({"plan", "1x4x8x8,4x4x3x3,s0"}), "stride");
}

TEST_F(WrongUse, CommandLines) {
  EXPECT_CONTAINS(error_line({}), "A subcommand is required (see plait --help)");
  EXPECT_CONTAINS(error_line({"bake"}), "unknown command 'bake'; known: run, plan, cost, bench");
  EXPECT_CONTAINS(error_line({"run"}), "--input is required (see plait run --help)");
  EXPECT_CONTAINS(error_line({"run", "--input", x_}), "--kernel is required");
  EXPECT_CONTAINS(error_line({"plan"}), "line is required");
  EXPECT_CONTAINS(run_error({"--colour"}), "--colour");
  EXPECT_CONTAINS(run_error({"--threads", "0"}), "not in range 1 to 4096");
  EXPECT_CONTAINS(run_error({"--threads", "many"}), "many");
  EXPECT_CONTAINS(run_error({"--groups", "1.5"}), "1.5");
  EXPECT_CONTAINS(run_error({"--relu", "--activation", "tanh"}), "--relu");
  EXPECT_CONTAINS(error_line({"info", "--machine"}), "--machine");
}

TEST_F(WrongUse, JsonPrintsNothingOnAnError) {
  const Outcome outcome =
      run_plait({"run", "--input", x_, "--kernel", k_, "--stride", "0", "--json"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
}

TEST_F(WrongUse, AFullDiskBehindStandardOutput) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  const int code = std::system(
      (std::string(PLAIT_PROGRAM) + " info > /dev/full 2> " + folder_.path("err")).c_str());
  EXPECT_EQ(WEXITSTATUS(code), 2);
  EXPECT_CONTAINS(slurp(folder_.path("err")), "cannot write to standard output");
}

}  // namespace
}  // namespace plait::cli
