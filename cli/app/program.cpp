#include "app/program.hpp"

#include <algorithm>
#include <exception>
#include <iostream>
#include <new>
#include <utility>

#include <plait/error.hpp>
#include <plait/version.hpp>

#include "app/interrupt.hpp"

namespace plait::cli {
namespace {

constexpr int kExitWrongUse = 2;

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The message as one line, with the options of the command line in place of the arguments' names
// that the library has.
std::string one_line(std::string message) {
  struct Words {
    const char* argument;
    const char* option;
  };
  constexpr Words kWords[] = {{"weight_layout=\"hwio\"", "--weight-layout hwio"},
                              {"weight_layout=\"oihw\"", "--weight-layout oihw"},
                              {"layout=\"nhwc\"", "--layout nhwc"},
                              {"layout=\"nchw\"", "--layout nchw"}};
  for (const auto& [argument, option] : kWords) {
    message = replace_all(std::move(message), argument, option);
  }
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return replace_all(std::move(message), "\n", "; ");
}

int say_error(const std::string& message, int code) {
  std::cerr << "plait: " << one_line(message) << "\n";
  return code;
}

std::string names_of(const std::vector<Command>& commands) {
  std::string names;
  for (const Command& command : commands) {
    names += (names.empty() ? "" : ", ") + command.app->get_name();
  }
  return names;
}

// The examples of commands say "plait"; users of this face type its name.
void name_in_examples(const std::vector<Command>& commands, const std::string& name) {
  for (const Command& command : commands) {
    const std::string words = " " + command.app->get_name();
    command.app->footer(replace_all(command.app->get_footer(), "plait" + words, name + words));
  }
}

int run(const ProgramFace& face, int argc, const char* const* argv) {
  CLI::App app{"Multi-channel convolution on CPUs, explained and bounded.", face.name};
  app.set_version_flag("--version", std::string("plait ") + version());
  app.require_subcommand(1);
  app.footer("Examples:\n" + face.examples + "\n`" + face.name +
             " COMMAND --help` shows more. Exit codes: 0 ok, 1 the check failed, 2 wrong use,\n"
             "130 interrupted.");
  std::vector<Command> commands;
  for (const AddCommand& add : face.commands) commands.push_back(add(app));
  name_in_examples(commands, face.name);
  const auto parsed = [&commands] {
    return std::find_if(commands.begin(), commands.end(),
                        [](const Command& command) { return command.app->parsed(); });
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const auto command = parsed();
    if (command == commands.end() && argc > 1 && argv[1][0] != '-') {
      return say_error(
          "unknown command '" + std::string(argv[1]) + "'; known: " + names_of(commands),
          kExitWrongUse);
    }
    return say_error(std::string(error.what()) + " (see " + face.name +
                         (command != commands.end() ? " " + command->app->get_name() : "") +
                         " --help)",
                     kExitWrongUse);
  }
  return parsed()->run();
}

}  // namespace

int run_program(const ProgramFace& face, int argc, const char* const* argv) {
  const InterruptsCaught interrupts;
  try {
    const int code = run(face, argc, argv);
    // A full disk behind a redirection would otherwise pass unnoticed.
    if (!std::cout.flush()) return say_error("cannot write to standard output", kExitWrongUse);
    return code;
  } catch (const Error& error) {
    std::cout.flush();
    if (error.status() == Status::cancelled) return say_error("interrupted", kExitInterrupted);
    return say_error(error.what(), kExitWrongUse);
  } catch (const std::bad_alloc&) {
    return say_error("not enough memory", kExitWrongUse);
  } catch (const std::exception& error) {
    return say_error(error.what(), kExitWrongUse);
  }
}

}  // namespace plait::cli
