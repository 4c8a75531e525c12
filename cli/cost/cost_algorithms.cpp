#include "cost/cost_algorithms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include <plait/plan.hpp>
#include <plait/text.hpp>

namespace plait::cli {
namespace {

// The answers of all algorithms on this machine, in every class of accuracy, sorted by name.
std::vector<Candidate> candidates_of(const Problem& problem) {
  Limits limits;
  limits.accuracy = Accuracy::relaxed;
  std::vector<Candidate> candidates = plan(problem, limits).explain().candidates;
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.algorithm < b.algorithm; });
  return candidates;
}

bool takes(const Candidate& candidate) {
  return candidate.standing != Candidate::Standing::refused;
}

}  // namespace

Json algorithms_json(const Problem& problem) {
  Json list = Json::array();
  for (const Candidate& candidate : candidates_of(problem)) {
    Json one = {{"algorithm", candidate.algorithm}, {"takes", takes(candidate)}};
    if (takes(candidate)) {
      const Cost& cost = candidate.cost;
      one["multiplications"] = cost.multiplications;
      one["useful_multiplications"] = cost.useful_multiplications;
      one["additions"] = cost.additions;
      one["transform_operations"] = cost.transform_operations;
      one["predicted_seconds"] = cost.predicted_seconds;
    } else {
      one["reason"] = candidate.reason;
    }
    list.push_back(std::move(one));
  }
  return list;
}

std::string algorithms_text(const Problem& problem, const LayerCost& cost) {
  std::vector<std::vector<std::string>> rows = {{"algorithm", "products", "useful", "additions",
                                                 "transforms", "of the definition", "predicted"}};
  for (const Candidate& candidate : candidates_of(problem)) {
    if (!takes(candidate)) continue;
    const Cost& of = candidate.cost;
    const double executed = static_cast<double>(of.multiplications) +
                            static_cast<double>(of.additions) +
                            static_cast<double>(of.transform_operations);
    rows.push_back({candidate.algorithm, count_text(of.multiplications),
                    count_text(of.useful_multiplications), count_text(of.additions),
                    count_text(of.transform_operations),
                    cost.operations == 0
                        ? "-"
                        : fmt::format("{:.3f}", executed / static_cast<double>(cost.operations)),
                    seconds_text(of.predicted_seconds)});
  }
  return "\nexecuted on this machine\n" + table_text(rows);
}

}  // namespace plait::cli
