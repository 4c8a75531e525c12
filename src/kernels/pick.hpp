// Copying lines of which only every step-th element is wanted.
#pragma once

#include <cstdint>

#include <plait/machine.hpp>

namespace plait::kernels {

// to[j] = from[2 * j], j < count; reads nothing behind from[2 * (count - 1)].
using PickFunction = void (*)(const float* from, std::int64_t count, float* to);
PickFunction pick_every_second(Target target);

}  // namespace plait::kernels
