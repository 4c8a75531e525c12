/* A clock nobody can rely on: loaded in front of the C library (LD_PRELOAD), it adds up to 2 ms to
 * what the steady clock says, mostly far less, and other amounts with every run. Whatever a test
 * takes from a measured time changes with it. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t last;
static _Atomic uint64_t state;

/* The next number of Knuth's linear congruential generator, from its upper bits. */
static uint32_t random_bits(int64_t start) {
  uint64_t old = atomic_load(&state);
  uint64_t next;
  do {
    next = (old == 0 ? (uint64_t)start : old) * 6364136223846793005U + 1442695040888963407U;
  } while (!atomic_compare_exchange_weak(&state, &old, next));
  return (uint32_t)(next >> 33);
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int result = (int)syscall(SYS_clock_gettime, clock, time);
  if (result != 0 || clock != CLOCK_MONOTONIC) return result;
  int64_t now = time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
  const uint32_t bits = random_bits(now);
  now += (INT64_C(2000000) >> (bits & 15)) * (int64_t)((bits >> 4) & 1023) / 1024;
  int64_t seen = atomic_load(&last);
  do {
    if (now <= seen) now = seen + 1;
  } while (!atomic_compare_exchange_weak(&last, &seen, now));
  time->tv_sec = now / 1000000000;
  time->tv_nsec = now % 1000000000;
  return 0;
}
