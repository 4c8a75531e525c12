// `plait flow` as a user runs it, and its picture.
#include <nlohmann/json.hpp>

#include "draw/flow_picture.hpp"
#include "io/image.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

Json json_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "flow");
  arguments.emplace_back("--json");
  const Outcome outcome = run_plait(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return Json::parse(outcome.out);
}

TEST(FlowCommand, ComparesAllKinds) {
  const Outcome outcome = run_plait({"flow", "--channels", "16", "--groups", "4"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "2 layers 16 -> 16 channels in 4 groups of 4, 1x1 kernels");
  EXPECT_CONTAINS(outcome.out, "64 of 256");
  EXPECT_CONTAINS(outcome.out, "never");
  EXPECT_CONTAINS(outcome.out, "2 layers");
  // Three matrices side by side: the last four outputs of each.
  EXPECT_CONTAINS(outcome.out, "\n............####   ################   ################\n");
}

TEST(FlowCommand, PrintsOneKind) {
  const Outcome outcome = run_plait(
      {"flow", "--channels", "4", "--groups", "2", "--layers", "1", "--between", "shuffle"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "1 layer 4 -> 4 channels in 2 groups of 2");
  EXPECT_CONTAINS(outcome.out, "\nshuffle\n##..\n##..\n..##\n..##\n");
  EXPECT_EQ(outcome.out.find("pointwise"), std::string::npos);
}

TEST(FlowCommand, PrintsWideMatricesBelowEachOtherAndNoneAbove32Channels) {
  const Outcome wide = run_plait({"flow", "--channels", "32", "--groups", "2"});
  ASSERT_EQ(wide.code, 0) << wide.err;
  const std::string half = std::string(16, '#') + std::string(16, '.');
  EXPECT_CONTAINS(wide.out, "\n" + half + "   " + std::string(32, '#') + "\n");
  EXPECT_CONTAINS(wide.out, "\npointwise\n" + std::string(32, '#') + "\n");
  const Outcome wider = run_plait({"flow", "--channels", "33", "--groups", "3"});
  ASSERT_EQ(wider.code, 0) << wider.err;
  EXPECT_EQ(wider.out.find("##"), std::string::npos);
}

TEST(FlowCommand, PrintsJson) {
  const Json json = json_of({"--channels", "6", "--groups", "3", "--kernel", "3", "--layers", "3"});
  EXPECT_EQ(json["schema"], "plait.flow/1");
  EXPECT_EQ(json["channels"], 6);
  EXPECT_EQ(json["groups"], 3);
  EXPECT_EQ(json["layers"], 3);
  EXPECT_EQ(json["kernel"], "3x3");
  EXPECT_EQ(json["output"], nullptr);
  EXPECT_EQ(json["dense"]["parameters"], 3 * 6 * 6 * 9);
  EXPECT_EQ(json["dense"]["multiplications_per_pixel"], 3 * 6 * 6 * 9);
  ASSERT_EQ(json["flows"].size(), 3U);
  const Json& none = json["flows"][0];
  EXPECT_EQ(none["between"], "none");
  EXPECT_EQ(none["reached_pairs"], 12);
  EXPECT_EQ(none["pairs"], 36);
  EXPECT_EQ(none["share"], 12.0 / 36);
  EXPECT_EQ(none["layers_to_reach_all"], nullptr);
  EXPECT_EQ(none["parameters"], 3 * 6 * 2 * 9);
  EXPECT_EQ(none["multiplications_per_pixel"], 3 * 6 * 2 * 9);
  EXPECT_EQ(none["factor"], 1.0 / 3);
  EXPECT_EQ(none["matrix"], Json({"110000", "110000", "001100", "001100", "000011", "000011"}));
  const Json& shuffle = json["flows"][1];
  EXPECT_EQ(shuffle["between"], "shuffle");
  EXPECT_EQ(shuffle["layers_to_reach_all"], 3);
  EXPECT_EQ(shuffle["share"], 1.0);
  EXPECT_EQ(shuffle["factor"], 1.0 / 3);
  const Json& pointwise = json["flows"][2];
  EXPECT_EQ(pointwise["layers_to_reach_all"], 2);
  EXPECT_EQ(pointwise["parameters"], 3 * 6 * 2 * 9 + 2 * 6 * 6);
}

TEST(FlowCommand, MatrixRowsAreOutputs) {
  const Json flow =
      json_of({"--channels", "12", "--groups", "6", "--between", "shuffle"})["flows"][0];
  EXPECT_EQ(flow["matrix"][2], "000011110000");  // block 1 reads blocks 2 and 3
}

TEST(FlowCommand, DrawsAPngAndAnSvg) {
  const TempFolder folder;
  const std::string png = folder.path("flow.png");
  const Outcome outcome =
      run_plait({"flow", "--channels", "16", "--groups", "4", "-o", png, "--layers", "3"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_CONTAINS(outcome.out, "output   " + png);
  const FlowLayout layout = flow_layout(16, 3);
  EXPECT_EQ(decode_image(slurp(png), "flow").shape(), (Dims{3, layout.height, layout.width}));

  const std::string svg = folder.path("flow.SVG");
  EXPECT_EQ(json_of({"--channels", "16", "--groups", "4", "--output", svg})["output"], svg);
  const std::string text = slurp(svg);
  EXPECT_CONTAINS(text, "<svg");
  EXPECT_CONTAINS(text, "</svg>");
  EXPECT_EQ(text.find("<image"), std::string::npos) << "16 channels are vectors";
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"flow.SVG", "flow.png"}));
}

TEST(FlowCommand, RefusesWrongUse) {
  const TempFolder folder;
  const std::string output = folder.path("flow.png");
  const auto error = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"flow", "-o", output};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_plait(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(folder.names().empty()) << "nothing is written";
    return outcome.err;
  };
  const auto stack_error = [&](const std::string& channels, const std::string& groups,
                               const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--channels", channels, "--groups", groups};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return error(arguments);
  };
  EXPECT_CONTAINS(error({}), "--channels is required");
  EXPECT_CONTAINS(error({"--channels", "16"}), "--groups is required");
  EXPECT_CONTAINS(stack_error("16", "3"),
                  "groups must divide the channels but 3 does not divide 16");
  EXPECT_CONTAINS(stack_error("16", "0"), "groups must be at least 1 but is 0");
  EXPECT_CONTAINS(stack_error("0", "1"), "channels must be at least 1 but is 0");
  EXPECT_CONTAINS(stack_error("16", "4", {"--layers", "0"}), "layers must be at least 1 but is 0");
  EXPECT_CONTAINS(stack_error("8192", "4"), "follows at most 4096 channels but got 8192");
  EXPECT_CONTAINS(stack_error("16", "4", {"--between", "mix"}),
                  "unknown kind of layer between \"mix\" (known: none, shuffle, pointwise)");
  EXPECT_CONTAINS(stack_error("16", "4", {"--kernel", "3x0"}),
                  "kernel must be at least 1 but is 3x0");
  EXPECT_CONTAINS(stack_error("16", "4", {"--kernel", "big"}), "big");
  EXPECT_CONTAINS(stack_error("16", "4", {"--layers", "1000000000000000000"}), "pass 64 bits");
  EXPECT_CONTAINS(stack_error("16", "many"), "many");
}

