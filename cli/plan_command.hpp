// `plait plan`: what would compute a problem, why, and at what cost.
#pragma once

#include <string>

#include "plan_options.hpp"

namespace plait::faces {

struct PlanArguments {
  std::string line;
  PlanOptions planning;
};

CLI::App* add_plan_command(CLI::App& app, PlanArguments& arguments);
int plan_command(const PlanArguments& arguments);

}  // namespace plait::faces
