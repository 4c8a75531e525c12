// Subnormal numbers cost a hundred cycles each on many CPUs; algorithms flush them to zero while
// they run, so that the time does not depend on the values.
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace plait {

// Sets flush-to-zero and denormals-are-zero on the calling thread, and restores its mode after.
class FlushSubnormals {
 public:
#if defined(__SSE__)
  FlushSubnormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushToZero | kInputsAreZero); }
  ~FlushSubnormals() { _mm_setcsr(saved_); }
#else
  FlushSubnormals() = default;
#endif
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

#if defined(__SSE__)
 private:
  static constexpr unsigned kFlushToZero = 1U << 15;
  static constexpr unsigned kInputsAreZero = 1U << 6;
  unsigned saved_;
#endif
};

}  // namespace plait
