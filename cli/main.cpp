// The program plait: all commands.
#include <cairo.h>
#include <png.h>

#include <string>

#include "app/program.hpp"
#include "bench/bench_command.hpp"
#include "cost/cost_command.hpp"
#include "look/flow_command.hpp"
#include "look/im2col_command.hpp"
#include "look/info_command.hpp"
#include "look/plan_command.hpp"
#include "look/verify_command.hpp"
#include "rewrite/compose_command.hpp"
#include "rewrite/decompose_command.hpp"
#include "rewrite/inspect_command.hpp"
#include "run/run_command.hpp"

namespace {

using namespace plait::cli;

Command add_info(CLI::App& app) {
  return add_info_command(app,
                          {{"png_library", std::string("libpng ") + png_get_libpng_ver(nullptr)},
                           {"drawing_library", std::string("Cairo ") + cairo_version_string()}});
}

Command add_inspect(CLI::App& app) { return add_inspect_command(app, draw_kernel_bank); }

}  // namespace

int main(int argc, char** argv) {
  return run_program(
      {.name = "plait",
       .commands = {add_run_command, add_plan_command, add_cost_command, add_bench_command,
                    add_verify_command, add_im2col_command, add_flow_command, add_compose_command,
                    add_decompose_command, add_inspect, add_info},
       .examples = "  plait run --input photo.jpg --kernel edges --output edges.png\n"
                   "  plait plan 1x64x56x56,64x64x3x3,p1\n"
                   "  plait cost 1x128x256x256,128x128x5x5,p2 --explain\n"
                   "  plait flow --channels 16 --groups 4 --layers 2\n"
                   "  plait bench bench/problems/resnet50.txt --threads 1\n"
                   "  plait verify --cases 2000\n"
                   "  plait info\n"},
      argc, argv);
}
