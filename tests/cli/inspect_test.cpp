// `plait inspect` as a user runs it, and its picture.
#include <nlohmann/json.hpp>

#include <array>
#include <limits>

#include "draw/kernel_bank.hpp"
#include "io/image.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

// Two groups of channels, even and odd ones, with kernels of the middle tap alone.
Tensor<float> hidden_groups() {
  Tensor<float> kernel({6, 4, 3, 3});
  for (std::int64_t o = 0; o < 6; ++o) {
    for (std::int64_t i = o % 2; i < 4; i += 2) {
      kernel(o, i, 1, 1) = static_cast<float>((o + 1) * (i + 2) + o * o);
    }
  }
  return kernel;
}

Json json_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "inspect");
  arguments.emplace_back("--json");
  const Outcome outcome = run_plait(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return Json::parse(outcome.out);
}

TEST(InspectCommand, PrintsWhatIsFoundAndProposed) {
  const TempFolder folder;
  const Outcome outcome =
      run_plait({"inspect", folder.npy("k.npy", hidden_groups()), "--padding", "1"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "kernel    6x4x3x3 f32, 1 group; stride 1, padding 1, dilation 1\n");
  EXPECT_CONTAINS(outcome.out, "taps not zero     row 1 of 3, column 1 of 3\n");
  EXPECT_CONTAINS(outcome.out, "2 blocks, packed into 2 groups of 3 outputs and 2 inputs\n");
  EXPECT_CONTAINS(outcome.out, "combined                12  cheaper: 0.056 of the products\n");
  EXPECT_CONTAINS(outcome.out, "bitwise: the kernel rebuilt from the layers has the same bits");
}

TEST(InspectCommand, MeasuresWithAnInputSize) {
  const TempFolder folder;
  const std::string k = folder.npy("k.npy", hidden_groups());
  const Json json = json_of({k, "--padding", "1", "--input-size", "9x8", "--measure", "0.001"});
  EXPECT_EQ(json["input_size"], Json({9, 8}));
  EXPECT_EQ(json["multiplications"], 216 * 72);
  EXPECT_GT(json["measured_seconds"], 0);
  EXPECT_GT(json["proposals"][0]["predicted_seconds"], 0);
  const Json predicted = json_of({k, "--padding", "1", "--input-size", "9", "--measure", "0"});
  EXPECT_EQ(predicted["measured_seconds"], nullptr);
}

TEST(InspectCommand, PrintsJson) {
  const TempFolder folder;
  const Json json = json_of({folder.npy("k.npy", hidden_groups()), "--padding", "1"});
  EXPECT_EQ(json["schema"], "plait.inspect/1");
  EXPECT_EQ(json["kernel_shape"], Json({6, 4, 3, 3}));
  EXPECT_EQ(json["dtype"], "f32");
  EXPECT_EQ(json["padding"], Json({1, 1, 1, 1}));
  EXPECT_EQ(json["input_size"], nullptr);
  EXPECT_EQ(json["multiplications"], nullptr);
  EXPECT_EQ(json["picture"], nullptr);
  EXPECT_EQ(json["found"]["zero_kernels"], 12);
  EXPECT_EQ(json["found"]["window"]["rows"], Json({{"first", 1}, {"count", 1}, {"step", 1}}));
  EXPECT_EQ(json["found"]["blocks"]["components"], 2);
  const Json* last = nullptr;
  for (const Json& proposal : json["proposals"]) {
    if (proposal["name"] == "combined") last = &proposal;
  }
  ASSERT_NE(last, nullptr);
  EXPECT_EQ((*last)["bitwise"], true);
  EXPECT_EQ((*last)["output_bound"], 0);
  EXPECT_EQ((*last)["share"], 12.0 / 216);
  EXPECT_EQ((*last)["cheaper"], true);
  const Json& layer = (*last)["layers"][0];
  EXPECT_EQ(layer["kernel_shape"], Json({6, 2, 1, 1}));
  EXPECT_EQ(layer["groups"], 2);
  EXPECT_EQ(layer["reads"], Json({0, 2, 1, 3}));
  EXPECT_EQ(layer["writes"], Json({0, 2, 4, 1, 3, 5}));
  EXPECT_EQ(layer["padding"], Json({0, 0, 0, 0}));
}

TEST(InspectCommand, TakesOneKernelAndOneOutputsKernels) {
  const TempFolder folder;
  EXPECT_EQ(json_of({folder.npy("one.npy", ramp({3, 5}))})["kernel_shape"], Json({1, 1, 3, 5}));
  EXPECT_EQ(json_of({folder.npy("c.npy", ramp<double>({4, 3, 5}))})["dtype"], "f64");
  const Json same = json_of({folder.npy("k.npy", ramp({4, 1, 3, 3})), "--groups", "4", "--padding",
                             "same_upper", "--dilation", "2x1"});
  EXPECT_EQ(same["padding"], Json({2, 2, 1, 1}));
  EXPECT_EQ(same["groups"], 4);
}

TEST(InspectCommand, DrawsAPngAndAnSvg) {
  const TempFolder folder;
  const std::string k = folder.npy("k.npy", hidden_groups());
  const std::string png = folder.path("bank.png");
  const Outcome outcome = run_plait({"inspect", k, "--picture", png});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "picture   " + png + "\n");
  const BankLayout layout = bank_layout({6, 4, 3, 3});
  const Tensor<float> picture = decode_image(slurp(png), "bank");
  EXPECT_EQ(picture.shape(), (Dims{3, layout.height, layout.width}));

  const std::string svg = folder.path("bank.SVG");
  EXPECT_EQ(json_of({k, "--picture", svg})["picture"], svg);
  const std::string text = slurp(svg);
  EXPECT_CONTAINS(text, "<svg");
  EXPECT_CONTAINS(text, "</svg>");
  EXPECT_EQ(text.find("<image"), std::string::npos) << "few taps are vectors";
}

