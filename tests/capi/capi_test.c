// The C interface as a C program uses it: C99, against the shared library. Numbers are those of
// the chapter "Multiple Input and Multiple Output Channels" (tests/data/d2l_examples.json).
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plait/plait.h>

#include "capi_support.h"

// The chapter's example of several input and output channels: 1x2x3x3,3x2x2x2.
static const float kX[18] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9};
static const float kK[24] = {0, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4,
                             2, 3, 4, 5, 2, 3, 4, 5, 3, 4, 5, 6};
static const float kY[12] = {56, 72, 104, 120, 76, 100, 148, 172, 96, 128, 192, 224};
static const char* const kLine = "1x2x3x3,3x2x2x2";

static void test_first_example(void) {
  const float x[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const float k[4] = {0, 1, 2, 3};
  const float expected[4] = {19, 25, 37, 43};
  float y[4] = {0, 0, 0, 0};
  plait_packed* packed = NULL;
  plait_plan* plan = plan_of("1x1x3x3,1x1x2x2", NULL);
  CHECK(plait_pack_f32(plan, k, NULL, &packed) == PLAIT_OK);
  CHECK(plait_run_f32(plan, x, packed, NULL, y, NULL) == PLAIT_OK);
  CHECK(memcmp(y, expected, sizeof y) == 0);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
}

static void test_bias_residual_and_workspace(void) {
  const float bias[3] = {-60, 0, 1};
  float residual[12], y[12];
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  plait_packed* packed = NULL;
  plait_plan* plan = plan_of("1x2x3x3,3x2x2x2,bias,res,act=relu", NULL);
  const size_t bytes = info_of(plan).workspace_bytes;
  char* memory = malloc(bytes + 64);
  int i;
  for (i = 0; i < 12; ++i) residual[i] = (float)i;
  options.workspace = memory + (64 - (uintptr_t)memory % 64) % 64;
  options.workspace_bytes = bytes;
  CHECK(info_of(plan).has_bias == 1 && info_of(plan).has_residual == 1);
  CHECK(plait_pack_f32(plan, kK, bias, &packed) == PLAIT_OK);
  CHECK(plait_run_f32(plan, kX, packed, residual, y, &options) == PLAIT_OK);
  for (i = 0; i < 12; ++i) CHECK(y[i] == fmaxf(0, kY[i] + bias[i / 4] + residual[i]));
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
  free(memory);
}

static void test_unpacked(void) {
  const char* const ending_in_zero[3] = {"1x1x1x1,1x1x1x1,bias,act=silu",
                                         "1x1x1x1,1x1x1x1,bias,act=hswish",
                                         "1x1x1x1,1x1x1x1,bias,act=leaky:0"};
  plait_limits limits = PLAIT_LIMITS_INIT;
  float y[12] = {0};
  plait_packed* packed = NULL;
  plait_plan* plan;
  limits.prepacked = 0;
  plan = plan_of(kLine, &limits);
  CHECK(info_of(plan).packed_bytes == 0);
  CHECK(plait_run_unpacked_f32(plan, kX, kK, NULL, NULL, y, NULL) == PLAIT_OK);
  CHECK(memcmp(y, kY, sizeof y) == 0);
  INVALID(plait_pack_f32(plan, kK, NULL, &packed), "prepacked = false");
  CHECK(packed == NULL);
  INVALID(plait_run_unpacked_f32(plan, kX, NULL, NULL, NULL, y, NULL), "weight must be 3x2x2x2");
  INVALID(plait_run_unpacked_f32(plan, kX, kK, kX, NULL, y, NULL), "bias was given");
  plait_plan_destroy(plan);

  plan = plan_of(kLine, NULL);
  INVALID(plait_run_unpacked_f32(plan, kX, kK, NULL, NULL, y, NULL), "packed weights");
  plait_plan_destroy(plan);
  for (int i = 0; i < 3; ++i) {
    plan = plan_of(ending_in_zero[i], &limits);
    CHECK(plait_run_unpacked_f32(plan, kX, kK, (float[]){-INFINITY}, NULL, y, NULL) == PLAIT_OK);
    CHECK(y[0] == 0 && signbit(y[0]));
    plait_plan_destroy(plan);
  }
}

static void test_f64(void) {
  double x[18], k[24], y[12];
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_packed* packed = NULL;
  plait_plan* plan = plan_of("1x2x3x3,3x2x2x2,f64", NULL);
  int i;
  for (i = 0; i < 18; ++i) x[i] = kX[i];
  for (i = 0; i < 24; ++i) k[i] = kK[i];
  CHECK(info_of(plan).element_bytes == 8);
  CHECK(plait_pack_f64(plan, k, NULL, &packed) == PLAIT_OK);
  CHECK(plait_run_f64(plan, x, packed, NULL, y, NULL) == PLAIT_OK);
  for (i = 0; i < 12; ++i) CHECK(y[i] == kY[i]);
  INVALID(plait_run_f32(plan, kX, packed, NULL, (float*)y, NULL), "for f64 but was given f32");
  plait_packed_destroy(packed);
  INVALID(plait_pack_f32(plan, kK, NULL, &packed), "for f64 but was given f32");
  plait_plan_destroy(plan);

  limits.prepacked = 0;
  plan = plan_of("1x2x3x3,3x2x2x2,f64", &limits);
  memset(y, 0, sizeof y);
  CHECK(plait_run_unpacked_f64(plan, x, k, NULL, NULL, y, NULL) == PLAIT_OK);
  for (i = 0; i < 12; ++i) CHECK(y[i] == kY[i]);
  plait_plan_destroy(plan);
}

static void test_info_and_explanation(void) {
  const int64_t x_shape[4] = {2, 8, 9, 7}, weight_shape[4] = {6, 4, 3, 3},
                y_shape[4] = {2, 6, 5, 4};
  const char* text;
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_plan* plan;
  plait_plan_info info;
  limits.threads = 1;
  plan = plan_of("2x8x9x7,6x4x3x3,s2,p1,g2", &limits);
  info = info_of(plan);
  CHECK(memcmp(info.x_shape, x_shape, sizeof x_shape) == 0);
  CHECK(memcmp(info.weight_shape, weight_shape, sizeof weight_shape) == 0);
  CHECK(memcmp(info.y_shape, y_shape, sizeof y_shape) == 0);
  CHECK(info.element_bytes == 4 && info.has_bias == 0 && info.has_residual == 0);
  CHECK(info.threads == 1);
  CHECK(info.multiplications >= 2 * 6 * 5 * 4 * 4 * 9);
  CHECK(info.packed_bytes >= 6 * 4 * 9 * sizeof(float));
  CHECK(info.predicted_seconds > 0 && info.predicted_seconds < 1);
  CHECK(info.error_rms > 0 && info.error_rms <= 2e-6 && info.error_rms < info.error_bound);
  CHECK(strlen(info.target) >= 4 && strlen(info.packed_format) > 0);

  text = plait_plan_explain(plan);
  CHECK(text != NULL && strstr(text, "2x8x9x7,6x4x3x3,s2,p1,g2") != NULL);
  CHECK(text != NULL && strstr(text, info.algorithm) != NULL && strstr(text, "chosen") != NULL);
  CHECK(text != NULL && text[strlen(text) - 1] == '\n');
  CHECK(plait_plan_explain(plan) == text);
  plait_plan_destroy(plan);
}

static void test_limits(void) {
  plait_limits limits = PLAIT_LIMITS_INIT;
  float y[12] = {0};
  plait_packed* packed = NULL;
  plait_plan* plan = NULL;
  char format[200];

  limits.max_workspace_bytes = 0;
  limits.reproducible = 1;
  limits.accuracy = "strict";
  plan = plan_of(kLine, &limits);
  CHECK(info_of(plan).workspace_bytes == 0 && info_of(plan).error_rms <= 5e-7);
  CHECK(plait_pack_f32(plan, kK, NULL, &packed) == PLAIT_OK);
  CHECK(plait_run_f32(plan, kX, packed, NULL, y, NULL) == PLAIT_OK);
  CHECK(memcmp(y, kY, sizeof y) == 0);
  CHECK(strstr(plait_plan_explain(plan), "workspace at most 0 B, reproducible pick") != NULL);
  snprintf(format, sizeof format, "%s", info_of(plan).packed_format);
  plait_plan_destroy(plan);

  // The same weights for another image size.
  limits = (plait_limits)PLAIT_LIMITS_INIT;
  limits.packed_format = format;
  plan = plan_of("1x2x2x2,3x2x2x2", &limits);
  CHECK(plait_run_f32(plan, kX, packed, NULL, y, NULL) == PLAIT_OK);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);

  limits = (plait_limits)PLAIT_LIMITS_INIT;
  limits.algorithm = "reference";
  plan = plan_of(kLine, &limits);
  CHECK(strcmp(info_of(plan).algorithm, "reference") == 0);
  plait_plan_destroy(plan);

  limits.algorithm = "pointwise";
  CHECK_FAILS(plait_plan_create(kLine, &limits, &plan), PLAIT_UNSUPPORTED, "only 1x1 kernels");
  CHECK(plan == NULL);
  limits.algorithm = "magic";
  INVALID(plait_plan_create(kLine, &limits, &plan), "magic");
  limits.algorithm = NULL;
  limits.accuracy = "perfect";
  INVALID(plait_plan_create(kLine, &limits, &plan), "known: strict, fp32, relaxed");
  limits.accuracy = NULL;
  limits.threads = -1;
  INVALID(plait_plan_create(kLine, &limits, &plan), "threads");
}

