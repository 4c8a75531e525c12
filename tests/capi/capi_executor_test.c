// The caller's executor in the C interface: it runs every task once, gives the bits that the
// library's own threads give, and is told which rule it broke.
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <plait/plait.h>

#include "capi_support.h"

enum { kX = 16 * 30 * 30, kK = 24 * 16 * 3 * 3, kY = 24 * 30 * 30, kThreads = 3 };
static const char* const kLine = "1x16x30x30,24x16x3x3,p1";
static float x[kX], k[kK], y[kY], expected[kY];

static void fill(float* values, int count, unsigned seed) {
  for (int i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    values[i] = (float)(seed >> 8) / 8388608.0F - 1;
  }
}

// What an executor of this file does, and what it has seen.
typedef struct {
  int runs;
  int most;            // the most tasks of one run
  int32_t left_out;    // an index that is not called; -1: none
  int32_t called_too;  // an index that is called besides, by the first thread; -1: none
} Notes;

typedef struct {
  void (*task)(void*, int32_t);
  void* data;
  int32_t index;
} Call;

static void* call(void* argument) {
  const Call* const one = argument;
  one->task(one->data, one->index);
  return NULL;
}

// Starts a thread for each task: simple, and slow.
static void run_in_threads(void* context, int32_t count, void (*task)(void*, int32_t), void* data) {
  Notes* const notes = context;
  pthread_t* const threads = malloc((size_t)count * sizeof *threads);
  Call* const calls = malloc((size_t)count * sizeof *calls);
  int32_t i;
  ++notes->runs;
  if (count > notes->most) notes->most = count;
  for (i = 0; i < count; ++i) {
    calls[i] = (Call){task, data, i};
    if (i != notes->left_out) CHECK(pthread_create(&threads[i], NULL, call, &calls[i]) == 0);
  }
  for (i = 0; i < count; ++i) {
    if (i != notes->left_out) CHECK(pthread_join(threads[i], NULL) == 0);
  }
  if (notes->called_too != -1) task(data, notes->called_too);
  free(calls);
  free(threads);
}

static Notes keeps_the_rules(void) { return (Notes){.left_out = -1, .called_too = -1}; }

static void test_it_is_used(const char* algorithm) {
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  Notes notes = keeps_the_rules();
  const plait_executor executor = {run_in_threads, &notes};
  plait_packed* packed = NULL;
  plait_plan* plan;
  limits.threads = kThreads;
  limits.algorithm = algorithm;
  plan = plan_of(kLine, &limits);
  if (info_of(plan).threads == 1) {  // it computes on the caller's thread alone
    CHECK(strcmp(algorithm, "reference") == 0);
    plait_plan_destroy(plan);
    return;
  }
  CHECK(info_of(plan).threads == kThreads);
  CHECK(plait_pack_f32(plan, k, NULL, &packed) == PLAIT_OK);
  CHECK(plait_run_f32(plan, x, packed, NULL, expected, &options) == PLAIT_OK);
  options.executor = &executor;
  CHECK(plait_run_f32(plan, x, packed, NULL, y, &options) == PLAIT_OK);
  CHECK(notes.runs == 1 && notes.most == kThreads);
  CHECK(memcmp(y, expected, sizeof y) == 0);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);

  limits.prepacked = 0;
  plan = plan_of(kLine, &limits);
  memset(y, 0, sizeof y);
  CHECK(plait_run_unpacked_f32(plan, x, k, NULL, NULL, y, &options) == PLAIT_OK);
  CHECK(notes.runs > 1 && notes.most == kThreads);
  CHECK(memcmp(y, expected, sizeof y) == 0);
  plait_plan_destroy(plan);
}

static void test_more_tasks_than_are_noted_take_turns(void) {
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  Notes notes = keeps_the_rules();
  const plait_executor executor = {run_in_threads, &notes};
  plait_plan* plan;
  limits.threads = 2500;
  limits.algorithm = "depthwise";
  limits.prepacked = 0;
  options.executor = &executor;
  plan = plan_of("1x2500x2x2,2500x1x1x1,g2500", &limits);
  CHECK(info_of(plan).threads == 2500);
  memset(y, 0, sizeof y);
  CHECK(plait_run_unpacked_f32(plan, x, x, NULL, NULL, y, &options) == PLAIT_OK);
  CHECK(notes.runs == 3 && notes.most == 1024);
  for (int i = 0; i < 10000; ++i) CHECK(y[i] == x[i] * x[i / 4]);
  plait_plan_destroy(plan);
}

// A packed weight and a plan for runs that are refused.
static void test_broken_rules(void) {
  const char* const all = "options.executor must call every index from 0 to 2 once but ";
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  Notes notes = keeps_the_rules();
  plait_executor executor = {NULL, &notes};
  plait_packed* packed = NULL;
  plait_plan* plan;
  limits.threads = kThreads;
  limits.algorithm = "direct/channels";
  plan = plan_of(kLine, &limits);
  CHECK(plait_pack_f32(plan, k, NULL, &packed) == PLAIT_OK);
  CHECK(plait_run_f32(plan, x, packed, NULL, expected, NULL) == PLAIT_OK);
  options.executor = &executor;
  memset(y, 0x5a, sizeof y);
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), "options.executor->run is NULL");
  for (size_t i = 0; i < sizeof y; ++i) CHECK(((const char*)y)[i] == 0x5a);

  executor.run = run_in_threads;
  notes.left_out = 1;
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), all);
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), "returned before it had called 1");
  notes = keeps_the_rules();
  notes.called_too = 2;
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), "called one twice");
  notes.left_out = 0;  // index 0 is left out, another is called twice
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), "called one twice");
  notes = keeps_the_rules();
  notes.called_too = kThreads;
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), "called another one");
  notes.called_too = INT32_MIN;
  INVALID(plait_run_f32(plan, x, packed, NULL, y, &options), "called another one");

  notes = keeps_the_rules();
  CHECK(plait_run_f32(plan, x, packed, NULL, y, &options) == PLAIT_OK);
  CHECK(memcmp(y, expected, sizeof y) == 0);
  plait_packed_destroy(packed);
  plait_plan_destroy(plan);
}

// Programs compiled before there were executors hand in options without one.
static void test_options_without_one(void) {
  plait_limits limits = PLAIT_LIMITS_INIT;
  plait_run_options options = PLAIT_RUN_OPTIONS_INIT;
  const plait_executor beyond_the_end = {NULL, NULL};
  plait_plan* plan;
  CHECK(options.executor == NULL);
  limits.prepacked = 0;
  plan = plan_of(kLine, &limits);
  CHECK(plait_run_unpacked_f32(plan, x, k, NULL, NULL, expected, NULL) == PLAIT_OK);
  options.executor = &beyond_the_end;
  options.struct_bytes = offsetof(plait_run_options, executor);
  CHECK(plait_run_unpacked_f32(plan, x, k, NULL, NULL, y, &options) == PLAIT_OK);
  CHECK(memcmp(y, expected, sizeof y) == 0);
  options.struct_bytes = sizeof options + sizeof(void*);
  INVALID(plait_run_unpacked_f32(plan, x, k, NULL, NULL, y, &options), "library is older");
  plait_plan_destroy(plan);
}

int main(void) {
  fill(x, kX, 1);
  fill(k, kK, 2);
  for_each_algorithm(kLine, test_it_is_used);
  test_more_tasks_than_are_noted_take_turns();
  test_broken_rules();
  test_options_without_one();
  printf("%d checks failed\n", failures);
  return failures == 0 ? 0 : 1;
}
