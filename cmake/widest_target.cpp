// Returns which of EMU128, SSE4, AVX2 and AVX3, counted from 0, is the widest that this CPU runs.
#include <hwy/targets.h>

int main() {
  const auto supported = hwy::SupportedTargets();
  if ((supported & HWY_AVX3) != 0) return 3;
  if ((supported & HWY_AVX2) != 0) return 2;
  return (supported & HWY_SSE4) != 0 ? 1 : 0;
}
