// How many threads the environment allows.
#pragma once

#include <optional>
#include <string_view>

namespace plait {

inline constexpr int kMostCores = 1 << 20;  // beyond any machine

// What PLAIT_NUM_THREADS and OMP_NUM_THREADS say, each empty where it is unset. Throws Error if the
// first is not empty and no whole number from 1 to kMostCores.
std::optional<int> thread_limit(std::string_view plait_num_threads,
                                std::string_view omp_num_threads);

// The same of this process's environment.
std::optional<int> thread_limit_of_environment();

}  // namespace plait
