// What strips of delta outputs load, hold and wait for, against counting in the loops of a tile.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <plait/analysis.hpp>
#include <plait/plait.hpp>

#include "core/machine/cycles.hpp"
#include "kernels/tile/tile.hpp"
#include "kernels/tile/tile_work.hpp"
#include "support/calls.hpp"

namespace plait::test {
namespace {

bool is_built(Target target) { return kernels::tile_set(target).target == target; }

std::vector<Target> built_targets() {
  std::vector<Target> targets;
  for (const Target target : {Target::emu128, Target::sse4, Target::avx2, Target::avx3}) {
    if (is_built(target)) targets.push_back(target);
  }
  return targets;
}

// A machine that need not be this one: plans for it are never run.
Machine machine_of(Target target) {
  Machine machine;
  machine.targets = {target};
  machine.use(target);
  machine.rates.vector_fmas_per_cycle = 2;
  return machine;
}

// What a row of taps of one channel does in a tile, counted load by load.
struct Counted {
  std::set<std::int64_t> touched;  // columns of the padded input
  int input_loads = 0;             // instructions
  int weight_loads = 0;
  int multiply_adds = 0;
  std::int64_t inputs = 0;  // elements
  std::int64_t weights = 0;
  int registers = 0;  // the most that hold something at once
};

// Registers by what they hold.
class Registers {
 public:
  void hold(const std::string& what) {
    live_.insert(what);
    most_ = std::max(most_, static_cast<int>(live_.size()));
  }
  void drop(const std::string& what) { live_.erase(what); }
  int most() const { return most_; }