// The middle pixel of a tap.
std::array<float, 3> pixel_of(const Tensor<float>& picture, const BankLayout& layout,
                              std::int64_t o, std::int64_t i, std::int64_t u, std::int64_t v) {
  const std::int64_t x = layout.left + o / layout.rows * layout.step + i * layout.cell_w +
                         v * layout.tap + layout.tap / 2;
  const std::int64_t y =
      layout.top + o % layout.rows * layout.cell_h + u * layout.tap + layout.tap / 2;
  return {picture(0, y, x), picture(1, y, x), picture(2, y, x)};
}

TEST(KernelBank, ShowsEachTapInItsPlace) {
  for (const Dims& shape : {Dims{6, 4, 3, 3}, Dims{40, 1, 5, 3}, Dims{9, 30, 1, 1},
                            Dims{64, 3, 7, 7}, Dims{2, 2, 1, 9}, Dims{300, 200, 1, 1}}) {
    SCOPED_TRACE(to_string(shape));
    KernelBank bank{Tensor<double>(shape), 1, "bank"};
    // -1, 0, 1, -1, ...
    for (std::int64_t at = 0; at < bank.kernel.size(); ++at) {
      bank.kernel.data()[at] = static_cast<double>(at % 3 - 1);
    }
    const BankLayout layout = bank_layout(shape);
    const Tensor<float> picture = decode_image(draw_kernel_bank(bank, false).bytes, "bank");
    ASSERT_EQ(picture.shape(), (Dims{3, layout.height, layout.width}));
    EXPECT_GE(layout.panels * layout.rows, layout.outputs);
    for (std::int64_t at = 0; at < bank.kernel.size(); at += 1 + at / 50) {
      const std::int64_t v = at % shape[3];
      const std::int64_t u = at / shape[3] % shape[2];
      const std::int64_t i = at / (shape[2] * shape[3]) % shape[1];
      const std::int64_t o = at / (shape[1] * shape[2] * shape[3]);
      if (o >= layout.outputs || i >= layout.inputs) continue;
      const auto [red, green, blue] = pixel_of(picture, layout, o, i, u, v);
      const double value = bank.kernel.data()[at];
      if (value == 0) {
        EXPECT_EQ(red, blue) << "neutral";
        EXPECT_EQ(red, green);
        EXPECT_GT(red, picture(0, 0, 0) * 0.9F) << "nearly as light as the paper";
      } else {
        EXPECT_EQ(red > blue, value > 0) << at;
      }
    }
  }
}

