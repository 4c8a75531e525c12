// How many threads the environment allows.
#pragma once

#include <optional>
#include <string_view>

namespace plait {

inline constexpr int kMostCores = 1 << 20;  // more than any machine has

// The limit that the values of PLAIT_NUM_THREADS and OMP_NUM_THREADS ask for; an unset variable is
// given as "". The first one counts if it is not empty, and must then be a whole number from 1 to
// kMostCores, else Error is thrown.
std::optional<int> thread_limit(std::string_view plait_num_threads,
                                std::string_view omp_num_threads);

// The limit that the environment of this process asks for.
std::optional<int> thread_limit_of_environment();

}  // namespace plait
