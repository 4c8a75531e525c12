// A run allocates nothing: the program's operator new is replaced by one that counts. Not under the
// sanitizers, which have forms of their own that do not call each other, and watch them.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <plait/conv2d.hpp>
#include <plait/plan.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

#include "support/algorithms.hpp"
#include "support/calls.hpp"

namespace {

std::atomic<long> allocations = 0;  // on any thread: workers must not allocate either

void* count_and_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  ++allocations;
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* memory = count_and_allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

constexpr std::size_t kUsual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

}  // namespace

// The other forms of the language call these; a sanitizer's own would not: nothrow is here, too, as
// std::stable_sort asks for memory so. Not inlined: GCC 12 would warn of free() on what
// came from operator new.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate_or_throw(bytes, kUsual); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return count_and_allocate(bytes, kUsual);
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment,
                                     const std::nothrow_t&) noexcept {
  return count_and_allocate(bytes, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace plait {
namespace {

// Allocations of the second of two equal calls; the first may start workers.
template <class Call>
long allocations_of(Call call) {
  call();
  const long before = allocations;
  call();
  return allocations - before;
}

TEST(Allocation, IsCounted) {
  EXPECT_GE(allocations_of([] { const std::vector<int> some(100); }), 1);
  EXPECT_GE(allocations_of([] { const Tensor<float> aligned({100}); }), 1);
}

struct Prepared {
  Prepared(const Problem& problem, Limits limits, bool prepacked)
      : made(plan(problem, with(std::move(limits), prepacked))),
        operands(problem),
        y(problem.y_shape()) {
    if (prepacked) packed = made.pack<float>(operands.kernel.view(), operands.bias_view());
  }

  static Limits with(Limits limits, bool prepacked) {
    limits.prepacked = prepacked;
    return limits;
  }

  void operator()() {
    if (made.explain().limits.prepacked) {
      made.run<float>(operands.x, packed, y, options);
    } else {
      made.run<float>(operands.x, operands.kernel, operands.bias_view(), y, options);
    }
  }

  Plan made;
  Operands<float> operands;
  Tensor<float> y;
  Packed packed;
  RunOptions<float> options;
};

void expect_no_allocation(Prepared run) {
  SCOPED_TRACE(run.made.algorithm() + " for " + to_string(run.made.problem()));
  EXPECT_EQ(allocations_of(run), 0) << "in the thread's workspace";
  const auto bytes = static_cast<std::int64_t>(run.made.workspace_bytes());
  Tensor<double> workspace(Dims{bytes / std::int64_t{sizeof(double)} + 1});
  run.options.workspace = workspace.data();
  EXPECT_EQ(allocations_of(run), 0) << "in the caller's workspace";
}

TEST(Allocation, DoesNotHappenInARun) {
  static constexpr std::array kDeep = {
      "2x300x12x13,25x300x1x1", "2x40x30x29,40x40x3x3,p1,bias", "2x40x30x29,40x1x3x3,p1,g40,bias",
      "2x40x20x19,25x40x5x5,p2,bias", "2x40x20x19,25x40x1x7,p0x3,bias"};
  for (const AlgorithmInfo& algorithm : algorithms()) {
    const Problem problem = test::problem_for(algorithm.name, kDeep);
    for (const bool prepacked : {true, false}) {
      expect_no_allocation({problem, test::only(algorithm.name), prepacked});
    }
  }
}

}  // namespace
}  // namespace plait

#endif
