// Prefetching a cache line that will be written.
#pragma once

namespace plait::kernels {

inline void prefetch_to_write(const float* address) {
#if defined(__x86_64__)  // GCC's builtin is a prefetch to read unless told of the instruction
  asm volatile("prefetchw %0" : : "m"(*address));
#else
  __builtin_prefetch(address, 1);
#endif
}

}  // namespace plait::kernels
