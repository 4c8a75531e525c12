#include "io/problems.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>

#include "app/fail.hpp"
#include "io/files.hpp"

namespace plait::cli {
namespace {

// Problem lines have commas, and only files exist.
bool is_line(const std::string& argument) {
  std::error_code error;
  return argument.find(',') != std::string::npos && !std::filesystem::exists(argument, error);
}

std::vector<NamedProblem> parse(const std::string& source, const std::string& text) {
  const std::string where = source == "-" ? "standard input" : source;
  std::vector<NamedProblem> problems;
  try {
    problems = parse_problem_lines(text);
  } catch (const Error& error) {
    throw Error(error.status(), fmt::format("{}, {}", where, error.what()));
  }
  if (problems.empty()) {
    fail(fmt::format("{} has no problem line", where));
  }
  return problems;
}

}  // namespace

void add_problem_arguments(CLI::App& command, std::vector<std::string>& arguments) {
  command
      .add_option("problems", arguments,
                  "Problem lines, files of problem lines, or - for lines on standard input")
      ->required()
      ->type_name("LINE|FILE|-");
}

std::vector<SourcedProblem> read_problems(const std::vector<std::string>& arguments,
                                          std::istream& standard_input) {
  std::vector<SourcedProblem> problems;
  for (const std::string& argument : arguments) {
    if (is_line(argument)) {
      const NamedProblem one = parse_problem_line(argument);
      problems.push_back({"", one.name, one.problem});
      continue;
    }
    const std::string text = argument == "-"
                                 ? std::string(std::istreambuf_iterator<char>(standard_input), {})
                                 : read_file(argument);
    for (const NamedProblem& one : parse(argument, text)) {
      problems.push_back({argument, one.name, one.problem});
    }
  }
  return problems;
}

}  // namespace plait::cli
