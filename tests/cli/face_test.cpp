// A face other than the program, within one process: the Python package's, say.
#include <signal.h>

#include <nlohmann/json.hpp>

#include <iostream>

#include "app/interrupt.hpp"
#include "app/program.hpp"
#include "look/info_command.hpp"
#include "look/plan_command.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

// Sends itself Ctrl-C and then stops, as every command does.
Command add_stopped_command(CLI::App& app) {
  return {app.add_subcommand("stopped"), [] {
            ::raise(SIGINT);
            stop_if_interrupted();
            return 0;
          }};
}

Command add_plain_info(CLI::App& app) { return add_info_command(app); }

Outcome run_face(std::vector<const char*> arguments) {
  const ProgramFace face = {.name = "python -m plait",
                            .commands = {add_plan_command, add_plain_info, add_stopped_command},
                            .examples = "  python -m plait info\n"};
  arguments.insert(arguments.begin(), "ignored");
  std::ostringstream out;
  std::ostringstream err;
  std::streambuf* const old_out = std::cout.rdbuf(out.rdbuf());
  std::streambuf* const old_err = std::cerr.rdbuf(err.rdbuf());
  const int code = run_program(face, static_cast<int>(arguments.size()), arguments.data());
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  return {code, out.str(), err.str()};
}

TEST(Face, IsCalledByItsName) {
  const Outcome help = run_face({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_CONTAINS(help.out, "Usage: python -m plait [OPTIONS] SUBCOMMAND\n");
  EXPECT_CONTAINS(help.out,
                  "Examples:\n  python -m plait info\n\n`python -m plait COMMAND --help`");
  const Outcome plan_help = run_face({"plan", "--help"});
  EXPECT_CONTAINS(plan_help.out, "Usage: python -m plait plan [OPTIONS] line\n");
  EXPECT_CONTAINS(plan_help.out, "Examples:\n  python -m plait plan 1x64");
  EXPECT_EQ(plan_help.out.find("  plait plan"), std::string::npos) << plan_help.out;
  const Outcome no_line = run_face({"plan"});
  EXPECT_EQ(no_line.code, 2);
  EXPECT_EQ(no_line.err, "plait: line is required (see python -m plait plan --help)\n");
}

TEST(Face, HasItsOwnCommandsOnly) {
  const Outcome run = run_face({"run"});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.err, "plait: unknown command 'run'; known: plan, info, stopped\n");
}

TEST(Face, PrintsWhatTheProgramPrints) {
  const char* line = "1x16x14x14,32x16x3x3,p1,bias";
  for (const char* format : {"--reproducible", "--json"}) {
    const Outcome ours = run_face({"plan", line, format});
    EXPECT_EQ(ours.code, 0);
    EXPECT_EQ(ours.out, run_plait({"plan", line, format}).out);
  }
}

TEST(Face, NamesThePictureLibrariesItHas) {
  Json program = Json::parse(run_plait({"info", "--json"}).out);
  EXPECT_TRUE(program["png_library"].get<std::string>().starts_with("libpng "));
  EXPECT_TRUE(program["drawing_library"].get<std::string>().starts_with("Cairo "));
  program.erase("png_library");
  program.erase("drawing_library");
  EXPECT_EQ(run_face({"info", "--json"}).out, text_of(program));
  EXPECT_CONTAINS(run_plait({"info"}).out, "\npictures   libpng ");
  EXPECT_EQ(run_face({"info"}).out.find("pictures"), std::string::npos);
}

TEST(Face, LeavesInterruptsAsItFoundThem) {
  struct sigaction ours {};
  ours.sa_handler = [](int) {};
  struct sigaction found {};
  ASSERT_EQ(::sigaction(SIGINT, &ours, &found), 0);
  const Outcome stopped = run_face({"stopped"});
  struct sigaction left {};
  ::sigaction(SIGINT, &found, &left);
  EXPECT_EQ(stopped.code, kExitInterrupted);
  EXPECT_EQ(stopped.err, "plait: interrupted\n");
  EXPECT_EQ(left.sa_handler, ours.sa_handler);
  EXPECT_EQ(run_face({"plan", "1x1x5x5,1x1x3x3"}).code, 0);
  EXPECT_EQ(run_face({"stopped"}).code, kExitInterrupted) << "once more in the same process";
}

}  // namespace
}  // namespace plait::cli
