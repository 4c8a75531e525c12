#include "planner/planner.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <variant>
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

// The limit that a cost exceeds, or an empty text. Every algorithm is held to these limits.
std::string excess(const Cost& cost, const Limits& limits) {
  if (cost.workspace_bytes > limits.max_workspace_bytes) {
    return "needs " + std::to_string(cost.workspace_bytes) + " bytes of workspace, the cap is " +
           std::to_string(limits.max_workspace_bytes);
  }
  if (cost.error_rms > error_limit(limits.accuracy)) {
    return "expected rms error " + error_text(cost.error_rms) + ", class " +
           std::string(name_of(limits.accuracy)) + " allows " +
           error_text(error_limit(limits.accuracy));
  }
  return {};
}

struct Entry {
  const Algorithm* algorithm = nullptr;
  Candidate candidate;
  Offer offer;              // unless refused
  double rank_seconds = 0;  // predicted on the canonical machine if reproducible, else on this one
};

bool is_refused(const Entry& entry) {
  return entry.candidate.standing == Candidate::Standing::refused;
}

// The context of a question. Algorithms that ask for a child plan are not asked themselves.
struct Request {
  const Limits& limits;
  const Machine& machine;
  std::span<const Algorithm> algorithms;
  const Request* parent = nullptr;    // the request that `asking` answers
  const Algorithm* asking = nullptr;  // the algorithm whose child is planned

  bool is_asking(const Algorithm& algorithm) const {
    return asking == &algorithm || (parent != nullptr && parent->is_asking(algorithm));
  }
};

class ChildPlanner final : public Planner {
 public:
  ChildPlanner(const Request& parent, const Algorithm& asking) : parent_(parent), asking_(asking) {}

  std::variant<Refusal, ChildPlan> plan_child(const Problem& problem,
                                              const Limits& limits) const override;

 private:
  const Request& parent_;
  const Algorithm& asking_;
};

Entry ask(const Algorithm& algorithm, const Problem& problem, const Request& request) {
  const Limits& limits = request.limits;
  Entry entry{&algorithm, {}, {}, 0};
  entry.candidate.algorithm = algorithm.name;
  entry.candidate.summary = algorithm.summary;
  if (!limits.algorithm.empty() && limits.algorithm != algorithm.name) {
    entry.candidate.reason = limits.algorithm + " is forced";
    return entry;
  }
  const ChildPlanner planner(request, algorithm);
  Answer answer = algorithm.ask({problem, limits, request.machine, planner});
  if (auto* const refusal = std::get_if<Refusal>(&answer)) {
    entry.candidate.reason = std::move(refusal->reason);
    return entry;
  }
  entry.offer = std::get<Offer>(std::move(answer));
  entry.candidate.reason = excess(entry.offer.cost, limits);
  if (!entry.candidate.reason.empty()) return entry;
  entry.candidate.cost = entry.offer.cost;
  entry.candidate.standing = Candidate::Standing::slower;
  entry.rank_seconds = entry.candidate.cost.predicted_seconds;
  return entry;
}

bool before(const Entry& a, const Entry& b) {
  if (is_refused(a) != is_refused(b)) return is_refused(b);
  if (!is_refused(a) && a.rank_seconds != b.rank_seconds) return a.rank_seconds < b.rank_seconds;
  return a.candidate.algorithm < b.candidate.algorithm;
}

// The answers of all algorithms, in the order of the list.
std::vector<Entry> answers(const Problem& problem, const Request& request) {
  std::vector<Entry> entries;
  entries.reserve(request.algorithms.size());
  for (const Algorithm& algorithm : request.algorithms) {
    if (!request.is_asking(algorithm)) entries.push_back(ask(algorithm, problem, request));
  }
  return entries;
}

// Ranks by the times of the canonical machine on one thread, which are the same on every machine.
// Throws Error if this machine refuses the algorithm that is best there, because another algorithm
// would give other bits.
void rank_reproducibly(std::vector<Entry>& entries, const Problem& problem,
                       const Request& request) {
  Limits one_thread = request.limits;
  one_thread.threads = 1;
  one_thread.packed_format.clear();  // it names the target of this machine
  const std::vector<Entry> canonical = answers(
      problem,
      {one_thread, canonical_machine(), request.algorithms, request.parent, request.asking});
  const Entry* pick = nullptr;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& there = canonical[i];
    Candidate& here = entries[i].candidate;
    if (!is_refused(there)) {
      entries[i].rank_seconds = there.rank_seconds;
      if (pick == nullptr || before(there, *pick)) pick = &there;
    } else if (!is_refused(entries[i])) {
      here.standing = Candidate::Standing::refused;
      here.reason = "on the canonical machine: " + there.candidate.reason;
      here.cost = {};
    }
  }
  for (const Entry& entry : entries) {
    if (pick != nullptr && entry.algorithm == pick->algorithm && is_refused(entry)) {
      throw Error(Status::unsupported,
                  "the reproducible pick " + entry.candidate.algorithm +
                      " is refused on this machine: " + entry.candidate.reason);
    }
  }
}

