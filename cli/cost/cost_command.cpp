#include "cost/cost_command.hpp"

#include <fmt/format.h>

#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <plait/analysis/layer_cost.hpp>
#include <plait/text.hpp>

#include "app/fail.hpp"
#include "app/option_values.hpp"
#include "cost/cost_algorithms.hpp"
#include "cost/cost_sweep.hpp"
#include "io/json.hpp"
#include "io/problems.hpp"

namespace plait::cli {
namespace {

struct CostArguments {
  std::vector<std::string> problems;
  std::string direction;  // empty: the problem's own
  std::string versus;
  bool double_channels = false;
  bool double_padding = false;
  std::int64_t groups = 0;  // 0: as they are
  bool explain = false;
  bool algorithms = false;
  bool json = false;
  SweepArguments sweep;
};

void set_direction(const std::string& name, Problem& problem) {
  if (!name.empty()) problem.direction = parse_direction(name);
}

std::string value_text(const std::string& key, const Json& value) {
  if (key == "arithmetic_intensity") return fmt::format("{:.4g} per byte", value.get<double>());
  if (key == "roofline_seconds") return seconds_text(value.get<double>());
  if (!value.is_number_integer()) return value.get<std::string>();
  return count_text(value.get<std::int64_t>());
}

// === one layer ===

Json formulas_json(const Problem& problem) {
  Json formulas;
  for (const CostFormula& formula : cost_formulas(problem)) formulas[formula.key] = formula.text;
  return formulas;
}

struct Layer {
  std::string name;  // may be empty
  Problem problem;
  LayerCost cost;
};

Json layer_json(const Layer& layer, const CostArguments& arguments) {
  Json json = {{"name", layer.name}, {"problem", to_string(layer.problem)}};
  json.update(to_json(layer.cost));
  if (arguments.explain) json["formulas"] = formulas_json(layer.problem);
  if (arguments.algorithms) json["algorithms"] = algorithms_json(layer.problem);
  return json;
}

void print_layer(const Layer& layer, const CostArguments& arguments) {
  const Json json = to_json(layer.cost);
  const Json formulas = arguments.explain ? formulas_json(layer.problem) : Json::object();
  std::cout << fmt::format("problem  {}\n", to_string(layer.problem));
  for (const auto& [key, value] : json.items()) {
    const std::string formula =
        formulas.contains(key) ? "  " + formulas[key].get<std::string>() : std::string();
    std::cout << fmt::format("  {:<32} {:>20}{}\n", key, value_text(key, value), formula);
  }
  if (arguments.algorithms) std::cout << algorithms_text(layer.problem, layer.cost);
}

// === several ===

struct Totals {
  std::int64_t multiplications = 0;
  std::int64_t parameters = 0;
  double roofline_seconds = 0;
};

Totals totals_of(const std::vector<Layer>& layers) {
  Totals totals;
  for (const auto& [name, problem, cost] : layers) {
    if (__builtin_add_overflow(totals.multiplications, cost.multiplications,
                               &totals.multiplications) ||
        __builtin_add_overflow(totals.parameters, cost.parameters_with_bias, &totals.parameters)) {
      throw Error(Status::unsupported, "the totals pass 64 bits");
    }
    totals.roofline_seconds += cost.roofline_seconds;
  }
  return totals;
}

std::string share_text(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-"
                    : fmt::format("{:.1f} %",
                                  100 * static_cast<double>(part) / static_cast<double>(whole));
}

void print_layers(const std::vector<Layer>& layers) {
  const Totals totals = totals_of(layers);
  std::vector<std::vector<std::string>> rows = {{"layer", "problem", "multiplications", "share",
                                                 "without padding", "parameters", "share",
                                                 "forward memory", "roofline"}};
  for (const auto& [name, problem, cost] : layers) {
    rows.push_back({name, to_string(problem), count_text(cost.multiplications),
                    share_text(cost.multiplications, totals.multiplications),
                    count_text(cost.multiplications_without_padding),
                    count_text(cost.parameters_with_bias),
                    share_text(cost.parameters_with_bias, totals.parameters),
                    bytes_text(cost.memory_forward_bytes), seconds_text(cost.roofline_seconds)});
  }
  rows.push_back({"total", fmt::format("{} layers", layers.size()),
                  count_text(totals.multiplications), "", "", count_text(totals.parameters), "", "",
                  seconds_text(totals.roofline_seconds)});
  std::cout << table_text(rows, {.left_columns = 2})
            << "parameters: with a bias for each output channel\n";
}

// === what if ===

struct Factor {
  const char* name;
  std::int64_t before, after;
};

// The factors of the multiplications, in the order of the formula.
std::array<Factor, 7> factors_of(const Problem& before, const Problem& after) {
  return {{{"n", before.n, after.n},
           {"c_o", before.c_o, after.c_o},
           {"h'", before.h_o(), after.h_o()},
           {"w'", before.w_o(), after.w_o()},
           {"c_i/groups", before.c_i / before.groups, after.c_i / after.groups},
           {"k_h", before.k_h, after.k_h},
           {"k_w", before.k_w, after.k_w}}};
}

std::string reason_of(const Problem& before, const Problem& after) {
  std::string changes;
  for (const Factor& factor : factors_of(before, after)) {
    if (factor.before == factor.after) continue;
    changes += fmt::format("{}{} goes {} -> {}", changes.empty() ? "" : ", ", factor.name,
                           factor.before, factor.after);
  }
  return "multiplications are n c_o h' w' (c_i/groups) k_h k_w, of which " +
         (changes.empty() ? std::string("nothing changes") : changes);
}

Problem changed(const Problem& problem, const CostArguments& arguments) {
  Problem other = problem;
  if (!arguments.versus.empty()) {
    other = parse_problem(arguments.versus);
    set_direction(arguments.direction, other);
  }
  if (arguments.double_channels) {
    other.c_i *= 2;
    other.c_o *= 2;
  }
  if (arguments.double_padding) {
    const Padding& p = other.padding;
    other.padding = {2 * p.top, 2 * p.bottom, 2 * p.left, 2 * p.right};
  }
  if (arguments.groups > 0) other.groups = arguments.groups;
  if (other.x_shape() != problem.x_shape()) other.x_strides.reset();
  other.y_strides.reset();
  other.residual_strides.reset();
  validate(other);
  return other;
}

// The ratio of two figures, or nothing where there is no ratio.
std::optional<double> factor_of(const Json& before, const Json& after) {
  if (!before.is_number() || before.get<double>() == 0) return std::nullopt;
  return after.get<double>() / before.get<double>();
}

int compare(const Problem& problem, const CostArguments& arguments) {
  const Problem other = changed(problem, arguments);
  const Json before = to_json(cost(problem));
  const Json after = to_json(cost(other));
  if (arguments.json) {
    Json factors;
    for (const auto& [key, value] : before.items()) {
      if (const auto factor = factor_of(value, after[key])) factors[key] = *factor;
    }
    Json json = {{"schema", "plait.cost_comparison/1"},
                 {"problem", to_string(problem)},
                 {"versus", to_string(other)},
                 {"before", before},
                 {"after", after},
                 {"factors", factors},
                 {"reason", reason_of(problem, other)}};
    std::cout << text_of(json);
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"", "before", "after", "factor"}};
  for (const auto& [key, value] : before.items()) {
    const auto factor = factor_of(value, after[key]);
    rows.push_back({key, value_text(key, value), value_text(key, after[key]),
                    factor ? fmt::format("{:.4g}", *factor) : ""});
  }
  std::cout << fmt::format("before   {}\nafter    {}\n\n", to_string(problem), to_string(other))
            << table_text(rows) << fmt::format("\nwhy      {}\n", reason_of(problem, other));
  return 0;
}

int cost_command(const CostArguments& arguments) {
  std::vector<SourcedProblem> problems = read_problems(arguments.problems, std::cin);
  for (SourcedProblem& one : problems) set_direction(arguments.direction, one.problem);
  if (arguments.sweep.sweep) {
    if (problems.size() > 1) {
      fail(fmt::format("--sweep takes one problem but there are {}", problems.size()));
    }
    return sweep_command(problems[0], arguments.sweep, arguments.json);
  }
  const bool compares = !arguments.versus.empty() || arguments.double_channels ||
                        arguments.double_padding || arguments.groups > 0;
  if (compares && problems.size() > 1) {
    fail(
        fmt::format("--versus, --double-channels, --double-padding and --groups take one "
                    "problem but there are {}",
                    problems.size()));
  }
  if (compares) return compare(problems[0].problem, arguments);
  std::vector<Layer> layers;
  layers.reserve(problems.size());
  for (const SourcedProblem& one : problems) {
    layers.push_back({one.name, one.problem, cost(one.problem)});
  }
  if (arguments.json) {
    Json json = {{"schema", "plait.cost/1"}, {"layers", Json::array()}};
    for (const Layer& layer : layers) json["layers"].push_back(layer_json(layer, arguments));
    const Totals totals = totals_of(layers);
    json["total"] = {{"multiplications", totals.multiplications},
                     {"parameters_with_bias", totals.parameters},
                     {"roofline_seconds", totals.roofline_seconds}};
    std::cout << text_of(json);
  } else if (layers.size() == 1) {
    print_layer(layers[0], arguments);
  } else {
    print_layers(layers);
  }
  return 0;
}

}  // namespace

