// A bench run with made-up times.
#pragma once

#include <string>
#include <vector>

#include <plait/machine.hpp>

#include "measure/bench_run.hpp"

namespace plait::cli {

// A run with the times 1.0, 1.1 ... 2.0 s for every line: median 1.5, spread 0.8 / 1.5.
inline BenchRun run_of(const std::vector<std::string>& lines) {
  BenchRun run;
  run.settings.threads = 1;
  run.settings.machine = host_machine();
  for (const std::string& text : lines) {
    const NamedProblem named = parse_problem_line(text);
    BenchLine line;
    line.given = {"", named.name, named.problem};
    line.layer_class = layer_class(named.problem);
    line.plan = plan(named.problem);
    for (int i = 0; i <= 10; ++i) line.timings.seconds.push_back(1 + 0.1 * i);
    line.timings.runs = 11;
    line.peak_gflops = 100;
    run.lines.push_back(line);
  }
  return run;
}

}  // namespace plait::cli
