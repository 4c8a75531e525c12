// `python -m plait`: the commands of the program, as far as they need no image libraries.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "bench_command.hpp"
#include "bindings.hpp"
#include "compose_command.hpp"
#include "cost_command.hpp"
#include "decompose_command.hpp"
#include "im2col_command.hpp"
#include "info_command.hpp"
#include "inspect_command.hpp"
#include "plan_command.hpp"
#include "program.hpp"
#include "text.hpp"
#include "verify_command.hpp"

namespace plait::python {
namespace {

namespace nb = nanobind;

constexpr const char* kExamples =
    "  python -m plait plan 1x64x56x56,64x64x3x3,p1\n"
    "  python -m plait verify --cases 2000\n"
    "  python -m plait info --json\n";

int run_program(const std::vector<std::string>& arguments) {
  const faces::ProgramFace face{
      "python -m plait",
      {faces::add_plan_command, faces::add_cost_command, faces::add_bench_command,
       faces::add_verify_command, faces::add_im2col_command, faces::add_compose_command,
       faces::add_decompose_command, [](CLI::App& app) { return faces::add_inspect_command(app); },
       [](CLI::App& app) { return faces::add_info_command(app); }},
      kExamples};
  std::vector<const char*> words{face.name.c_str()};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  const nb::gil_scoped_release released;
  return faces::run_program(face, static_cast<int>(words.size()), words.data());
}

}  // namespace

void add_program(nb::module_& m) {
  m.def(
      "run_program", &run_program, nb::arg("arguments"),
      "Run a command of the program plait; returns its exit code. Takes over SIGINT and SIGTERM.");
  m.def(
      "info_json", [] { return faces::text_of(faces::info_json(host_machine(), false)); },
      "What `plait info --json` prints.");
  m.def("seconds_text", &faces::seconds_text, nb::arg("seconds"), "As in \"1.23 ms\".");
  m.def("bytes_text", &faces::bytes_text, nb::arg("bytes"), "As in \"9.19 KiB\".");
  m.def("table_text", &faces::table_text, nb::arg("rows"), nb::arg("left_columns"),
        "Cells as columns, so many of them to the left, the others to the right.");
}

}  // namespace plait::python
