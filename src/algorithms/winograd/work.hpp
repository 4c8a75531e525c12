// What the tasks of a cut execute: products, and the operations of the transforms.
#pragma once

#include <cstdint>

#include "algorithms/winograd/cut.hpp"

namespace plait::algorithm::winograd {

struct Work {
  std::int64_t products = 0;
  std::int64_t useful_products = 0;  // those of tiles and channels that there are
  std::int64_t transform_operations = 0;
};

// Exactly what runs.
Work work_of(const Problem& problem, const Cut& cut);

// Operations of the transforms of so many tiles of so many channels, vectors always full.
std::int64_t operations_in(const kernels::WinogradKernels& kernels, Lanes lanes, std::int64_t tiles,
                           std::int64_t channels);
std::int64_t operations_out(const kernels::WinogradKernels& kernels, std::int64_t tiles,
                            std::int64_t channels);

}  // namespace plait::algorithm::winograd