TEST(FlowCommand, ChecksTheOutputFirst) {
  const TempFolder folder;
  const auto error = [&](const std::string& output) {
    // The channels are wrong too.
    const Outcome outcome =
        run_plait({"flow", "--channels", "16", "--groups", "3", "-o", folder.path(output)});
    EXPECT_EQ(outcome.code, 2);
    return outcome.err;
  };
  EXPECT_CONTAINS(error("flow.jpg"), "has the extension .jpg; plait flow draws .png and .svg");
  EXPECT_CONTAINS(error("flow"), "has no extension");
  EXPECT_CONTAINS(error("none/flow.png"), "there is no folder");
  std::filesystem::create_directory(folder.path("sub.png"));
  EXPECT_CONTAINS(error("sub.png"), "Is a directory");
}

// === the picture ===

std::string draw(const GroupedStack& stack, PictureFormat format = PictureFormat::png) {
  return draw_flow({stack.channels, stack.groups, "a test", {{"one", channel_flow(stack)}}},
                   format);
}

// Whether what is drawn in the middle of a pair's cell is the blue of reached pairs.
bool is_blue(const Tensor<float>& sheet, const FlowLayout& layout, std::int64_t input,
             std::int64_t output) {
  const auto at = [&](std::int64_t channel) {
    return (2 * channel + 1) * layout.pixels_per_channel / layout.channels_per_pixel / 2;
  };
  const std::int64_t i = layout.top + at(output);
  const std::int64_t j = layout.left + at(input);
  return sheet(2, i, j) > sheet(0, i, j) + 0.2F;
}

