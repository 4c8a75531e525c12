// The problems that a command's arguments name.
#pragma once

#include <CLI/CLI.hpp>

#include <istream>
#include <string>
#include <vector>

#include <plait/problem.hpp>

namespace plait::cli {

struct SourcedProblem {
  std::string source;  // the file, "-" for standard input; empty for a line given as an argument
  std::string name;    // may be empty
  Problem problem;
};

// The arguments that read_problems() takes.
void add_problem_arguments(CLI::App& command, std::vector<std::string>& arguments);

// Each argument is a file of problem lines, "-" for such lines on `standard_input`, or a problem
// line. Throws Error naming the file and line number, also for a file without any problem.
std::vector<SourcedProblem> read_problems(const std::vector<std::string>& arguments,
                                          std::istream& standard_input);

}  // namespace plait::cli
