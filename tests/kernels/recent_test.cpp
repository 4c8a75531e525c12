// Answers that are kept must be those that would be found anew.
#include "kernels/product/recent.hpp"

#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/product/product.hpp"
#include "kernels/product/strips.hpp"

namespace plait::kernels {
namespace {

TEST(Recent, ComputesTheSameOnce) {
  Recent<int, int, 2> recent;
  int computed = 0;
  const auto square = [&](int key) {
    return recent.get(key, [&] {
      ++computed;
      return key * key;
    });
  };
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(square(4), 16);
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(computed, 2);
  EXPECT_EQ(square(5), 25);  // in the place of 3, the oldest
  EXPECT_EQ(square(4), 16);
  EXPECT_EQ(computed, 3);
  EXPECT_EQ(square(3), 9);
  EXPECT_EQ(computed, 4);
}

// As a thread finds it that was never asked before.
template <class Choose>
auto anew(const Choose& choose) {
  decltype(choose()) answer;
  std::thread([&] { answer = choose(); }).join();
  return answer;
}

// Asked twice in a row, and anew: both must be the same.
template <class Choose>
auto kept_and_fresh(const Choose& choose) {
  const auto kept = (choose(), choose());
  const auto fresh = anew(choose);
  EXPECT_EQ(kept.tile, fresh.tile);
  EXPECT_EQ(kept.threads, fresh.threads);
  EXPECT_EQ(kept.cost.seconds(), fresh.cost.seconds());
  return std::pair(kept, fresh);
}

// A machine that differs from the one before in one thing that blockings depend on.
std::vector<Machine> machines() {
  std::vector<Machine> list(1, host_machine());
  const auto with = [&](auto change) {
    list.push_back(list.back());
    change(list.back());
  };
  with([](Machine& m) { m.caches.l2_bytes = 16 << 10; });
  with([](Machine& m) { m.rates.l2_bytes_per_second /= 100; });
  with([](Machine& m) { m.rates.fork_join_seconds = 1; });
  with([](Machine& m) { m.rates.ghz *= 2; });
  with([](Machine& m) { m.use(Target::emu128); });
  return list;
}

TEST(Recent, BlockingsOfProductsAreThoseFoundAnew) {
  for (const Machine& machine : machines()) {
    for (const int threads : {1, 2}) {
      BlockingRequest request;
      request.shape = {2, 1, 70, 3000, 600};
      request.threads = threads;
      request.max_workspace_bytes = std::size_t{1} << 40;
      request.fill_seconds_per_element = 1e-10;
      for (const bool prepacked : {true, false}) {
        request.prepacked = prepacked;
        const auto choose = [&] { return choose_blocking(request, machine); };
        const auto [kept, fresh] = kept_and_fresh(choose);
        EXPECT_EQ(kept.block_columns, fresh.block_columns);
      }
    }
  }
}

TEST(Recent, BlockingsOfStripsAreThoseFoundAnew) {
  for (const Machine& machine : machines()) {
    for (const TileSet* tiles : {&tile_set(machine.target), &channel_tile_set(machine.target)}) {
      for (const int threads : {1, 2}) {
        StripRequest request;
        request.shape.product = {2, 1, 70, 3000, 600};
        request.shape.lines = 50;
        request.shape.width = 58;
        request.shape.pitch = 60;
        request.shape.planes = 67;
        request.shape.line_floats = 4020;
        request.shape.halo_floats = 8040;
        request.shape.line_step = 60;
        request.tiles = *tiles;
        request.threads = threads;
        request.max_workspace_bytes = std::size_t{1} << 40;
        request.fill_seconds_per_element = 1e-10;
        const auto choose = [&] { return choose_strips(request, machine); };
        const auto [kept, fresh] = kept_and_fresh(choose);
        EXPECT_EQ(kept.block_lines, fresh.block_lines);
      }
    }
  }
}

}  // namespace
}  // namespace plait::kernels