TEST(FlowPicture, FillsWhatIsReached) {
  for (const GroupedStack& stack :
       {GroupedStack{12, 6, 2, Between::shuffle}, GroupedStack{12, 4, 1, Between::none},
        GroupedStack{5, 5, 2, Between::none}, GroupedStack{1, 1, 1, Between::none},
        GroupedStack{48, 16, 2, Between::shuffle}}) {
    const ChannelFlow flow = channel_flow(stack);
    const FlowLayout layout = flow_layout(stack.channels, 1);
    const Tensor<float> sheet = decode_image(draw(stack), "flow");
    for (std::int64_t input = 0; input < stack.channels; ++input) {
      for (std::int64_t output = 0; output < stack.channels; ++output) {
        ASSERT_EQ(is_blue(sheet, layout, input, output), flow.reaches(input, output))
            << input << " -> " << output << " of " << stack.channels;
      }
    }
  }
}

TEST(FlowPicture, IsOfReadableSizeForAnyNumberOfChannels) {
  for (const std::int64_t channels : {1, 2, 7, 16, 100, 256, 383, 385, 768, 769, 4096}) {
    const FlowLayout layout = flow_layout(channels, 3);
    EXPECT_GE(layout.side, channels == 385 ? 385 : 384) << channels;
    EXPECT_LE(layout.side, 768) << channels;
    EXPECT_GE(layout.side * layout.channels_per_pixel, channels);
    EXPECT_EQ(std::min(layout.channels_per_pixel, layout.pixels_per_channel), 1);
  }
}

TEST(FlowPicture, ShadesMoreChannelsThanPixels) {
  const GroupedStack stack{1024, 2, 1, Between::none};
  const FlowLayout layout = flow_layout(stack.channels, 1);
  EXPECT_EQ(layout.channels_per_pixel, 2);
  const Tensor<float> sheet = decode_image(draw(stack), "flow");
  EXPECT_EQ(sheet.shape(), (Dims{3, layout.height, layout.width}));
  EXPECT_TRUE(is_blue(sheet, layout, 100, 400));
  EXPECT_FALSE(is_blue(sheet, layout, 100, 600));
  // The blocks of 1 pair are a diagonal of pixels that are half reached.
  const GroupedStack fine{1024, 1024, 1, Between::none};
  const Tensor<float> diagonal = decode_image(draw(fine), "flow");
  const float on = diagonal(0, layout.top + 50, layout.left + 50);
  const float off = diagonal(0, layout.top + 50, layout.left + 60);
  const float full = sheet(0, layout.top + 50, layout.left + 60);
  EXPECT_NEAR(on, (off + full) / 2, 0.01);
  EXPECT_CONTAINS(draw(stack, PictureFormat::svg), "<image");
}

}  // namespace
}  // namespace plait::cli
