// What the tests of the C interface share. Each is a program of its own.
#ifndef PLAIT_TESTS_CAPI_SUPPORT_H_
#define PLAIT_TESTS_CAPI_SUPPORT_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plait/plait.h>

static int failures = 0;

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      printf("%s:%d: %s\n    last error: %s\n", __FILE__, __LINE__, #condition, \
             plait_error_message());                                            \
      ++failures;                                                               \
    }                                                                           \
  } while (0)

// Checks that a call fails with this status and that its message contains this text.
#define CHECK_FAILS(call, wanted, text)                   \
  do {                                                    \
    CHECK((call) == (wanted));                            \
    CHECK(strstr(plait_error_message(), (text)) != NULL); \
  } while (0)

#define INVALID(call, text) CHECK_FAILS(call, PLAIT_INVALID_ARGUMENT, text)

static plait_plan* plan_of(const char* line, const plait_limits* limits) {
  plait_plan* plan = NULL;
  CHECK(plait_plan_create(line, limits, &plan) == PLAIT_OK);
  if (plan == NULL) exit(1);
  return plan;
}

static plait_plan_info info_of(const plait_plan* plan) {
  plait_plan_info info;
  CHECK(plait_plan_get_info(plan, &info, sizeof info) == PLAIT_OK);
  return info;
}

// Calls `test` with the name of every algorithm that takes the problem, as an explanation lists
// them.
static inline void for_each_algorithm(const char* line, void (*test)(const char* algorithm)) {
  plait_plan* plan = plan_of(line, NULL);
  const char* row = plait_plan_explain(plan);
  char name[64], standing[16];
  int taking = 0;
  for (; row != NULL; row = strchr(row, '\n')) {
    if (*row == '\n') ++row;
    if (strncmp(row, "  ", 2) != 0 || sscanf(row, "%63s %15s", name, standing) != 2) continue;
    if (strcmp(standing, "standing") == 0 || strcmp(standing, "refused") == 0) continue;
    ++taking;
    test(name);
  }
  CHECK(taking >= 3);
  plait_plan_destroy(plan);
}

#endif  // PLAIT_TESTS_CAPI_SUPPORT_H_