TEST(KernelBank, ShowsPartOfALargeOneAndSaysSo) {
  const Dims shape{2048, 1024, 3, 3};
  const BankLayout layout = bank_layout(shape);
  EXPECT_LE(layout.width, 1400);
  EXPECT_LE(layout.height, 1600);
  EXPECT_EQ(shown_text(layout, shape),
            "the first 128 of 2048 outputs and the first 112 of 1024 "
            "inputs");
  EXPECT_EQ(shown_text(bank_layout({512, 256, 1, 1}), {512, 256, 1, 1}), "");
  // A window larger than the sheet makes the sheet larger.
  EXPECT_GT(bank_layout({4, 4, 4096, 4096}).width, 4096);
  EXPECT_CONTAINS(error_of([] { bank_layout({1, 1, 1, 4097}); }), "4096 x 4096 taps");

  const TempFolder folder;
  const std::string k = folder.npy("k.npy", Tensor<float>({200, 150, 3, 3}));
  const Outcome outcome = run_plait({"inspect", k, "--picture", folder.path("bank.png")});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out,
                  "bank.png, the first 128 of 200 outputs and the first 112 of 150 inputs\n");
  json_of({k, "--picture", folder.path("bank.svg")});
  EXPECT_CONTAINS(slurp(folder.path("bank.svg")), "<image");
}

TEST(InspectCommand, RefusesWrongUse) {
  const TempFolder folder;
  const std::string k = folder.npy("k.npy", ramp({4, 2, 3, 3}));
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"inspect"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const std::vector<std::string> before = folder.names();
    const Outcome outcome = run_refused(arguments);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(folder.names(), before) << "nothing is written";
    return outcome.err;
  };
  EXPECT_CONTAINS(error({}), "kernel is required");
  EXPECT_CONTAINS(error({folder.path("none.npy")}), "No such file");
  EXPECT_CONTAINS(error({folder.file("text.npy", "hello")}), "is not a .npy file");
  EXPECT_CONTAINS(error({folder.npy("v.npy", ramp({}))}), "has shape scalar; a kernel is");
  EXPECT_CONTAINS(error({k, "--groups", "3"}), "3 does not divide c_o = 4 (kernel is 4x2x3x3)");
  EXPECT_CONTAINS(error({k, "--groups", "0", "--input-size", "8"}), "groups must be at least 1");
  EXPECT_CONTAINS(error({k, "--stride", "0"}), "stride must be at least 1");
  EXPECT_CONTAINS(error({k, "--stride", "2", "--padding", "same_upper"}), "give --input-size");
  EXPECT_CONTAINS(error({k, "--padding=-1"}), "padding");
  EXPECT_CONTAINS(error({k, "--dilation", "9", "--input-size", "8"}), "larger than the padded");
  EXPECT_CONTAINS(error({k, "--input-size", "8x8x8"}), "--input-size 8x8x8");
  EXPECT_CONTAINS(error({k, "--input-size", "1000000x1000000"}), "of memory");
  EXPECT_CONTAINS(error({k, "--measure=-1"}), "--measure");
  EXPECT_CONTAINS(error({k, "--picture", folder.path("bank.gif")}),
                  "has the unknown extension .gif; plait inspect draws .png and .svg");
  EXPECT_CONTAINS(error({k, "--picture", folder.path("none/bank.png")}), "there is no folder");
  Tensor<float> wrong({2, 2, 3, 3});
  wrong(1, 0, 2, 1) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(error({folder.npy("inf.npy", wrong), "--picture", folder.path("bank.png")}),
                  "kernel[1,0,2,1] is inf");
}

}  // namespace
}  // namespace plait::cli
