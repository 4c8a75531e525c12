// Running the cases of many subjects in child processes.
#pragma once

#include <string>
#include <vector>

#include <plait/analysis/verify.hpp>

#include "analysis/verify/random_case.hpp"

namespace plait {

// An algorithm on a target, and how often to try it.
struct Subject {
  std::string algorithm;
  Machine machine;  // set to the target
  std::int64_t cases = 0;
};

// Case `number` of a subject. Given problems may be refused; random ones are drawn until one is
// taken.
Case case_of(const VerifyOptions& options, const Subject& subject, std::int64_t number);

struct SubjectResult {
  VerifiedSubject seen;
  std::int64_t failed_number = -1;  // of the case that failed, if one did
  std::string failure;
  // Of cases with the data of the error classes.
  double squared_rms_share = 0;  // (measured / expected rms)^2, summed over their outputs
  std::int64_t pooled_outputs = 0;
};

// As many children as the machine has threads take the subjects in turn; a subject's first failure
// ends its cases. A child that is ended by its case, by a guard or otherwise, has a successor for
// the other subjects.
std::vector<SubjectResult> sweep(const VerifyOptions& options,
                                 const std::vector<Subject>& subjects);

// The failure of one case, found in a child of its own; empty if there is none.
std::string isolated_failure(const Case& test);

}  // namespace plait
