// Any bytes are a machine or an Error that names a line. A machine is described and read back as
// the same one, and any plan for it keeps to its targets, its cap and its threads.
#include <algorithm>
#include <string>

#include <plait/machine.hpp>
#include <plait/plan.hpp>

#include "core/machine/target.hpp"
#include "fuzz.hpp"

namespace plait::fuzz {
namespace {

// Layers that different algorithms take: dense, 1x1, depthwise, of large kernels and few channels.
constexpr const char* kLines[] = {"1x64x56x56,64x64x3x3,p1", "1x256x14x14,1024x256x1x1,bias",
                                  "2x96x28x28,96x1x3x3,p1,g96", "1x3x64x64,8x3x7x7,s2,p3"};

void check_plan(const char* line, const Machine& machine) {
  const Plan made = plan(line, {.max_workspace_bytes = 1 << 16}, machine);
  require(made.workspace_bytes() <= 1 << 16, "a plan keeps to its cap");
  require(made.threads() >= 1 && made.threads() <= machine.default_threads(),
          "a plan keeps to the machine's threads");
  require(plan(line, {}, machine).cost().predicted_seconds > 0, "a plan takes time");
}

void check_machine(const Machine& machine) {
  const std::string text = describe(machine);
  require(parse_machine(text) == machine, "a description reads back: " + text);
  require(machine.targets.size() <= targets_of_cpu().size(), "only targets that run here");
  require(std::find(machine.targets.begin(), machine.targets.end(), machine.target) !=
              machine.targets.end(),
          "the target is among the targets");
  for (const char* line : kLines) check_plan(line, machine);
}

void check_text(std::string_view text) {
  Machine machine;
  try {
    machine = parse_machine(text);
  } catch (const Error& error) {
    check_error(error, Status::invalid_argument);
    require(std::string(error.what()).starts_with("machine, line "), "an error names the line");
    return;
  }
  check_machine(machine);
}

}  // namespace
}  // namespace plait::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plait::fuzz::check_text(plait::fuzz::text_of(data, size));
  return 0;
}
