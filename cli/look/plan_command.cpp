#include "look/plan_command.hpp"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <plait/analysis/strip_study.hpp>
#include <plait/plan.hpp>
#include <plait/text.hpp>

#include "io/json.hpp"
#include "options/plan_options.hpp"

namespace plait::cli {
namespace {

struct PlanArguments {
  std::string line;
  PlanOptions planning;
};

int plan_command(const PlanArguments& arguments) {
  const Machine machine = machine_of(arguments.planning);
  const Plan chosen = plan(arguments.line, limits_of(arguments.planning), machine);
  if (arguments.planning.json) {
    std::cout << text_of(to_json(chosen.explain()));
  } else {
    std::cout << chosen.explain();
    if (const std::optional<StripStudy> study = strip_study(chosen, machine)) {
      const StripLimit limit = study->limit();
      std::cout << fmt::format(
          "limit     {}, {} of the predicted time; a term of a tile takes {:.1f} cycles of "
          "multiply-adds and {:.1f} of loads\n",
          name_of(limit), percent_text(study->seconds_of(limit) / study->predicted_seconds()),
          study->multiply_add_cycles, study->load_cycles);
    }
  }
  return 0;
}

}  // namespace

Command add_plan_command(CLI::App& app) {
  const auto arguments = std::make_shared<PlanArguments>();
  CLI::App* command =
      app.add_subcommand("plan", "Say which algorithm computes a problem, why, and at what cost");
  command
      ->add_option("line", arguments->line,
                   "The problem line: n x c_i x h x w , c_o x c_i/groups x k_h x k_w , options")
      ->required();
  add_plan_options(*command, arguments->planning);
  command->footer(
      "Examples:\n"
      "  plait plan 1x64x56x56,64x64x3x3,p1\n"
      "  plait plan 1x3x224x224,64x3x7x7,s2,p3,bias,act=relu --threads 1\n"
      "  plait plan 8x32x28x28,64x8x3x3,psame_upper,g4 --max-workspace 64K\n"
      "  plait plan 1x64x56x56,64x64x1x1 --algorithm im2col --json\n"
      "\n"
      "Nothing is computed. docs/problem-line.md lists the options of the line.");
  return {command, [arguments] { return plan_command(*arguments); }};
}

}  // namespace plait::cli
