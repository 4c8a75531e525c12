// The text of an explanation: a table of candidates, one line each, and the reasons.
#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>

#include <plait/plan.hpp>

#include "planner/text.hpp"

namespace plait {
namespace {

void print_row(std::ostream& out, int name_width, const std::string& algorithm,
               const std::string& standing, const std::string& time, const std::string& products,
               const std::string& workspace, const std::string& packed, const std::string& error,
               const std::string& reason) {
  out << "  " << std::left << std::setw(name_width) << algorithm << std::setw(11) << standing
      << std::right << std::setw(10) << time << std::setw(10) << products << std::setw(12)
      << workspace << std::setw(12) << packed << std::setw(10) << error << "  " << std::left
      << reason << '\n';
}

// Names have two blanks behind them, whatever form of a room they are.
int name_width(const std::vector<Candidate>& candidates) {
  std::size_t longest = std::string("algorithm").size();
  for (const Candidate& candidate : candidates) {
    longest = std::max(longest, candidate.algorithm.size());
  }
  return static_cast<int>(longest) + 2;
}

void print_candidate(std::ostream& out, int name_width, const Candidate& candidate) {
  const std::string standing(name_of(candidate.standing));
  if (candidate.standing == Candidate::Standing::refused) {
    print_row(out, name_width, candidate.algorithm, standing, "-", "-", "-", "-", "-",
              candidate.reason);
    return;
  }
  const Cost& cost = candidate.cost;
  print_row(out, name_width, candidate.algorithm, standing, seconds_text(cost.predicted_seconds),
            count_text(cost.multiplications), bytes_text(cost.workspace_bytes),
            bytes_text(cost.packed_bytes), scientific(cost.error_rms), candidate.reason);
}

std::string limits_text(const Limits& limits) {
  std::string text = "accuracy " + std::string(name_of(limits.accuracy));
  text += limits.max_workspace_bytes == kNoWorkspaceCap
              ? ", workspace uncapped"
              : ", workspace at most " + bytes_text(limits.max_workspace_bytes);
  if (!limits.prepacked) text += ", weights packed in every run";
  if (!limits.packed_format.empty()) text += ", weights packed as \"" + limits.packed_format + "\"";
  if (limits.reproducible) text += ", reproducible pick";
  return text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Explanation& explanation) {
  std::ostringstream text;
  text << "problem   " << explanation.problem_line << '\n'
       << "machine   " << explanation.cpu << ", " << name_of(explanation.target) << ", "
       << explanation.threads << (explanation.threads == 1 ? " thread" : " threads") << '\n'
       << "limits    " << limits_text(explanation.limits) << '\n';
  if (explanation.limits.reproducible) {
    text << "price     " << factor_text(explanation.reproducible_price)
         << " the time of the fastest candidate here\n";
  }
  const int width = name_width(explanation.candidates);
  print_row(text, width, "algorithm", "standing", "predicted", "products", "workspace", "packed",
            "rms error", "reason");
  for (const Candidate& candidate : explanation.candidates) {
    print_candidate(text, width, candidate);
  }
  return out << text.str();
}

std::string_view name_of(Candidate::Standing standing) {
  switch (standing) {
    case Candidate::Standing::chosen:
      return "chosen";
    case Candidate::Standing::runner_up:
      return "runner-up";
    case Candidate::Standing::slower:
      return "slower";
    case Candidate::Standing::refused:
      break;
  }
  return "refused";
}

}  // namespace plait
