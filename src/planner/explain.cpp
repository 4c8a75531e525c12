// Writes an explanation as text: a table with one line for each candidate, and the reasons.
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <plait/plan.hpp>
#include <plait/text.hpp>

namespace plait {
namespace {

std::vector<std::string> row_of(const Candidate& candidate) {
  const std::string standing(name_of(candidate.standing));
  if (candidate.standing == Candidate::Standing::refused) {
    return {candidate.algorithm, standing, "-", "-", "-", "-", "-", candidate.reason};
  }
  const Cost& cost = candidate.cost;
  return {candidate.algorithm,
          standing,
          seconds_text(cost.predicted_seconds),
          rounded_count_text(cost.multiplications),
          bytes_text(static_cast<std::int64_t>(cost.workspace_bytes)),
          bytes_text(static_cast<std::int64_t>(cost.packed_bytes)),
          error_text(cost.error_rms),
          candidate.reason};
}

std::string limits_text(const Limits& limits) {
  std::string text = "accuracy " + std::string(name_of(limits.accuracy));
  text += limits.max_workspace_bytes == kNoWorkspaceCap
              ? ", workspace uncapped"
              : ", workspace at most " +
                    bytes_text(static_cast<std::int64_t>(limits.max_workspace_bytes));
  if (!limits.prepacked) text += ", weights packed in every run";
  if (!limits.packed_format.empty()) text += ", weights packed as \"" + limits.packed_format + "\"";
  if (limits.reproducible) text += ", reproducible pick";
  if (limits.tile_columns != 0) {
    text += ", tiles of " + std::to_string(limits.tile_columns) + " columns";
  }
  return text;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Explanation& explanation) {
  std::ostringstream text;
  text << "problem   " << explanation.problem_line << '\n';
  if (!explanation.computed_as.empty()) {
    text << "computed  as " << explanation.computed_as << '\n';
  }
  text << "machine   " << explanation.cpu << ", " << name_of(explanation.target) << ", "
       << explanation.threads << (explanation.threads == 1 ? " thread" : " threads") << '\n'
       << "limits    " << limits_text(explanation.limits) << '\n';
  if (explanation.limits.reproducible) {
    text << "price     " << factor_text(explanation.reproducible_price)
         << " the time of the fastest candidate here\n";
  }
  if (!explanation.config.empty()) text << "config    " << explanation.config << '\n';
  std::vector<std::vector<std::string>> rows = {{"algorithm", "standing", "predicted", "products",
                                                 "workspace", "packed", "rms error", "reason"}};
  for (const Candidate& candidate : explanation.candidates) rows.push_back(row_of(candidate));
  text << table_text(rows, {.left_columns = 2, .words_last = true, .indent = "  "});
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
