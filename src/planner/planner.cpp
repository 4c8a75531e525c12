#include "planner/planner.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <plait/text.hpp>

#include "core/problem/canonical_problem.hpp"
#include "core/problem/normalized_problem.hpp"

namespace plait {
namespace {

std::string known_names(std::span<const Algorithm> algorithms) {
  std::vector<std::string> names;
  for (const Algorithm& algorithm : algorithms) names.push_back(algorithm.name);
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

// The limits that hold for every algorithm alike.
Verdict within_limits(const Cost& cost, const Limits& limits) {
  if (cost.workspace_bytes > limits.max_workspace_bytes) {
    return Verdict::no("needs " + std::to_string(cost.workspace_bytes) +
                       " bytes of workspace, the cap is " +
                       std::to_string(limits.max_workspace_bytes));
  }
  if (cost.error_rms > error_limit(limits.accuracy)) {
    return Verdict::no("expected rms error " + error_text(cost.error_rms) + ", class " +
                       std::string(name_of(limits.accuracy)) + " allows " +
                       error_text(error_limit(limits.accuracy)));
  }
  return Verdict::yes();
}

struct Entry {
  const Algorithm* algorithm = nullptr;
  Candidate candidate;
  double rank_seconds = 0;  // what the order goes by; differs from the prediction if reproducible
};

Entry ask(const Algorithm& algorithm, const Problem& problem, const Limits& limits,
          const Machine& machine) {
  Entry entry{&algorithm, {}, 0};
  entry.candidate.algorithm = algorithm.name;
  entry.candidate.summary = algorithm.summary;
  if (!limits.algorithm.empty() && limits.algorithm != algorithm.name) {
    entry.candidate.reason = limits.algorithm + " is forced";
    return entry;
  }
  Verdict verdict = algorithm.accepts(problem, limits, machine);
  if (verdict) {
    entry.candidate.cost = algorithm.estimate(problem, limits, machine);
    verdict = within_limits(entry.candidate.cost, limits);
  }
  if (!verdict) {
    entry.candidate.reason = verdict.reason();
    entry.candidate.cost = {};
    return entry;
  }
  entry.candidate.standing = Candidate::Standing::slower;
  entry.rank_seconds = entry.candidate.cost.predicted_seconds;
  return entry;
}

bool before(const Entry& a, const Entry& b) {
  const bool a_refused = a.candidate.standing == Candidate::Standing::refused;
  const bool b_refused = b.candidate.standing == Candidate::Standing::refused;
  if (a_refused != b_refused) return b_refused;
  if (!a_refused && a.rank_seconds != b.rank_seconds) return a.rank_seconds < b.rank_seconds;
  return a.candidate.algorithm < b.candidate.algorithm;
}

// Ranks by what holds on every machine: the canonical one, on one thread. Throws Error if this
// machine refuses what that one would pick: another pick would have other bits.
void rank_reproducibly(std::vector<Entry>& entries, const Problem& problem, const Limits& limits) {
  Limits one_thread = limits;
  one_thread.threads = 1;
  one_thread.packed_format.clear();  // names this machine's target
  const Entry* pick = nullptr;
  std::vector<Entry> canonical;
  canonical.reserve(entries.size());
  for (const Entry& entry : entries) {
    canonical.push_back(ask(*entry.algorithm, problem, one_thread, canonical_machine()));
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& there = canonical[i];
    Candidate& here = entries[i].candidate;
    if (there.candidate.standing != Candidate::Standing::refused) {
      entries[i].rank_seconds = there.rank_seconds;
      if (pick == nullptr || before(there, *pick)) pick = &there;
    } else if (here.standing != Candidate::Standing::refused) {
      here.standing = Candidate::Standing::refused;
      here.reason = "on the canonical machine: " + there.candidate.reason;
      here.cost = {};
    }
  }
  for (const Entry& entry : entries) {
    if (pick != nullptr && entry.algorithm == pick->algorithm &&
        entry.candidate.standing == Candidate::Standing::refused) {
      throw Error(Status::unsupported,
                  "the reproducible pick " + entry.candidate.algorithm +
                      " is refused on this machine: " + entry.candidate.reason);
    }
  }
}

bool is_refused(const Entry& entry) {
  return entry.candidate.standing == Candidate::Standing::refused;
}

// Everyone's answer, best first.
std::vector<Entry> ask_all(const Problem& problem, const Limits& limits, const Machine& machine,
                           std::span<const Algorithm> algorithms) {
  std::vector<Entry> entries;
  entries.reserve(algorithms.size());
  for (const Algorithm& algorithm : algorithms) {
    entries.push_back(ask(algorithm, problem, limits, machine));
  }
  if (limits.reproducible) rank_reproducibly(entries, problem, limits);
  std::sort(entries.begin(), entries.end(), before);
  return entries;
}

// Which part of the predicted time makes the difference between two algorithms.
std::string cause_of(const Cost& slower, const Cost& chosen) {
  struct Part {
    double excess;
    const char* what;
  };
  const Part parts[] = {{slower.product_seconds - chosen.product_seconds, "multiplying and adding"},
                        {slower.gather_seconds - chosen.gather_seconds, "rearranging operands"},
                        {slower.memory_seconds - chosen.memory_seconds, "waiting for memory"},
                        {slower.thread_seconds - chosen.thread_seconds, "handing work to threads"}};
  const Part& worst =
      *std::max_element(std::begin(parts), std::end(parts),
                        [](const Part& a, const Part& b) { return a.excess < b.excess; });
  if (worst.excess <= 0) return "no part of it is slower";
  return "+" + seconds_text(worst.excess) + " " + worst.what;
}

void give_reasons(std::vector<Entry>& entries, const Limits& limits) {
  Candidate& chosen = entries.front().candidate;
  chosen.standing = Candidate::Standing::chosen;
  chosen.factor = 1;
  chosen.reason = !limits.algorithm.empty() ? "forced"
                  : limits.reproducible     ? "lowest predicted time on the canonical machine"
                                            : "lowest predicted time";
  for (std::size_t i = 1; i < entries.size(); ++i) {
    Candidate& candidate = entries[i].candidate;
    if (candidate.standing == Candidate::Standing::refused) continue;
    if (i == 1) candidate.standing = Candidate::Standing::runner_up;
    candidate.factor = candidate.cost.predicted_seconds / chosen.cost.predicted_seconds;
    candidate.reason = factor_text(candidate.factor) +
                       " the chosen one's time: " + cause_of(candidate.cost, chosen.cost);
  }
}

[[noreturn]] void fail(const Problem& problem, const std::vector<Entry>& entries,
                       const Limits& limits) {
  std::string reasons;
  for (const Entry& entry : entries) {
    if (!limits.algorithm.empty() && entry.candidate.algorithm != limits.algorithm) continue;
    reasons +=
        (reasons.empty() ? "" : "; ") + entry.candidate.algorithm + ": " + entry.candidate.reason;
  }
  throw Error(Status::unsupported,
              "no algorithm computes \"" + to_string(problem) + "\": " + reasons);
}

}  // namespace

Limits complete_limits(const Limits& limits, const Machine& machine,
                       std::span<const Algorithm> algorithms) {
  Limits complete = limits;
  if (limits.threads < 0) {
    throw Error(Status::invalid_argument,
                "threads must be at least 0 but is " + std::to_string(limits.threads));
  }
  if (limits.delta < 0) {
    throw Error(Status::invalid_argument,
                "delta must be at least 0 but is " + std::to_string(limits.delta));
  }
  if (limits.threads == 0) complete.threads = machine.default_threads();
  const char* forced = std::getenv("PLAIT_FORCE_ALGORITHM");
  if (complete.algorithm.empty() && forced != nullptr) complete.algorithm = forced;
  const bool known =
      std::any_of(algorithms.begin(), algorithms.end(),
                  [&](const Algorithm& algorithm) { return algorithm.name == complete.algorithm; });
  if (!complete.algorithm.empty() && !known) {
    throw Error(Status::invalid_argument, "unknown algorithm \"" + complete.algorithm +
                                              "\" (known: " + known_names(algorithms) + ")");
  }
  return complete;
}

Ranking rank(const Problem& problem, const Limits& limits, const Machine& machine,
             std::span<const Algorithm> algorithms) {
  const Problem effective = normalized_problem(problem);
  Ranking ranking;
  ranking.problem = canonical_problem(effective);
  std::vector<Entry> entries = ask_all(ranking.problem, limits, machine, algorithms);
  // What is forced, capped or packed already may suit the spelling that was given alone.
  if (is_refused(entries.front()) && ranking.problem != effective) {
    ranking.problem = effective;
    entries = ask_all(effective, limits, machine, algorithms);
  }
  if (is_refused(entries.front())) fail(problem, entries, limits);
  give_reasons(entries, limits);

  ranking.chosen = entries.front().algorithm;
  Explanation& explanation = ranking.explanation;
  explanation.problem_line = to_string(problem);
  if (ranking.problem != effective) explanation.computed_as = to_string(ranking.problem);
  explanation.cpu = machine.cpu;
  explanation.target = machine.target;
  explanation.threads = limits.threads;
  explanation.limits = limits;
  for (Entry& entry : entries) {
    if (entry.candidate.standing != Candidate::Standing::refused) {
      explanation.reproducible_price =
          std::max(explanation.reproducible_price, 1 / entry.candidate.factor);
    }
    explanation.candidates.push_back(std::move(entry.candidate));
  }
  return ranking;
}

}  // namespace plait
