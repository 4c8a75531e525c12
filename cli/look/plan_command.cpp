#include "look/plan_command.hpp"

#include <iostream>
#include <memory>
#include <string>

#include <plait/plan.hpp>

#include "io/json.hpp"
#include "options/plan_options.hpp"

namespace plait::cli {
namespace {

struct PlanArguments {
  std::string line;
  PlanOptions planning;
};

int plan_command(const PlanArguments& arguments) {
  const Plan chosen =
      plan(arguments.line, limits_of(arguments.planning), machine_of(arguments.planning));
  if (arguments.planning.json) {
    std::cout << text_of(to_json(chosen.explain()));
  } else {
    std::cout << chosen.explain();
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
