// plait's tasks on the threads of a C program, here OpenMP's.
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include <plait/plait.h>

static void run_tasks(void* context, int32_t count, void (*task)(void* data, int32_t index),
                      void* data) {
  const int threads = *(const int*)context;
  int32_t index;
#pragma omp parallel for schedule(static, 1) num_threads(threads)
  for (index = 0; index < count; ++index) task(data, index);
}

// Numbers between -1 and 1 that look random; same_bits.hpp has the same.
static void fill(float* values, size_t count, uint32_t seed) {
  size_t i;
  for (i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    values[i] = (float)(seed >> 8) / 8388608.0F - 1;
  }
}

static float x[16 * 56 * 56], k[32 * 16 * 3 * 3], y[32 * 56 * 56], expected[32 * 56 * 56];

int main(void) {
  int threads = 2;
  const plait_executor executor = {run_tasks, &threads};
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  plait_plan* plan = NULL;
  plait_packed* packed = NULL;
  float difference = 0;
  double sum = 0;
  size_t i;
  fill(x, sizeof x / sizeof *x, 1);
  fill(k, sizeof k / sizeof *k, 2);
  limits.threads = 4;
  options.executor = &executor;
  if (plait_plan_create("1x16x56x56,32x16x3x3,p1", &limits, &plan) != PLAIT_OK ||
      plait_pack_f32(plan, k, NULL, &packed) != PLAIT_OK ||
      plait_run_f32(plan, x, packed, NULL, expected, NULL) != PLAIT_OK ||
      plait_run_f32(plan, x, packed, NULL, y, &options) != PLAIT_OK) {
    printf("%s\n", plait_error_message());
    return 1;
  }
  for (i = 0; i < sizeof y / sizeof *y; ++i) {
    difference = fmaxf(difference, fabsf(y[i] - expected[i]));
    sum += y[i];
  }
  printf("sum of outputs %g, greatest difference %g\n", sum, difference);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
  return difference == 0 ? 0 : 1;
}
