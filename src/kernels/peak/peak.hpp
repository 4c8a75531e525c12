// The machine's limits, measured: multiply-adds of one core, and bandwidth of each cache level.
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/machine.hpp>

namespace plait::kernels {

// Multiply-adds done by one call of fma_burst.
std::int64_t fma_burst_macs(Target target);
// Independent multiply-adds on registers alone, enough of them to hide the latency. Returns a value
// that depends on all of them.
float fma_burst(Target target);

// Reads `floats` values once and returns a value that depends on all of them.
float read_all(Target target, const float* data, std::size_t floats);

}  // namespace plait::kernels