Command add_cost_command(CLI::App& app) {
  const auto arguments = std::make_shared<CostArguments>();
  CLI::App* command = app.add_subcommand(
      "cost", "Count what layers and their gradients cost by definition, whatever computes them");
  add_problem_arguments(*command, arguments->problems);
  add_option(*command, "--direction", arguments->direction, "NAME",
             "forward, backward_data, backward_weights or backward_bias, instead of the line's");
  CLI::Option* sweep = add_sweep_options(*command, arguments->sweep);
  add_option(*command, "--versus", arguments->versus, "LINE", "Compare with another problem")
      ->excludes(sweep);
  command
      ->add_flag("--double-channels", arguments->double_channels,
                 "Compare with twice the input and output channels")
      ->excludes(sweep);
  command->add_flag("--double-padding", arguments->double_padding, "Compare with twice the padding")
      ->excludes(sweep);
  add_option(*command, "--groups", arguments->groups, "B", "Compare with so many groups")
      ->check(CLI::PositiveNumber.description(""))
      ->excludes(sweep);
  command->add_flag("--explain", arguments->explain, "Show the formula of each figure, filled in")
      ->excludes(sweep);
  command
      ->add_flag("--algorithms", arguments->algorithms,
                 "Show what each algorithm executes on this machine (of a file: with --json)")
      ->excludes(sweep);
  command->add_flag("--json", arguments->json, "Print JSON and nothing else");
  command->footer(
      "Examples:\n"
      "  plait cost 1x128x256x256,128x128x5x5,p2 --explain\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --direction backward_weights\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --double-channels\n"
      "  plait cost 1x64x56x56,64x64x1x1 --groups 8\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --versus 1x64x56x56,64x64x1x1\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --algorithms\n"
      "  plait cost bench/problems/resnet50.txt\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --sweep k=1..15:2 --same\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --sweep groups=1..64*2 --json\n"
      "  plait cost 1x64x56x56,64x64x3x3,p1 --sweep c=8..256*2 --measure --plot c.png\n"
      "\n"
      "A sum of t terms is t multiplications and t - 1 additions, a bias one more addition per\n"
      "output; flops are 2 x multiplications. \"Without padding\" leaves out the products by "
      "padding\n"
      "zeros. The roofline is the longer of multiplying at this machine's peak and of moving x,\n"
      "weight and y once, at the rates that plans use. Without --measure nothing is computed.\n"
      "\n" +
      sweep_footer());
  return {command, [arguments] { return cost_command(*arguments); }};
}

}  // namespace plait::cli
