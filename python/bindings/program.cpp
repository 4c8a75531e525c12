// `python -m plait`: the commands of the program, as far as they need no image libraries.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include <plait/text.hpp>

#include "app/program.hpp"
#include "bench/bench_command.hpp"
#include "bindings.hpp"
#include "cost/cost_command.hpp"
#include "look/im2col_command.hpp"
#include "look/info_command.hpp"
#include "look/plan_command.hpp"
#include "look/verify_command.hpp"
#include "rewrite/compose_command.hpp"
#include "rewrite/decompose_command.hpp"
#include "rewrite/inspect_command.hpp"

namespace plait::python {
namespace {

namespace nb = nanobind;

constexpr const char* kExamples =
    "  python -m plait plan 1x64x56x56,64x64x3x3,p1\n"
    "  python -m plait verify --cases 2000\n"
    "  python -m plait info --json\n";

int run_program(const std::vector<std::string>& arguments) {
  const cli::ProgramFace face{
      "python -m plait",
      {cli::add_plan_command, cli::add_cost_command, cli::add_bench_command,
       cli::add_verify_command, cli::add_im2col_command, cli::add_compose_command,
       cli::add_decompose_command, [](CLI::App& app) { return cli::add_inspect_command(app); },
       [](CLI::App& app) { return cli::add_info_command(app); }},
      kExamples};
  std::vector<const char*> words{face.name.c_str()};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  const nb::gil_scoped_release released;
  return cli::run_program(face, static_cast<int>(words.size()), words.data());
}

}  // namespace

void add_program(nb::module_& m) {
  m.def(
      "run_program", &run_program, nb::arg("arguments"),
      "Run a command of the program plait; returns its exit code. Takes over SIGINT and SIGTERM.");
  m.def(
      "info_json", [] { return cli::text_of(cli::info_json(host_machine(), false)); },
      "What `plait info --json` prints.");
  m.def("seconds_text", &seconds_text, nb::arg("seconds"), "As in \"1.23 ms\".");
  m.def("bytes_text", &bytes_text, nb::arg("bytes"), "As in \"9.19 KiB\".");
  m.def(
      "table_text",
      [](const std::vector<std::vector<std::string>>& rows, std::size_t left_columns) {
        return table_text(rows, {.left_columns = left_columns});
      },
      nb::arg("rows"), nb::arg("left_columns"),
      "Cells as columns, so many of them to the left, the others to the right.");
}

}  // namespace plait::python
