#include "look/flow_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/channels.hpp>
#include <plait/analysis/layer_cost.hpp>
#include <plait/text.hpp>

#include "app/fail.hpp"
#include "app/interrupt.hpp"
#include "app/option_values.hpp"
#include "draw/flow_picture.hpp"
#include "io/files.hpp"
#include "io/json.hpp"

namespace plait::cli {
namespace {

struct FlowArguments {
  GroupedStack stack{.layers = 2};
  std::string between;  // empty: all kinds
  std::string kernel = "1x1";
  std::string output;  // .png or .svg; empty: only print
  bool json = false;
};

constexpr std::int64_t kPrintedChannels = 32;
constexpr std::size_t kTextColumns = 80;  // matrices are printed side by side up to here

// What a stack has and does at every pixel: a layer multiplies by each of its parameters once.
struct StackCost {
  std::int64_t parameters = 0;
  std::int64_t multiplications = 0;
};

// One kind of stack, and what is known about it.
struct Flow {
  Between between = Between::none;
  ChannelFlow flow;
  std::optional<std::int64_t> layers_to_reach_all;
  StackCost cost;
};

// === costs ===

void add(const Problem& layer, std::int64_t times, StackCost& sum) {
  const LayerCost one = cost(layer);
  std::int64_t parameters = 0;
  std::int64_t multiplications = 0;
  if (__builtin_mul_overflow(one.parameters, times, &parameters) ||
      __builtin_mul_overflow(one.multiplications, times, &multiplications) ||
      __builtin_add_overflow(sum.parameters, parameters, &sum.parameters) ||
      __builtin_add_overflow(sum.multiplications, multiplications, &sum.multiplications)) {
    throw Error(Status::unsupported,
                fmt::format("the parameters of {} layers {} -> {} pass 64 bits", times, layer.c_i,
                            layer.c_o));
  }
}

// A layer channels -> channels over as much of its input as one output pixel needs.
Problem layer_of(std::int64_t channels, std::int64_t groups, const Pair& kernel) {
  Problem problem;
  problem.c_i = problem.c_o = channels;
  problem.h = problem.k_h = kernel.h;
  problem.w = problem.k_w = kernel.w;
  problem.groups = groups;
  return problem;
}

StackCost dense_cost(const GroupedStack& stack, const Pair& kernel) {
  StackCost sum;
  add(layer_of(stack.channels, 1, kernel), stack.layers, sum);
  return sum;
}

StackCost cost_of(const GroupedStack& stack, const Pair& kernel) {
  StackCost sum;
  add(layer_of(stack.channels, stack.groups, kernel), stack.layers, sum);
  if (stack.between == Between::pointwise) {
    add(layer_of(stack.channels, 1, 1), stack.layers - 1, sum);
  }
  return sum;
}

double factor_of(const StackCost& cost, const StackCost& dense) {
  return static_cast<double>(cost.multiplications) / static_cast<double>(dense.multiplications);
}

// === text ===

std::vector<std::string> cost_cells(const StackCost& cost, const StackCost& dense) {
  return {fmt::format("{}", cost.parameters), fmt::format("{}", cost.multiplications),
          fmt::format("{:.4g}", factor_of(cost, dense))};
}

std::string table_of(const std::vector<Flow>& flows, const StackCost& dense) {
  std::vector<std::vector<std::string>> rows = {{"between", "reached pairs", "share", "reach all",
                                                 "parameters", "multiplications per pixel",
                                                 "factor"}};
  const auto add_row = [&](std::vector<std::string> row, const StackCost& cost) {
    const std::vector<std::string> cells = cost_cells(cost, dense);
    row.insert(row.end(), cells.begin(), cells.end());
    rows.push_back(std::move(row));
  };
  for (const Flow& one : flows) {
    const auto& layers = one.layers_to_reach_all;
    add_row({std::string(name_of(one.between)),
             fmt::format("{} of {}", one.flow.reached_pairs, one.flow.pairs()),
             fmt::format("{:.3g} %", 100 * one.flow.share()),
             layers ? counted(*layers, "layer") : "never"},
            one.cost);
  }
  const std::int64_t pairs = flows[0].flow.pairs();
  add_row({"(dense)", fmt::format("{} of {}", pairs, pairs), "100 %", "1 layer"}, dense);
  return table_text(rows);
}

std::string row_text(const ChannelFlow& flow, std::int64_t output, char reached, char not_reached) {
  std::string text;
  for (std::int64_t input = 0; input < flow.channels; ++input) {
    text += flow.reaches(input, output) ? reached : not_reached;
  }
  return text;
}

// The matrices with their names, as many side by side as fit.
std::string matrices_text(const std::vector<Flow>& flows) {
  const auto channels = static_cast<std::size_t>(flows[0].flow.channels);
  const std::size_t width = std::max<std::size_t>(channels, 9) + 3;  // "pointwise" has 9 letters
  const std::size_t at_once = std::max<std::size_t>(1, kTextColumns / width);
  std::string text;
  for (std::size_t first = 0; first < flows.size(); first += at_once) {
    const std::size_t end = std::min(flows.size(), first + at_once);
    const auto line_of = [&](const auto& cell) {
      std::string line;
      for (std::size_t i = first; i < end; ++i)
        line += fmt::format("{:<{}}", cell(flows[i]), width);
      line.resize(line.find_last_not_of(' ') + 1);
      return line + "\n";
    };
    text += "\n" + line_of([](const Flow& one) { return name_of(one.between); });
    for (std::int64_t output = 0; output < flows[0].flow.channels; ++output) {
      text += line_of([&](const Flow& one) { return row_text(one.flow, output, '#', '.'); });
    }
  }
  return text;
}

std::string stack_text(const FlowArguments& arguments, const char* arrow) {
  const GroupedStack& stack = arguments.stack;
  return fmt::format("{} {} {} {} in {} of {}", counted(stack.layers, "layer"),
                     count_text(stack.channels), arrow, counted(stack.channels, "channel"),
                     counted(stack.groups, "group"), stack.channels / stack.groups);
}

void print(const FlowArguments& arguments, const std::vector<Flow>& flows, const StackCost& dense) {
  std::cout << fmt::format("stack    {}, {} kernels\n\n", stack_text(arguments, "->"),
                           arguments.kernel)
            << table_of(flows, dense)
            << "\nreach all: the fewest layers through which every input channel reaches every "
               "output channel\n"
               "factor: multiplications per pixel by those of as many dense layers\n";
  if (arguments.stack.channels <= kPrintedChannels) {
    std::cout << "\nrows: output channels; columns: input channels; #: reaches\n"
              << matrices_text(flows);
  }
  if (!arguments.output.empty()) std::cout << fmt::format("\noutput   {}\n", arguments.output);
}

// === JSON ===

Json stack_json(const StackCost& cost) {
  return {{"parameters", cost.parameters}, {"multiplications_per_pixel", cost.multiplications}};
}

Json flow_json(const Flow& one, const StackCost& dense) {
  const auto& layers = one.layers_to_reach_all;
  Json json = {{"between", name_of(one.between)},
               {"reached_pairs", one.flow.reached_pairs},
               {"pairs", one.flow.pairs()},
               {"share", one.flow.share()},
               {"layers_to_reach_all", layers ? Json(*layers) : Json(nullptr)}};
  json.update(stack_json(one.cost));
  json["factor"] = factor_of(one.cost, dense);
  Json matrix = Json::array();
  for (std::int64_t output = 0; output < one.flow.channels; ++output) {
    matrix.push_back(row_text(one.flow, output, '1', '0'));
  }
  json["matrix"] = std::move(matrix);
  return json;
}

Json report_json(const FlowArguments& arguments, const std::vector<Flow>& flows,
                 const StackCost& dense) {
  const GroupedStack& stack = arguments.stack;
  Json json = {{"schema", "plait.flow/1"},
               {"channels", stack.channels},
               {"groups", stack.groups},
               {"layers", stack.layers},
               {"kernel", arguments.kernel},
               {"output", arguments.output.empty() ? Json(nullptr) : Json(arguments.output)},
               {"dense", stack_json(dense)},
               {"flows", Json::array()}};
  for (const Flow& one : flows) json["flows"].push_back(flow_json(one, dense));
  return json;
}

// === picture ===

std::string panel_title(Between between) {
  switch (between) {
    case Between::none:
      return "nothing between the layers";
    case Between::shuffle:
      return "channels shuffled between the layers";
    case Between::pointwise:
      return "a dense 1x1 layer between the layers";
  }
  return "?";
}

std::string picture_of(const FlowArguments& arguments, const std::vector<Flow>& flows) {
  FlowPicture picture{
      arguments.stack.channels, arguments.stack.groups, stack_text(arguments, "→"), {}};
  for (const Flow& one : flows) picture.panels.push_back({panel_title(one.between), one.flow});
  return draw_flow(
      picture, extension_of(arguments.output) == ".svg" ? PictureFormat::svg : PictureFormat::png);
}

void check_picture_output(const std::string& output) {
  if (output.empty()) return;
  check_extension("output", output, {".png", ".svg"}, "plait flow draws .png and .svg");
  check_output(output, {});
}

int flow_command(FlowArguments arguments) {
  check_picture_output(arguments.output);
  const Pair kernel = parse_pair(arguments.kernel);
  if (kernel.h < 1 || kernel.w < 1) {
    fail(fmt::format("kernel must be at least 1 but is {}x{}", kernel.h, kernel.w));
  }
  arguments.kernel = fmt::format("{}x{}", kernel.h, kernel.w);
  std::vector<Between> kinds = {Between::none, Between::shuffle, Between::pointwise};
  if (!arguments.between.empty()) kinds = {parse_between(arguments.between)};
  std::vector<Flow> flows;
  flows.reserve(kinds.size());
  for (const Between between : kinds) {
    stop_if_interrupted();
    GroupedStack stack = arguments.stack;
    stack.between = between;
    ChannelFlow flow = channel_flow(stack);
    flows.push_back({between, std::move(flow), layers_to_reach_all(stack), cost_of(stack, kernel)});
  }
  const StackCost dense = dense_cost(arguments.stack, kernel);
  if (!arguments.output.empty()) {
    write_file(arguments.output, picture_of(arguments, flows), interrupted());
  }
  if (arguments.json) {
    std::cout << text_of(report_json(arguments, flows, dense));
  } else {
    print(arguments, flows, dense);
  }
  return 0;
}

}  // namespace

Command add_flow_command(CLI::App& app) {
  const auto arguments = std::make_shared<FlowArguments>();
  CLI::App* command = app.add_subcommand(
      "flow", "Show which channels reach which through layers in groups, and what that saves");
  add_option(*command, "--channels", arguments->stack.channels, "N",
             "Of every layer's input and output")
      ->required();
  add_option(*command, "--groups", arguments->stack.groups, "N",
             "Of every layer; must divide the channels")
      ->required();
  add_option(*command, "--layers", arguments->stack.layers, "N",
             "How many follow each other; default 2");
  add_option(*command, "--between", arguments->between, "KIND",
             "What lies between two layers: none, shuffle (of the channels)\n"
             "or pointwise (a dense 1x1 layer); default: all three");
  add_option(*command, "--kernel", arguments->kernel, "HxW",
             "Of the layers in groups, for the costs; default 1x1");
  add_option(*command, "-o,--output", arguments->output, "FILE",
             "Draw the matrices: a .png or .svg picture");
  command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command->footer(
      "Examples:\n"
      "  plait flow --channels 16 --groups 4\n"
      "  plait flow --channels 16 --groups 4 --layers 3 --between shuffle\n"
      "  plait flow --channels 256 --groups 32 --kernel 3x3 -o flow.png\n"
      "  plait flow --channels 64 --groups 8 --json\n"
      "\n"
      "A layer in g groups is a block-diagonal matrix at every pixel: it has 1/g of a dense\n"
      "layer's parameters and multiplications, but each block of outputs sees one block of "
      "inputs,\n"
      "whatever the number of layers. Mixing the channels between the layers mends that. A "
      "shuffle\n"
      "deals the channels of each block out over all blocks, as in ShuffleNet: it multiplies\n"
      "nothing, and with groups of m > 1 channels 1 + ceil(log g / log m) layers reach "
      "everything.\n"
      "Up to 32 channels the matrices are printed; in JSON a matrix is a list of rows, each a "
      "text\n"
      "of 0s and 1s. Nothing is convolved.");
  return {command, [arguments] { return flow_command(*arguments); }};
}

}  // namespace plait::cli
