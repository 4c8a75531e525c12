#include "measure/bench_run.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include <plait/text.hpp>

#include "app/interrupt.hpp"
#include "app/progress.hpp"
#include "measure/bench_operands.hpp"
#include "measure/compute.hpp"

namespace plait::cli {
namespace {

BenchLine planned(const SourcedProblem& given, const BenchSettings& settings) {
  BenchLine line;
  line.given = given;
  line.layer_class = layer_class(given.problem);
  if (given.problem.direction != Direction::forward) {
    line.refusal = fmt::format("only the forward direction is timed, not {}",
                               name_of(given.problem.direction));
    return line;
  }
  try {
    const Plan chosen = plan(given.problem, settings.limits, settings.machine);
    check_memory(chosen);
    line.plan = chosen;
  } catch (const Error& error) {
    if (!error.is_refusal()) throw;
    line.refusal = error.what();
  }
  return line;
}

double peak_gflops(const BenchLine& line, const BenchSettings& settings) {
  const double f32 = measure_peak_gflops(settings.machine.target, settings.threads);
  return line.given.problem.dtype == Dtype::f64 ? f32 / 2 : f32;  // half as many lanes
}

// One burst of runs between two measurements of the peak. Everything is allocated anew, so that
// only one problem's tensors exist at a time, and no problem keeps a lucky or unlucky place in
// memory.
template <class T>
void visit(BenchLine& line, const BenchSettings& settings) {
  const Plan& plan = *line.plan;
  const BenchOperands<T> operands(plan.problem());
  const Packed packed = plan.pack<T>(operands.kernel(), operands.bias());
  RunOptions<T> options;
  options.residual = operands.residual();
  options.cancel = &interrupted();

  const std::size_t before = line.timings.seconds.size();
  line.peak_gflops = std::max(line.peak_gflops, peak_gflops(line, settings));
  time_runs<T>(plan, operands.x(), packed, operands.y(), settings.seconds / settings.rounds,
               line.timings, options);
  line.peak_gflops = std::max(line.peak_gflops, peak_gflops(line, settings));
  line.round_medians.push_back(
      summarize({line.timings.seconds.begin() + static_cast<std::ptrdiff_t>(before),
                 line.timings.seconds.end()})
          .median_seconds);
  stop_if_interrupted();
  if (settings.check && !line.error) {
    line.error =
        measure_error<T>(plan.problem(), plan.cost().bound(), operands.x(), operands.kernel(),
                         operands.bias(), operands.residual(), operands.y(), 1, &interrupted());
    stop_if_interrupted();
  }
}

void visit_all(BenchRun& run) {
  const BenchSettings& settings = run.settings;
  const auto plans = std::count_if(run.lines.begin(), run.lines.end(),
                                   [](const BenchLine& line) { return line.plan.has_value(); });
  Progress progress(settings.label, plans * settings.rounds);
  std::int64_t done = 0;
  for (int round = 0; round < settings.rounds; ++round) {
    for (BenchLine& line : run.lines) {
      if (!line.plan) continue;
      if (line.given.problem.dtype == Dtype::f64) {
        visit<double>(line, settings);
      } else {
        visit<float>(line, settings);
      }
      progress.update(++done);
    }
  }
}

// Four times as large as the last cache, so that little of it is found there.
double memory_bytes_per_second(const BenchSettings& settings) {
  if (!settings.measure_memory) return 0;
  return measure_read_bytes_per_second(settings.machine.target,
                                       4 * settings.machine.caches.l3_bytes, settings.threads);
}

}  // namespace

std::string settings_text(const BenchSettings& settings, const std::string& timed) {
  return fmt::format("machine   {}, {}, {}\ntiming    {} for {:.3g} s in {}\n",
                     settings.machine.cpu, name_of(settings.machine.target),
                     counted(settings.threads, "thread"), timed, settings.seconds,
                     counted(settings.rounds, "round"));
}

double BenchLine::bytes() const {
  const Problem& p = given.problem;
  const std::int64_t elements = element_count(p.x_shape()) + element_count(p.weight_shape()) +
                                (p.bias ? p.c_o : 0) +
                                (p.residual ? 2 : 1) * element_count(p.y_shape());
  return static_cast<double>(elements) * static_cast<double>(size_of(p.dtype));
}

double BenchLine::gflops(double seconds) const {
  return 2e-9 * static_cast<double>(given.problem.multiplications()) / seconds;
}

BenchRun plan_bench(const BenchSettings& settings, const std::vector<SourcedProblem>& problems) {
  BenchRun run;
  run.settings = settings;
  run.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  for (const SourcedProblem& problem : problems) run.lines.push_back(planned(problem, settings));
  return run;
}

void measure_bench(BenchRun& run) {
  const BenchSettings& settings = run.settings;
  try {
    run.memory_bytes_per_second = memory_bytes_per_second(settings);
    visit_all(run);
    run.memory_bytes_per_second =
        std::max(run.memory_bytes_per_second, memory_bytes_per_second(settings));
  } catch (const Error& error) {
    if (error.status() != Status::cancelled) throw;
    run.interrupted = true;
  }
}

}  // namespace plait::cli
