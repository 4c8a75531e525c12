// Runs the cases of many subjects in child processes.
#pragma once

#include <string>
#include <vector>

#include <plait/analysis/verify.hpp>

#include "analysis/verify/random_case.hpp"

namespace plait {

// An algorithm on a target, and how many cases to run.
struct Subject {
  std::string algorithm;
  Machine machine;  // its `target` is the subject's
  std::int64_t cases = 0;
};

// Case `number` of a subject. Random problems are drawn until the algorithm takes one; given
// problems may be refused.
Case case_of(const VerifyOptions& options, const Subject& subject, std::int64_t number);

struct SubjectResult {
  VerifiedSubject seen;
  std::int64_t failed_number = -1;  // the number of the case that failed; -1: none did
  std::string failure;
  // (measured / expected rms)^2, summed over the outputs of cases with the data of the error
  // classes.
  double squared_rms_share = 0;
  std::int64_t pooled_outputs = 0;
};

// As many children as the machine has threads take the subjects in turn. The first failure of a
// subject ends its cases. If a case ends its child, by a guard page or otherwise, a new child takes
// over the other subjects.
std::vector<SubjectResult> sweep(const VerifyOptions& options,
                                 const std::vector<Subject>& subjects);

// The failure of one case, which runs in a child of its own; empty if there is none.
std::string isolated_failure(const Case& test);

}  // namespace plait