 private:
  std::set<std::string> live_;
  int most_ = 0;
};

std::string named(const char* what, int i, int j = 0) {
  return what + std::to_string(i) + "_" + std::to_string(j);
}

// The nest of tile-inl.h and channel_tile-inl.h: tile.rows channels x tile.cols pixels, term by
// term. One side is loaded first and held, each of the other is dropped once it has been used.
Counted count(const kernels::Tile& tile, int lanes, std::int64_t taps, std::int64_t stride,
              std::int64_t dilation) {
  const int along = tile.lanes_are_channels ? tile.rows : tile.cols;
  const int vectors = (along + lanes - 1) / lanes;
  const int broadcasts = tile.lanes_are_channels ? tile.cols : tile.rows;
  const bool holds_vectors = tile.lanes_are_channels || broadcasts >= vectors;
  Counted counted;
  Registers registers;
  for (int b = 0; b < broadcasts; ++b) {
    for (int v = 0; v < vectors; ++v) registers.hold(named("sum", b, v));
  }
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const auto load_pixel = [&](int pixel) {
      counted.touched.insert(pixel * stride + tap * dilation);
      ++counted.inputs;
    };
    const auto load_vector = [&](int v) {
      ++(tile.lanes_are_channels ? counted.weight_loads : counted.input_loads);
      for (int i = v * lanes; i < std::min(along, (v + 1) * lanes); ++i) {
        if (tile.lanes_are_channels) {
          ++counted.weights;
        } else {
          load_pixel(i);
        }
      }
      registers.hold(named("vector", v));
    };
    const auto load_broadcast = [&](int b) {
      if (tile.lanes_are_channels) {
        ++counted.input_loads;
        load_pixel(b);
      } else {
        ++counted.weight_loads;
        ++counted.weights;
      }
      registers.hold(named("broadcast", b));
    };
    const int outer = holds_vectors ? vectors : broadcasts;
    const int inner = holds_vectors ? broadcasts : vectors;
    for (int i = 0; i < outer; ++i) holds_vectors ? load_vector(i) : load_broadcast(i);
    for (int j = 0; j < inner; ++j) {
      holds_vectors ? load_broadcast(j) : load_vector(j);
      counted.multiply_adds += outer;
      registers.drop(named(holds_vectors ? "broadcast" : "vector", j));
    }
    for (int i = 0; i < outer; ++i)
      registers.drop(named(holds_vectors ? "vector" : "broadcast", i));
  }
  counted.registers = registers.most();
  return counted;
}

std::vector<std::pair<const kernels::TileSet*, const kernels::Tile*>> all_tiles() {
  std::vector<std::pair<const kernels::TileSet*, const kernels::Tile*>> all;
  for (const Target target : built_targets()) {
    for (const kernels::TileSet* set :
         {&kernels::tile_set(target), &kernels::channel_tile_set(target)}) {
      for (const kernels::Tile& tile : set->tiles) all.emplace_back(set, &tile);
    }
  }
  return all;
}

TEST(StripStudy, LoadsAreThoseOfTheLoopNestOfEveryTile) {
  for (const auto& [set, tile] : all_tiles()) {
    const kernels::TermWork work = kernels::term_work(*tile, set->lanes);
    for (const std::int64_t taps : {1, 3, 7}) {
      const std::string what = std::string(name_of(set->target)) + " " +
                               std::to_string(tile->rows) + " x " + std::to_string(tile->cols);
      const Counted counted = count(*tile, set->lanes, taps, 1, 1);
      EXPECT_EQ(counted.input_loads, taps * work.input_loads) << what;
      EXPECT_EQ(counted.weight_loads, taps * work.weight_loads) << what;
      EXPECT_EQ(counted.multiply_adds, taps * work.multiply_adds) << what;
      EXPECT_EQ(counted.registers, work.registers) << what;
      EXPECT_EQ(static_cast<std::int64_t>(counted.touched.size()), taps + tile->cols - 1) << what;
      // Per product, 1 / rows inputs and 1 / delta weights.
      const std::int64_t products = taps * tile->rows * tile->cols;
      EXPECT_EQ(counted.inputs * tile->rows, products) << what;
      EXPECT_EQ(counted.weights * tile->cols, products) << what;
    }
    // 7 pixels x 4 vectors of channels are one above: the compiler multiplies from memory.
    const int above = tile->lanes_are_channels && work.multiply_adds == 28 ? 1 : 0;
    EXPECT_LE(work.registers, costs::vector_registers(set->target) + above);
    EXPECT_GT(kernels::term_work(*tile, set->lanes, 1).registers, work.registers);
  }
}

constexpr const char* kAlgorithms[] = {"direct/pixels", "direct/channels", "im2col", "pointwise"};

// The studies of all deltas that an algorithm takes, with their plans.
std::vector<std::pair<Plan, StripStudy>> studies(const std::string& line, Limits limits,
                                                 const Machine& machine) {
  std::vector<std::pair<Plan, StripStudy>> all;
  for (limits.tile_columns = 1; limits.tile_columns <= kernels::kMaxCols; ++limits.tile_columns) {
    try {
      const Plan planned = plan(line, limits, machine);
      all.emplace_back(planned, strip_study(planned, machine).value());
    } catch (const Error&) {
      continue;  // no tile is so wide
    }
  }
  return all;
}

TEST(StripStudy, SaysOfEveryPlanWhatItsTileDoes) {
  for (const Target target : built_targets()) {
    const Machine machine = machine_of(target);
    for (const std::string algorithm : {"direct/pixels", "direct/channels", "im2col"}) {
      const auto all =
          studies("2x8x30x31,24x4x5x3,g2,d2,s3x2", {.threads = 1, .algorithm = algorithm}, machine);
      EXPECT_GE(all.size(), 3U) << algorithm;
      for (const auto& [planned, study] : all) {
        const std::string& config = planned.explain().config;
        EXPECT_EQ(study.delta, planned.explain().limits.tile_columns) << config;
        const std::string size = std::to_string(study.rows) + " x " + std::to_string(study.delta);
        EXPECT_NE(config.find(size), std::string::npos) << config << " has no tile of " << size;
        EXPECT_DOUBLE_EQ(study.inputs_touched * study.delta,
                         static_cast<double>(inputs_touched(3, study.delta, 2, 2)));
        EXPECT_LT(study.registers_used, study.registers_if_wider) << config;
      }
    }
  }
}

TEST(StripStudy, TouchedInputsAreCounted) {
  for (std::int64_t taps = 1; taps <= 7; ++taps) {
    for (std::int64_t delta = 1; delta <= 9; ++delta) {
      for (std::int64_t stride = 1; stride <= 6; ++stride) {
        for (std::int64_t dilation = 1; dilation <= 12; ++dilation) {
          std::set<std::int64_t> columns;
          for (std::int64_t j = 0; j < delta; ++j) {
            for (std::int64_t v = 0; v < taps; ++v) columns.insert(j * stride + v * dilation);
          }
          EXPECT_EQ(inputs_touched(taps, delta, stride, dilation),
                    static_cast<std::int64_t>(columns.size()))
              << taps << " " << delta << " " << stride << " " << dilation;
        }
      }
    }
  }
  EXPECT_EQ(inputs_touched(3, 48), 3 + 48 - 1);
  const std::string error = error_of(Status::invalid_argument, [] { inputs_touched(3, 0); });
  EXPECT_NE(error.find("must be at least 1 but are 3, 0, 1, 1"), std::string::npos) << error;
}

TEST(StripStudy, PartsOfTheTimeAddUpToThePrediction) {
  for (const Target target : built_targets()) {
    const Machine machine = machine_of(target);
    for (const int threads : {1, 4}) {
      for (const std::string algorithm : {"direct/pixels", "direct/channels", "im2col"}) {
        const Plan planned =
            plan("2x20x30x41,23x20x3x3,p1", {.threads = threads, .algorithm = algorithm}, machine);
        const StripStudy study = strip_study(planned, machine).value();
        EXPECT_NEAR(study.predicted_seconds() / planned.cost().predicted_seconds, 1, 1e-12);
        for (const double seconds : study.seconds) EXPECT_GE(seconds, -1e-12);
        EXPECT_GT(study.seconds_of(StripLimit::edges), 0);
        const double products = static_cast<double>(planned.problem().multiplications());
        EXPECT_NEAR(study.seconds_of(StripLimit::multiply_adds) * planned.threads(),
                    products / machine.macs_per_second(), 1e-12);
      }
    }
  }
}

// Then all of the tiles' time is explained by the tiles, or the study counts others than the plan.
TEST(StripStudy, NothingWaitsForCachesWithoutEnd) {
  for (const Target target : built_targets()) {
    Machine machine = machine_of(target);
    machine.rates.l2_bytes_per_second = machine.rates.l3_bytes_per_second = 1e18;
    for (const std::string algorithm : kAlgorithms) {
      for (const auto& [planned, study] :
           studies("3x24x20x37,40x12x1x1,g2", {.threads = 1, .algorithm = algorithm}, machine)) {
        EXPECT_NEAR(study.seconds_of(StripLimit::cache) / study.predicted_seconds(), 0, 1e-9)
            << algorithm << " " << planned.explain().config;
      }
    }
  }
}

TEST(StripStudy, TheFirstLayersOfTheChapterHaveTheseNumbers) {
  if (!is_built(Target::avx3)) GTEST_SKIP() << "this build has no AVX3 kernels";
  const Machine machine = machine_of(Target::avx3);
  const Plan planned =
      plan("1x64x56x56,64x64x3x3,p1",
           {.threads = 1, .algorithm = "direct/pixels", .tile_columns = 48}, machine);
  const StripStudy study = strip_study(planned, machine).value();
  EXPECT_EQ(study.rows, 8);
  EXPECT_EQ(study.registers_used, 24 + 3 + 1);
  EXPECT_EQ(study.registers_if_wider, 32 + 4 + 1);
  EXPECT_EQ(study.registers, 32);
  EXPECT_DOUBLE_EQ(study.inputs_touched, 50.0 / 48);
  EXPECT_EQ(study.multiply_add_cycles, 12);
  EXPECT_EQ(study.load_cycles, 3 * 2 / 2.0 + 8 / 2.0);
}

TEST(StripStudy, TheLimitIsTheMostOfTheLosses) {
  StripStudy study;
  study.seconds[0] = 10;
  EXPECT_EQ(study.limit(), StripLimit::multiply_adds);
  study.seconds[static_cast<std::size_t>(StripLimit::loads)] = 0.5;
  EXPECT_EQ(study.limit(), StripLimit::multiply_adds) << "less than a twentieth";
  study.seconds[static_cast<std::size_t>(StripLimit::edges)] = 1;
  EXPECT_EQ(study.limit(), StripLimit::edges);
  EXPECT_DOUBLE_EQ(study.predicted_seconds(), 11.5);
  EXPECT_EQ(name_of(StripLimit::edges), "edges");
  EXPECT_EQ(name_of(StripLimit::threads), "threads");
}

TEST(StripStudy, OthersHaveNone) {
  EXPECT_FALSE(strip_study(plan("1x8x9x9,8x1x3x3,g8", {.algorithm = "depthwise"})));
  EXPECT_FALSE(strip_study(plan("1x8x9x9,8x8x3x3", {.algorithm = "reference"})));
  EXPECT_FALSE(strip_study(plan("1x8x9x9,8x8x3x3", {.algorithm = "winograd/f2x3"})));
}

}  // namespace
}  // namespace plait::test