// The convolution in the spelling that algorithms were asked about, and their answers, the best
// first. If the first one refused, all refused.
struct Asked {
  Problem problem;
  bool is_other_spelling = false;  // than the one that was given, normalized
  std::vector<Entry> entries;
};

Asked ask_all(const Problem& problem, const Request& request) {
  const auto ranked = [&](const Problem& spelling) {
    std::vector<Entry> entries = answers(spelling, request);
    if (request.limits.reproducible) rank_reproducibly(entries, spelling, request);
    std::sort(entries.begin(), entries.end(), before);
    return entries;
  };
  const Problem normalized = normalized_problem(problem);
  const Problem canonical = canonical_problem(normalized);
  Asked asked{canonical, canonical != normalized, ranked(canonical)};
  // Forced algorithms, caps and packed weights may suit only the spelling that was given.
  if (is_refused(asked.entries.front()) && asked.is_other_spelling) {
    asked = {normalized, false, ranked(normalized)};
  }
  return asked;
}

std::string reasons_of(const std::vector<Entry>& entries, const Limits& limits) {
  std::string reasons;
  for (const Entry& entry : entries) {
    if (!limits.algorithm.empty() && entry.candidate.algorithm != limits.algorithm) continue;
    reasons +=
        (reasons.empty() ? "" : "; ") + entry.candidate.algorithm + ": " + entry.candidate.reason;
  }
  return reasons;
}

std::variant<Refusal, ChildPlan> ChildPlanner::plan_child(const Problem& problem,
                                                          const Limits& limits) const {
  const Request request{limits, parent_.machine, parent_.algorithms, &parent_, &asking_};
  try {
    Asked asked = ask_all(problem, request);
    Entry& best = asked.entries.front();
    if (is_refused(best)) return Refusal{reasons_of(asked.entries, limits)};
    return ChildPlan{best.algorithm->name, asked.problem, limits, std::move(best.offer)};
  } catch (const Error& error) {  // this machine refuses the reproducible choice
    if (!error.is_refusal()) throw;
    return Refusal{error.what()};
  }
}

// The part of the predicted time in which two algorithms differ most.
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
    if (is_refused(entries[i])) continue;
    Candidate& candidate = entries[i].candidate;
    if (i == 1) candidate.standing = Candidate::Standing::runner_up;
    candidate.factor = candidate.cost.predicted_seconds / chosen.cost.predicted_seconds;
    candidate.reason = factor_text(candidate.factor) +
                       " the chosen one's time: " + cause_of(candidate.cost, chosen.cost);
  }
}

// The output step for the spelling that was given. The other spelling may exchange the axes, so
// that each axis takes the least common multiple.
Pair output_step_of(const Asked& asked) {
  const Pair step = asked.entries.front().offer.output_step;
  return asked.is_other_spelling ? Pair(std::lcm(step.h, step.w)) : step;
}

}  // namespace

Limits complete_limits(const Limits& limits, const Machine& machine,
                       std::span<const Algorithm> algorithms) {
  Limits complete = limits;
  if (limits.threads < 0) {
    throw Error(Status::invalid_argument,
                "threads must be at least 0 but is " + std::to_string(limits.threads));
  }
  if (limits.tile_columns < 0) {
    throw Error(Status::invalid_argument,
                "tile_columns must be at least 0 but is " + std::to_string(limits.tile_columns));
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
  const Request request{limits, machine, algorithms};
  Asked asked = ask_all(problem, request);
  std::vector<Entry>& entries = asked.entries;
  if (is_refused(entries.front())) {
    throw Error(Status::unsupported, "no algorithm computes \"" + to_string(problem) +
                                         "\": " + reasons_of(entries, limits));
  }
  give_reasons(entries, limits);

  const Entry& best = entries.front();
  Ranking ranking;
  ranking.chosen = best.algorithm;
  const ChildPlanner planner(request, *best.algorithm);
  ranking.execution = best.offer.prepare({asked.problem, limits, machine, planner});
  Explanation& explanation = ranking.explanation;
  explanation.problem_line = to_string(problem);
  if (asked.is_other_spelling) explanation.computed_as = to_string(asked.problem);
  ranking.output_step = output_step_of(asked);
  explanation.cpu = machine.cpu;
  explanation.target = machine.target;
  explanation.threads = limits.threads;
  explanation.limits = limits;
  explanation.config = ranking.execution->config();
  explanation.block = ranking.execution->block();
  for (Entry& entry : entries) {
    if (!is_refused(entry)) {
      explanation.reproducible_price =
          std::max(explanation.reproducible_price, 1 / entry.candidate.factor);
    }
    explanation.candidates.push_back(std::move(entry.candidate));
  }
  return ranking;
}

}  // namespace plait
