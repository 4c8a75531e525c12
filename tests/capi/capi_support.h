// What the tests of the C interface share, each a program of its own.
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

// That a call fails with this status and a message that has this text in it.
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

#endif  // PLAIT_TESTS_CAPI_SUPPORT_H_