// Callers compiled with an older header hand in shorter structs, and are given shorter ones.
static void test_struct_sizes(void) {
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  plait_plan* plan = NULL;
  plait_plan_info info;
  limits.threads = -1;
  limits.struct_bytes = offsetof(plait_limits, threads);
  plan = plan_of(kLine, &limits);
  memset(&info, 0x5a, sizeof info);
  CHECK(plait_plan_get_info(plan, &info, offsetof(plait_plan_info, threads)) == PLAIT_OK);
  CHECK(info.error_bound > 0 && info.threads == 0x5a5a5a5a);
  INVALID(plait_plan_get_info(plan, &info, 0), "info_bytes is 0");
  INVALID(plait_plan_get_info(plan, &info, sizeof info + 8), "library is older");
  options.struct_bytes = 0;
  INVALID(plait_run_f32(plan, kX, NULL, NULL, NULL, &options), "options.struct_bytes is 0");
  plait_plan_destroy(plan);

  limits.struct_bytes = 0;
  INVALID(plait_plan_create(kLine, &limits, &plan), "PLAIT_LIMITS_INIT");
  limits.struct_bytes = 3;
  INVALID(plait_plan_create(kLine, &limits, &plan), "PLAIT_LIMITS_INIT");
  limits.struct_bytes = sizeof limits + 8;
  INVALID(plait_plan_create(kLine, &limits, &plan), "library is older");
  CHECK(plan == NULL);
}

