// The text of an explanation: a table of candidates, one line each, and the reasons.
#include <algorithm>
#include <array>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <plait/plan.hpp>

#include "planner/text.hpp"

namespace plait {
namespace {

// A line of the table. Numbers are right-aligned, texts left.
using Row = std::array<std::string, 8>;
constexpr std::array kIsNumber = {false, false, true, true, true, true, true, false};

Row row_of(const Candidate& candidate) {
  const std::string standing(name_of(candidate.standing));
  if (candidate.standing == Candidate::Standing::refused) {
    return {candidate.algorithm, standing, "-", "-", "-", "-", "-", candidate.reason};
  }
  const Cost& cost = candidate.cost;
  return {candidate.algorithm,
          standing,
          seconds_text(cost.predicted_seconds),
          count_text(cost.multiplications),
          bytes_text(cost.workspace_bytes),
          bytes_text(cost.packed_bytes),
          scientific(cost.error_rms),
          candidate.reason};
}

void print_table(std::ostream& out, const std::vector<Row>& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      out << "  " << (kIsNumber[i] ? std::right : std::left)
          << std::setw(static_cast<int>(widths[i])) << row[i];
    }
    out << "  " << row.back() << '\n';
  }
}

std::string limits_text(const Limits& limits) {
  std::string text = "accuracy " + std::string(name_of(limits.accuracy));
  text += limits.max_workspace_bytes == kNoWorkspaceCap
              ? ", workspace uncapped"
              : ", workspace at most " + bytes_text(limits.max_workspace_bytes);
  if (!limits.prepacked) text += ", weights packed in every run";
  if (!limits.packed_format.empty()) text += ", weights packed as \"" + limits.packed_format + "\"";
  if (limits.reproducible) text += ", reproducible pick";
  if (limits.delta != 0) text += ", delta " + std::to_string(limits.delta);
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
  std::vector<Row> rows = {{"algorithm", "standing", "predicted", "products", "workspace", "packed",
                            "rms error", "reason"}};
  for (const Candidate& candidate : explanation.candidates) rows.push_back(row_of(candidate));
  print_table(text, rows);
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
