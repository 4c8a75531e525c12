#include "core/machine/thread_limit.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/machine/system_files.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"

namespace plait {
namespace {

// The first number of a list such as "4,3,2", which gives the threads of nested parallel regions
// (OpenMP 5.2, section 21.1.2). A list with anything else in it is ignored, as OpenMP runtimes do.
std::optional<int> first_of_list(std::string_view text) {
  std::optional<std::int64_t> first;
  for (const std::string_view part : split(text, ',')) {
    const std::optional<std::int64_t> number = plait::parse_number<std::int64_t>(part);
    if (!number || *number < 1) return std::nullopt;
    if (!first) first = number;
  }
  if (!first) return std::nullopt;
  return static_cast<int>(std::min<std::int64_t>(*first, kMostCores));
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::optional<int> thread_limit(std::string_view plait_num_threads,
                                std::string_view omp_num_threads) {
  if (plait_num_threads.empty()) return first_of_list(omp_num_threads);
  const std::optional<int> number = plait::parse_number<int>(plait_num_threads);
  if (!number || *number < 1 || *number > kMostCores) {
    refuse("PLAIT_NUM_THREADS must be a whole number from 1 to " + std::to_string(kMostCores) +
           " but is " + quoted(plait_num_threads));
  }
  return number;
}

std::optional<int> thread_limit_of_environment() {
  return thread_limit(variable("PLAIT_NUM_THREADS"), variable("OMP_NUM_THREADS"));
}

}  // namespace plait
