// Counts the products and the operations of transforms that the tasks of a blocking execute.
#pragma once

#include <cstdint>

#include "algorithms/winograd/blocking.hpp"

namespace plait::algorithm::winograd {

struct Work {
  std::int64_t products = 0;
  std::int64_t useful_products = 0;  // without those of tiles and channels that do not exist
  std::int64_t transform_operations = 0;
};

// The counts are exact.
Work work_of(const Problem& problem, const Blocking& blocking);

// Operations to transform so many tiles of so many channels. Vectors count as full.
std::int64_t operations_in(const kernels::WinogradKernels& kernels, Lanes lanes, std::int64_t tiles,
                           std::int64_t channels);
std::int64_t operations_out(const kernels::WinogradKernels& kernels, std::int64_t tiles,
                            std::int64_t channels);

}  // namespace plait::algorithm::winograd
