// What it costs to hand two tasks to the default executor and wait for both.
#include <plait/executor.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>

namespace {

using Clock = std::chrono::steady_clock;

void pass_time(std::chrono::nanoseconds duration) {
  const auto end = Clock::now() + duration;
  while (Clock::now() < end) {
  }
}

// Two tasks, each of which waits until the other has started. Without this, one thread would often
// run both before the other notices, and nothing would be handed over. A task waits at most 1 ms,
// so that a machine with one core gets through too.
void meet() {
  std::atomic<int> here{0};
  plait::default_executor().run(2, [&](int) {
    if (++here == 2) return;
    const auto end = Clock::now() + std::chrono::milliseconds(1);
    while (here.load(std::memory_order_relaxed) < 2 && Clock::now() < end) {
    }
  });
}

// The figure to quote: two threads, calls back to back.
void fork_join(benchmark::State& state) {
  for (auto _ : state) meet();
}
BENCHMARK(fork_join)->UseRealTime();

// The same after a pause. The worker spins for up to 50 us; after that it must be woken.
void fork_join_after_pause(benchmark::State& state) {
  const std::chrono::microseconds pause(state.range(0));
  for (auto _ : state) {
    pass_time(pause);
    const auto start = Clock::now();
    meet();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}
BENCHMARK(fork_join_after_pause)
    ->Arg(20)
    ->Arg(200)
    ->Arg(5000)
    ->ArgName("us")
    ->Iterations(200)  // a fixed number, since the pauses are not timed and would go on for minutes
    ->UseManualTime();

// What a call with a single task costs.
void empty_tasks(benchmark::State& state) {
  const auto nothing = [](int) {};
  const int count = static_cast<int>(state.range(0));
  for (auto _ : state) plait::default_executor().run(count, nothing);
}
BENCHMARK(empty_tasks)->Arg(1)->Arg(2)->Arg(64)->ArgName("tasks")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