#define AT(type, field, offset) CHECK(offsetof(type, field) == (offset))

// Programs already compiled have these numbers in them: fields may be added at the ends only.
static void test_layout_for_64_bits(void) {
  if (sizeof(void*) != 8) return;
  CHECK(PLAIT_OK == 0 && PLAIT_INVALID_ARGUMENT == 1 && PLAIT_UNSUPPORTED == 2);
  CHECK(PLAIT_CANCELLED == 3 && PLAIT_INTERNAL == 4);
  AT(plait_limits, struct_bytes, 0);
  AT(plait_limits, max_workspace_bytes, 8);
  AT(plait_limits, accuracy, 16);
  AT(plait_limits, algorithm, 24);
  AT(plait_limits, packed_format, 32);
  AT(plait_limits, threads, 40);
  AT(plait_limits, prepacked, 44);
  AT(plait_limits, reproducible, 48);
  AT(plait_limits, tile_columns, 52);
  AT(plait_plan_info, algorithm, 0);
  AT(plait_plan_info, target, 8);
  AT(plait_plan_info, packed_format, 16);
  AT(plait_plan_info, x_shape, 24);
  AT(plait_plan_info, weight_shape, 56);
  AT(plait_plan_info, y_shape, 88);
  AT(plait_plan_info, multiplications, 120);
  AT(plait_plan_info, workspace_bytes, 128);
  AT(plait_plan_info, packed_bytes, 136);
  AT(plait_plan_info, predicted_seconds, 144);
  AT(plait_plan_info, error_rms, 152);
  AT(plait_plan_info, error_bound, 160);
  AT(plait_plan_info, threads, 168);
  AT(plait_plan_info, element_bytes, 172);
  AT(plait_plan_info, has_bias, 176);
  AT(plait_plan_info, has_residual, 180);
  AT(plait_plan_info, error_range, 184);
  AT(plait_plan_info, error_floor, 192);
  AT(plait_run_options, struct_bytes, 0);
  AT(plait_run_options, workspace, 8);
  AT(plait_run_options, workspace_bytes, 16);
  AT(plait_run_options, cancel, 24);
  AT(plait_run_options, executor, 32);
  AT(plait_executor, run, 0);
  AT(plait_executor, context, 8);
}

