// The numbers that the C interface promises: the guarantee of plait_plan_info for every output,
// also where inputs are far apart, and infinity and NaN at the outputs that have them by the
// definition.
#include <math.h>
#include <stdlib.h>

#include <plait/plait.h>

#include "capi_support.h"

enum { kChannels = 8, kSize = 15, kOutputs = 6, kTaps = 3 };
enum { kPixels = kSize * kSize };
static const char* const kLine = "1x8x15x15,6x8x3x3,p1,bias";

static float x[kChannels * kPixels];
static float weights[kOutputs * kChannels * kTaps * kTaps];
static float bias[kOutputs];

// Numbers between -1 and 1 that look random.
static void fill(float* values, int count, unsigned seed) {
  int i;
  for (i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    values[i] = (float)(seed >> 8) / 8388608.0F - 1;
  }
}

static void fill_operands(void) {
  fill(x, kChannels * kPixels, 1);
  fill(weights, kOutputs * kChannels * kTaps * kTaps, 2);
  fill(bias, kOutputs, 3);
}

// Output (o, i, j) by the definition, and the error that the guarantee allows.
static double exact_output(const plait_plan_info* info, int o, int i, int j, double* allowed) {
  double sum = bias[o], largest_x = 0, sum_of_weights = 0, largest_weight = 0;
  int c, u, v;
  for (c = 0; c < kChannels; ++c) {
    for (u = 0; u < kTaps; ++u) {
      for (v = 0; v < kTaps; ++v) {
        const int row = i + u - 1, column = j + v - 1;
        const int inside = row >= 0 && row < kSize && column >= 0 && column < kSize;
        const double value = inside ? x[(c * kSize + row) * kSize + column] : 0;
        const double weight = weights[((o * kChannels + c) * kTaps + u) * kTaps + v];
        sum += value * weight;
        largest_x = fmax(largest_x, fabs(value));
        largest_weight = fmax(largest_weight, fabs(weight));
        sum_of_weights += fabs(weight);
      }
    }
  }
  *allowed =
      info->error_bound * (info->error_range * largest_x * sum_of_weights + fabs((double)bias[o])) +
      info->error_floor * (1 + largest_x + largest_weight);
  return sum;
}

// Returns how many outputs are not finite.
static int check_outputs(const char* algorithm) {
  static float y[kOutputs * kPixels];
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_packed* packed = NULL;
  plait_plan* plan;
  plait_plan_info info;
  int o, i, j, not_finite = 0;
  limits.algorithm = algorithm;
  plan = plan_of(kLine, &limits);
  info = info_of(plan);
  CHECK(info.error_range == 1 || info.error_range == 32);
  CHECK(info.error_floor > 0 && info.error_floor < 1e-25);
  CHECK(plait_pack_f32(plan, weights, bias, &packed) == PLAIT_OK);
  CHECK(plait_run_f32(plan, x, packed, NULL, y, NULL) == PLAIT_OK);
  for (o = 0; o < kOutputs; ++o) {
    for (i = 0; i < kSize; ++i) {
      for (j = 0; j < kSize; ++j) {
        double allowed;
        const double exact = exact_output(&info, o, i, j, &allowed);
        const double computed = y[(o * kSize + i) * kSize + j];
        if (isfinite(exact)) {
          CHECK(fabs(computed - exact) <= allowed);
        } else {
          CHECK(isnan(exact) ? isnan(computed) : computed == exact);
          ++not_finite;
        }
      }
    }
  }
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
  return not_finite;
}

static void test_values(const char* algorithm) {
  const int middle = (2 * kSize + 7) * kSize + 6;
  fill_operands();
  CHECK(check_outputs(algorithm) == 0);
  x[middle] = 1e7F;
  CHECK(check_outputs(algorithm) == 0);
  x[middle] = INFINITY;
  CHECK(check_outputs(algorithm) == 9 * kOutputs);
  x[middle + 1] = -INFINITY;
  CHECK(check_outputs(algorithm) == 12 * kOutputs);
  x[middle] = NAN;
  CHECK(check_outputs(algorithm) == 12 * kOutputs);
  fill_operands();
  weights[0] = NAN;
  CHECK(check_outputs(algorithm) == kPixels);
}

int main(void) {
  test_values(NULL);
  for_each_algorithm(kLine, test_values);
  printf("%d checks failed\n", failures);
  return failures == 0 ? 0 : 1;
}
