#include "support/child.hpp"

// The thread sanitizer refuses to start threads in a child of a process that had any, unless told.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is the sanitizer's.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