static void test_bad_lines(void) {
  plait_plan* plan = NULL;
  INVALID(plait_plan_create("", NULL, &plan), "column 1");
  INVALID(plait_plan_create("1x2x3x3,3x2x2x2,q7", NULL, &plan), "column 17");
  INVALID(plait_plan_create("1x2x3x3,3x5x2x2", NULL, &plan), "5");
  CHECK_FAILS(plait_plan_create("1x2x3x3,3x2x2x2,bf16", NULL, &plan), PLAIT_UNSUPPORTED, "bf16");
  CHECK(plan == NULL);
}

// Nothing is written when a run is refused.
static void test_refused_runs(void) {
  const float untouched[12] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
  float y[12];
  char workspace[8];
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  plait_packed *packed = NULL, *other_packed = NULL;
  plait_plan* plan = plan_of("1x8x12x12,8x8x3x3", NULL);
  plait_plan* other = plan_of(kLine, NULL);
  memcpy(y, untouched, sizeof y);
  CHECK(plait_pack_f32(other, kK, NULL, &other_packed) == PLAIT_OK);
  INVALID(plait_run_f32(plan, kX, other_packed, NULL, y, NULL), "weights are packed as");
  INVALID(plait_run_f32(other, NULL, other_packed, NULL, y, NULL), "x must be 1x2x3x3");
  INVALID(plait_run_f32(other, kX, other_packed, NULL, NULL, NULL), "y must be 1x3x2x2");
  INVALID(plait_run_f32(other, kX, other_packed, kX, y, NULL), "residual was given");
  INVALID(plait_run_f32(other, y, other_packed, NULL, y, NULL), "overlap");
  INVALID(plait_pack_f32(plan, NULL, NULL, &packed), "weight must be 8x8x3x3");
  CHECK(info_of(plan).workspace_bytes > sizeof workspace);
  options.workspace = workspace;
  options.workspace_bytes = sizeof workspace;
  INVALID(plait_run_f32(plan, kX, other_packed, NULL, y, &options), "the workspace has 8 bytes");
  CHECK(memcmp(y, untouched, sizeof y) == 0);
  plait_packed_destroy(other_packed);
  plait_plan_destroy(plan);
  plait_plan_destroy(other);
}

