// The program: commands to functions, errors to one line on stderr and an exit code.
//   0 ok, 1 the check failed, 2 wrong use, 130 interrupted
#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <new>
#include <string>

#include <plait/error.hpp>
#include <plait/version.hpp>

#include "bench_command.hpp"
#include "info_command.hpp"
#include "interrupt.hpp"
#include "plan_command.hpp"
#include "run_command.hpp"
#include "verify_command.hpp"

namespace {

constexpr int kExitWrongUse = 2;

// One line, in the words of the command line: the library names its argument layout="nhwc".
std::string one_line(std::string message) {
  for (const std::string layout : {"nhwc", "nchw"}) {
    const std::string argument = "layout=\"" + layout + "\"";
    const std::size_t at = message.find(argument);
    if (at != std::string::npos) message.replace(at, argument.size(), "--layout " + layout);
  }
  while (!message.empty() && message.back() == '\n') message.pop_back();
  for (std::size_t at = 0; (at = message.find('\n', at)) != std::string::npos;) {
    message.replace(at, 1, "; ");
  }
  return message;
}

int fail(const std::string& message, int code) {
  std::cerr << "plait: " << one_line(message) << "\n";
  return code;
}

std::string names_of_commands(const CLI::App& app) {
  std::string names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  return names;
}

int run(int argc, char** argv) {
  CLI::App app{"Multi-channel convolution on CPUs, explained and bounded.", "plait"};
  app.set_version_flag("--version", std::string("plait ") + plait::version());
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  plait run --input photo.jpg --kernel edges --output edges.png\n"
      "  plait plan 1x64x56x56,64x64x3x3,p1\n"
      "  plait bench bench/problems/resnet50.txt --threads 1\n"
      "  plait verify --cases 2000\n"
      "  plait info\n"
      "\n"
      "`plait COMMAND --help` shows more. Exit codes: 0 ok, 1 the check failed, 2 wrong use,\n"
      "130 interrupted.");
  plait::faces::RunArguments run_arguments;
  plait::faces::PlanArguments plan_arguments;
  plait::faces::BenchArguments bench_arguments;
  plait::faces::VerifyArguments verify_arguments;
  plait::faces::InfoArguments info_arguments;
  const CLI::App* run_app = add_run_command(app, run_arguments);
  const CLI::App* plan_app = add_plan_command(app, plan_arguments);
  const CLI::App* bench_app = add_bench_command(app, bench_arguments);
  const CLI::App* verify_app = add_verify_command(app, verify_arguments);
  add_info_command(app, info_arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const CLI::App* command = nullptr;
    for (const CLI::App* one : app.get_subcommands()) command = one;
    if (command == nullptr && argc > 1 && argv[1][0] != '-') {
      return fail(
          "unknown command '" + std::string(argv[1]) + "'; known: " + names_of_commands(app),
          kExitWrongUse);
    }
    return fail(std::string(error.what()) + " (see plait " +
                    (command != nullptr ? command->get_name() + " " : "") + "--help)",
                kExitWrongUse);
  }
  if (run_app->parsed()) return run_command(run_arguments);
  if (plan_app->parsed()) return plan_command(plan_arguments);
  if (bench_app->parsed()) return bench_command(bench_arguments);
  if (verify_app->parsed()) return verify_command(verify_arguments);
  return info_command(info_arguments);
}

}  // namespace

int main(int argc, char** argv) {
  plait::faces::catch_interrupts();
  try {
    const int code = run(argc, argv);
    // A full disk behind a redirection would otherwise pass unnoticed.
    if (!std::cout.flush()) return fail("cannot write to standard output", kExitWrongUse);
    return code;
  } catch (const plait::Error& error) {
    std::cout.flush();
    if (error.status() == plait::Status::cancelled) {
      return fail("interrupted", plait::faces::kExitInterrupted);
    }
    return fail(error.what(), kExitWrongUse);
  } catch (const std::bad_alloc&) {
    return fail("not enough memory", kExitWrongUse);
  } catch (const std::exception& error) {
    return fail(error.what(), kExitWrongUse);
  }
}
