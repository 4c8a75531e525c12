// Chooses what to verify, and judges what the sweep found.
#include <plait/analysis/verify.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "analysis/verify/shrink.hpp"
#include "analysis/verify/sweep.hpp"
#include "core/problem/problem_rules.hpp"
#include "core/refuse.hpp"

namespace plait {
namespace {

constexpr int kShrinkTrials = 2000;
constexpr std::chrono::seconds kShrinkTime{60};  // large problems take long to try

std::vector<std::string> algorithms_of(const VerifyOptions& options) {
  std::vector<std::string> names;
  for (const AlgorithmInfo& one : algorithms()) names.push_back(one.name);
  if (options.algorithm.empty()) return names;
  if (std::find(names.begin(), names.end(), options.algorithm) != names.end()) {
    return {options.algorithm};
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  refuse("unknown algorithm \"" + options.algorithm + "\" (known: " + known + ")");
}

std::vector<Subject> subjects_of(const VerifyOptions& options) {
  const std::vector<std::string> names = algorithms_of(options);
  const auto count = static_cast<std::int64_t>(names.size());
  std::vector<Subject> subjects;
  for (const Target target : host_machine().targets) {
    if (options.target && *options.target != target) continue;
    Machine machine = host_machine();
    machine.use(target);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t cases = options.cases / count + (i < options.cases % count ? 1 : 0);
      if (cases > 0) subjects.push_back({names[static_cast<std::size_t>(i)], machine, cases});
    }
  }
  return subjects;
}

VerifyFailure shrunk_failure(const VerifyOptions& options, const Subject& subject,
                             const SubjectResult& result) {
  VerifyFailure failure;
  failure.algorithm = subject.algorithm;
  failure.target = subject.machine.target;
  failure.number = result.failed_number;
  failure.message = result.failure;
  const Case found = case_of(options, subject, failure.number);
  const auto end = std::chrono::steady_clock::now() + kShrinkTime;
  const Case smallest = shrink(
      found,
      [&](const Case& simpler) {
        if (std::chrono::steady_clock::now() > end) return false;
        const std::string message = isolated_failure(simpler);
        if (!message.empty()) failure.message = message;
        return !message.empty();
      },
      kShrinkTrials);
  failure.line = to_string(smallest.problem);
  failure.smallest = to_string(smallest);
  failure.found = to_string(found);
  return failure;
}

std::vector<PooledError> pooled_errors(const std::vector<SubjectResult>& results) {
  std::vector<PooledError> pools;
  std::map<std::string, double> squares;
  for (const SubjectResult& result : results) {
    const std::string& algorithm = result.seen.algorithm;
    if (!squares.contains(algorithm)) pools.push_back({algorithm, 0, 0});
    squares[algorithm] += result.squared_rms_share;
    for (PooledError& pool : pools) {
      if (pool.algorithm == algorithm) pool.outputs += result.pooled_outputs;
    }
  }
  for (PooledError& pool : pools) {
    const auto outputs = static_cast<double>(std::max<std::int64_t>(1, pool.outputs));
    pool.rms_share = std::sqrt(squares[pool.algorithm] / outputs);
  }
  return pools;
}

void fail_as_a_whole(VerifyReport& report, const std::string& algorithm,
                     const std::string& message) {
  VerifyFailure failure;
  failure.algorithm = algorithm;
  failure.number = -1;
  failure.message = message;
  report.failures.push_back(failure);
}

void judge_errors(VerifyReport& report) {
  for (const PooledError& pool : report.errors) {
    if (pool.outputs < VerifyReport::kPooledOutputs) continue;
    if (pool.rms_share <= VerifyReport::kMostRmsShare) continue;
    fail_as_a_whole(report, pool.algorithm,
                    "rms error of " + std::to_string(pool.rms_share) +
                        " times the expected one over " + std::to_string(pool.outputs) +
                        " outputs");
  }
}

void judge_coverage(VerifyReport& report) {
  for (const VerifiedSubject& subject : report.subjects) {
    if (subject.cases < VerifyReport::kCoverageCases) continue;
    for (const LoopCount& loop : subject.loops) {
      if (loop.covered) continue;
      fail_as_a_whole(report, subject.algorithm,
                      "on " + std::string(name_of(subject.target)) + " the loop over " + loop.name +
                          " never went round twice and then in part (most rounds: " +
                          std::to_string(loop.rounds) + ")");
    }
  }
}

}  // namespace

VerifyReport verify(const VerifyOptions& options) {
  if (options.cases < 1 || options.first < 0) {
    refuse("cases must be at least 1 and the first one at least 0, but they are " +
           std::to_string(options.cases) + " and " + std::to_string(options.first));
  }
  for (const Problem& problem : options.problems) {
    validate(problem);
    require_forward(problem, "verify checks");
  }
  if (options.target) Machine(host_machine()).use(*options.target);  // throws if it cannot run
  const std::vector<Subject> subjects = subjects_of(options);
  const std::vector<SubjectResult> results = sweep(options, subjects);
  VerifyReport report;
  for (std::size_t i = 0; i < results.size(); ++i) {
    report.subjects.push_back(results[i].seen);
    if (results[i].failed_number >= 0) {
      report.failures.push_back(shrunk_failure(options, subjects[i], results[i]));
    }
  }
  report.errors = pooled_errors(results);
  judge_errors(report);
  if (options.problems.empty()) judge_coverage(report);
  return report;
}

}  // namespace plait