static void test_cancel(void) {
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  float y[12];
  plait_cancel* cancel = NULL;
  plait_packed* packed = NULL;
  plait_plan* plan = plan_of(kLine, NULL);
  CHECK(plait_cancel_create(&cancel) == PLAIT_OK);
  CHECK(plait_pack_f32(plan, kK, NULL, &packed) == PLAIT_OK);
  options.cancel = cancel;
  CHECK(plait_run_f32(plan, kX, packed, NULL, y, &options) == PLAIT_OK);
  CHECK(plait_cancel_set(cancel, 1) == PLAIT_OK);
  CHECK_FAILS(plait_run_f32(plan, kX, packed, NULL, y, &options), PLAIT_CANCELLED, "cancelled");
  CHECK(plait_cancel_set(cancel, 0) == PLAIT_OK);
  CHECK(plait_run_f32(plan, kX, packed, NULL, y, &options) == PLAIT_OK);
  CHECK(memcmp(y, kY, sizeof y) == 0);
  plait_cancel_destroy(cancel);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
}

static void test_null(void) {
  float y[12];
  double d[1] = {0};
  plait_plan_info info;
  plait_packed* packed = NULL;
  plait_plan* plan = NULL;
  INVALID(plait_plan_create(kLine, NULL, NULL), "plan is NULL");
  INVALID(plait_plan_create(NULL, NULL, &plan), "problem_line is NULL");
  plan = plan_of(kLine, NULL);
  INVALID(plait_plan_get_info(NULL, &info, sizeof info), "plan is NULL");
  INVALID(plait_plan_get_info(plan, NULL, sizeof info), "info is NULL");
  CHECK(plait_plan_explain(NULL) == NULL);
  CHECK(strcmp(plait_error_message(), "plan is NULL") == 0);
  INVALID(plait_pack_f32(NULL, kK, NULL, &packed), "plan is NULL");
  INVALID(plait_pack_f32(plan, kK, NULL, NULL), "packed is NULL");
  INVALID(plait_pack_f64(NULL, d, NULL, &packed), "plan is NULL");
  INVALID(plait_run_f32(NULL, kX, NULL, NULL, y, NULL), "plan is NULL");
  INVALID(plait_run_f32(plan, kX, NULL, NULL, y, NULL), "packed is NULL");
  INVALID(plait_run_f64(NULL, d, NULL, NULL, d, NULL), "plan is NULL");
  INVALID(plait_run_unpacked_f32(NULL, kX, kK, NULL, NULL, y, NULL), "plan is NULL");
  INVALID(plait_run_unpacked_f64(NULL, d, d, NULL, NULL, d, NULL), "plan is NULL");
  INVALID(plait_cancel_create(NULL), "cancel is NULL");
  INVALID(plait_cancel_set(NULL, 1), "cancel is NULL");
  plait_plan_destroy(plan);
  plait_plan_destroy(NULL);
  plait_packed_destroy(NULL);
  plait_cancel_destroy(NULL);
}

static void* message_of_new_thread(void* unused) {
  (void)unused;
  return (void*)(plait_error_message()[0] == '\0' ? "none" : "some");
}

static void test_messages_are_per_thread(void) {
  pthread_t thread;
  void* message = NULL;
  INVALID(plait_cancel_create(NULL), "cancel is NULL");
  CHECK(pthread_create(&thread, NULL, message_of_new_thread, NULL) == 0);
  CHECK(pthread_join(thread, &message) == 0);
  CHECK(message != NULL && strcmp(message, "none") == 0);
  CHECK(strcmp(plait_error_message(), "cancel is NULL") == 0);
}

int main(void) {
  CHECK(strcmp(plait_error_message(), "") == 0);
  CHECK(strchr(plait_version(), '.') != NULL);
  test_first_example();
  test_bias_residual_and_workspace();
  test_unpacked();
  test_f64();
  test_info_and_explanation();
  test_limits();
  test_struct_sizes();
  test_layout_for_64_bits();
  test_bad_lines();
  test_refused_runs();
  test_cancel();
  test_null();
  test_messages_are_per_thread();
  printf("%d checks failed\n", failures);
  return failures == 0 ? 0 : 1;
}
