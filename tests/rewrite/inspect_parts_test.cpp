// Parts of kernels that inspect finds: blocks in any order, dead channels, windows and lattices.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "rewrite/inspect/bank.hpp"
#include "rewrite/inspect/blocks.hpp"
#include "support/inspect.hpp"

namespace plait::test {
namespace {

#if defined(PLAIT_SANITIZED)  // slow, and looking for other things
constexpr int kCases = 12;
#else
constexpr int kCases = 120;
#endif

struct Planted {
  std::int64_t groups;
  std::int64_t outputs;  // of a group
  std::int64_t inputs;
};

// Blocks on the diagonal, then channels in another order: no kernel but those of a block.
Tensor<double> planted_blocks(const Planted& planted, std::int64_t taps,
                              const std::vector<std::int64_t>& outputs,
                              const std::vector<std::int64_t>& inputs, Random& random) {
  Tensor<double> kernel({static_cast<std::int64_t>(outputs.size()),
                         static_cast<std::int64_t>(inputs.size()), taps, taps});
  for (std::int64_t o = 0; o < planted.groups * planted.outputs; ++o) {
    for (std::int64_t i = 0; i < planted.groups * planted.inputs; ++i) {
      if (o / planted.outputs != i / planted.inputs) continue;
      set_kernel(kernel, outputs[static_cast<std::size_t>(o)], inputs[static_cast<std::size_t>(i)],
                 [&](auto, auto) { return random.normal(); });
    }
  }
  return kernel;
}

TEST(InspectBlocks, AreFoundInAnyOrderOfTheChannels) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    const Planted planted{random.between(2, 8), random.between(1, 8), random.between(1, 8)};
    const std::int64_t dead_outputs = random.between(0, 3);
    const std::int64_t dead_inputs = random.between(0, 3);
    const auto outputs = random_order(planted.groups * planted.outputs + dead_outputs, random);
    const auto inputs = random_order(planted.groups * planted.inputs + dead_inputs, random);
    const std::int64_t taps = random.between(1, 3);
    InspectOptions options;
    options.stride = {random.between(1, 2), random.between(1, 2)};
    options.padding = {random.between(0, 2), random.between(0, 2), random.between(0, 2), 1};
    options.dilation = {random.between(1, 2), random.between(1, 2)};
    const auto inspection =
        inspect(planted_blocks(planted, taps, outputs, inputs, random), options);
    const KernelFindings& found = inspection.found;
    EXPECT_EQ(found.blocks.components, planted.groups);
    EXPECT_EQ(found.blocks.groups, planted.groups);
    EXPECT_EQ(found.blocks.outputs_per_group, planted.outputs);
    EXPECT_EQ(found.blocks.inputs_per_group, planted.inputs);
    EXPECT_TRUE(found.blocks.exhaustive);
    EXPECT_EQ(static_cast<std::int64_t>(found.zero_outputs.size()), dead_outputs);
    EXPECT_EQ(static_cast<std::int64_t>(found.dead_inputs.size()), dead_inputs);
    std::int64_t least = inspection.multiplications_per_position;
    for (const auto& proposal : inspection.proposals) {
      if (proposal.bitwise) least = std::min(least, proposal.multiplications_per_position);
    }
    EXPECT_LE(least, planted.groups * planted.outputs * planted.inputs * taps * taps);
    expect_equivalent(inspection, 9, 8, random);
  }
}

TEST(InspectBlocks, AsTheyAreStoredNeedNoOrder) {
  Random random(1);
  std::vector<std::int64_t> order(24);
  std::iota(order.begin(), order.end(), 0);
  const auto inspection = inspect(planted_blocks({4, 6, 6}, 3, order, order, random));
  EXPECT_EQ(inspection.found.blocks.as_stored, 4);
  EXPECT_EQ(names_of(inspection), "groups");
  const ConvLayer<double>& layer = inspection.proposals[0].layers[0];
  EXPECT_EQ(layer.groups, 4);
  EXPECT_EQ(layer.kernel.shape(), (Dims{24, 6, 3, 3}));
  EXPECT_TRUE(layer.reads.empty());
  EXPECT_TRUE(layer.writes.empty());
  EXPECT_EQ(inspection.proposals[0].what, "4 groups of 6 outputs and 6 inputs");
  EXPECT_EQ(inspection.proposals[0].verdict, "cheaper: 0.25 of the products");
}

TEST(InspectBlocks, OfUnequalSizesAreFilledUp) {
  // Outputs {0, 1, 2} read inputs {0, 1}, {3, 4} read {2, 3, 4}, and nothing reads input 5.
  Random random(2);
  Tensor<float> kernel({6, 6, 1, 1});
  for (std::int64_t o = 0; o < 5; ++o) {
    for (std::int64_t i = o < 3 ? 0 : 2; i < (o < 3 ? 2 : 5); ++i) {
      kernel(o, i, 0, 0) = static_cast<float>(1 + random.uniform());
    }
  }
  const auto inspection = inspect(kernel);
  EXPECT_EQ(inspection.found.blocks.groups, 2);
  EXPECT_EQ(inspection.found.blocks.outputs_per_group, 3);
  EXPECT_EQ(inspection.found.blocks.inputs_per_group, 3);
  EXPECT_EQ(inspection.found.dead_inputs, std::vector<std::int64_t>{5});
  EXPECT_EQ(inspection.found.zero_outputs, std::vector<std::int64_t>{5});
  const auto* groups = find(inspection, "reordered groups");
  ASSERT_NE(groups, nullptr) << names_of(inspection);
  EXPECT_EQ(groups->multiplications_per_position, 18);
  expect_equivalent(inspection, 5, 4, random);
}

// All ways to put components into groups, for few of them.
std::int64_t least_products(const std::vector<rewrite::Channels>& components, std::int64_t c_o) {
  const std::size_t n = components.size();
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  std::vector<std::size_t> choice(n);
  for (std::size_t groups = 1; groups <= n; ++groups) {
    std::fill(choice.begin(), choice.end(), 0);
    for (bool more = true; more;) {
      std::vector<std::int64_t> outputs(groups);
      std::vector<std::int64_t> inputs(groups);
      for (std::size_t i = 0; i < n; ++i) {
        outputs[choice[i]] += static_cast<std::int64_t>(components[i].outputs.size());
        inputs[choice[i]] += static_cast<std::int64_t>(components[i].inputs.size());
      }
      const std::int64_t a = *std::max_element(outputs.begin(), outputs.end());
      const std::int64_t b = *std::max_element(inputs.begin(), inputs.end());
      const auto g = static_cast<std::int64_t>(groups);
      if (g * a <= c_o) best = std::min(best, g * a * b);
      more = false;
      for (std::size_t i = 0; i < n && !more; ++i) {
        more = ++choice[i] < groups;
        if (!more) choice[i] = 0;
      }
    }
  }
  return best;
}

TEST(InspectBlocks, ThePackingOfFewComponentsIsTheBest) {
  for (int seed = 0; seed < 2 * kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    std::vector<rewrite::Channels> components(static_cast<std::size_t>(random.between(1, 5)));
    std::int64_t next_output = 0;
    std::int64_t next_input = 0;
    for (auto& component : components) {
      for (std::int64_t o = random.between(1, 6); o > 0; --o) {
        component.outputs.push_back(next_output++);
      }
      for (std::int64_t i = random.between(1, 6); i > 0; --i) {
        component.inputs.push_back(next_input++);
      }
    }
    const std::int64_t c_o = next_output + random.between(0, 6);
    const rewrite::Packing packing = rewrite::pack(components, c_o);
    EXPECT_TRUE(packing.exhaustive);
    EXPECT_EQ(packing.products(), least_products(components, c_o));
    std::size_t outputs = 0;
    for (const auto& group : packing.groups) outputs += group.outputs.size();
    EXPECT_EQ(outputs, static_cast<std::size_t>(next_output));
  }
}

TEST(InspectBlocks, ManyComponentsArePackedByAHeuristicThatSaysSo) {
  Random random(3);
  std::vector<rewrite::Channels> components;
  std::int64_t next = 0;
  for (int i = 0; i < 40; ++i) {
    auto& component = components.emplace_back();
    for (std::int64_t o = random.between(1, 9); o > 0; --o) component.outputs.push_back(next++);
    for (std::int64_t k = random.between(1, 9); k > 0; --k) component.inputs.push_back(next++);
  }
  const rewrite::Packing packing = rewrite::pack(components, next);
  EXPECT_FALSE(packing.exhaustive);
  EXPECT_GT(packing.groups.size(), 1U);
  // Equal ones are certain.
  for (auto& component : components) component = {{next, next + 1}, {next, next + 1, next + 2}};
  EXPECT_TRUE(rewrite::pack(components, 80).exhaustive);
  EXPECT_EQ(rewrite::pack(components, 80).groups.size(), 40U);
}

TEST(InspectDead, ChannelsOfGroupsLeaveTheGroupsEqual) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    InspectOptions options;
    options.groups = random.between(1, 4);
    options.padding = 1;
    options.stride = random.between(1, 2);
    const std::int64_t outputs = random.between(1, 6);
    const std::int64_t inputs = random.between(1, 6);
    Tensor<float> kernel = random_tensor<float>({options.groups * outputs, inputs, 3, 2}, random);
    std::vector<std::int64_t> zero;
    for (std::int64_t o = 0; o < kernel.size(0); ++o) {
      if (!random.chance(0.3)) continue;
      zero.push_back(o);
      for (std::int64_t i = 0; i < inputs; ++i) {
        set_kernel(kernel, o, i, [](auto, auto) { return -0.0F; });  // a zero as well
      }
    }
    const auto inspection = inspect(kernel, options);
    EXPECT_EQ(inspection.found.zero_outputs, zero);
    expect_equivalent(inspection, 7, 8, random);
  }
}

TEST(InspectDead, AKernelOfZerosIsOneProduct) {
  InspectOptions options;
  options.padding = 1;
  options.stride = 2;
  const auto inspection = inspect(Tensor<double>({8, 4, 3, 3}), options);
  EXPECT_EQ(inspection.found.zero_kernels, 32);
  EXPECT_EQ(inspection.found.dead_inputs.size(), 4U);
  EXPECT_EQ(inspection.found.blocks.components, 0);
  const auto* combined = find(inspection, "combined");
  ASSERT_NE(combined, nullptr) << names_of(inspection);
  EXPECT_EQ(combined->multiplications_per_position, 1);
  Random random(4);
  expect_equivalent(inspection, 6, 7, random);
}

// The fewest equally spaced taps that a layer may keep, by trying all.
std::int64_t fewest_taps(const std::vector<bool>& used, std::int64_t before, std::int64_t after) {
  const auto taps = static_cast<std::int64_t>(used.size());
  std::int64_t best = taps;
  for (std::int64_t first = 0; first <= std::min(before, taps - 1); ++first) {
    for (std::int64_t last = std::max(first, taps - 1 - after); last < taps; ++last) {
      for (std::int64_t step = 1; step <= taps; ++step) {
        if ((last - first) % step != 0) continue;
        bool holds = true;
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const bool kept = tap >= first && tap <= last && (tap - first) % step == 0;
          holds = holds && (kept || !used[static_cast<std::size_t>(tap)]);
        }
        if (holds) best = std::min(best, (last - first) / step + 1);
      }
    }
  }
  return best;
}

TEST(InspectWindow, KeepsTheFewestTapsThatThePaddingAllows) {
  for (int seed = 0; seed < 20 * kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    std::vector<bool> used(static_cast<std::size_t>(random.between(1, 9)));
    const std::int64_t step = random.between(1, 4);
    for (std::size_t tap = static_cast<std::size_t>(random.between(0, 3)); tap < used.size();
         tap += static_cast<std::size_t>(step)) {
      used[tap] = random.chance(0.6);
    }
    const std::int64_t before = random.between(0, 5);
    const std::int64_t after = random.between(0, 5);
    const std::int64_t dilation = random.between(1, 3);
    const TapRange range = rewrite::used_taps(used);
    const TapRange kept =
        rewrite::kept_taps(range, static_cast<std::int64_t>(used.size()), dilation,
                           before * dilation + random.between(0, dilation - 1),
                           after * dilation + random.between(0, dilation - 1));
    EXPECT_EQ(kept.count, fewest_taps(used, before, after));
    EXPECT_LE(range.count, kept.count);
    EXPECT_LE(kept.first, before);
  }
}

TEST(InspectWindow, PlantedOnesAndLatticesAreFound) {
  for (int seed = 0; seed < kCases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(static_cast<std::uint64_t>(seed));
    const Pair step{random.between(1, 3), random.between(1, 3)};
    const Pair count{random.between(2, 3), random.between(1, 3)};
    const Pair first{random.between(0, 2), random.between(0, 2)};
    const std::int64_t k_h = first.h + (count.h - 1) * step.h + 1 + random.between(0, 2);
    const std::int64_t k_w = first.w + (count.w - 1) * step.w + 1 + random.between(0, 2);
    InspectOptions options;
    options.groups = random.between(1, 2);
    options.dilation = {random.between(1, 2), 1};
    options.stride = {random.between(1, 2), random.between(1, 3)};
    options.padding = {random.between(0, 4), random.between(0, 4), random.between(0, 4),
                       random.between(0, 4)};
    Tensor<float> kernel({4, 3, k_h, k_w});
    for (std::int64_t o = 0; o < 4; ++o) {
      for (std::int64_t i = 0; i < 3; ++i) {
        for (std::int64_t u = 0; u < count.h; ++u) {
          for (std::int64_t v = 0; v < count.w; ++v) {
            kernel(o, i, first.h + u * step.h, first.w + v * step.w) =
                static_cast<float>(random.normal());
          }
        }
      }
    }
    const auto inspection = inspect(kernel, options);
    const KernelWindow& window = inspection.found.window;
    EXPECT_EQ(window.rows, (TapRange{first.h, count.h, step.h}));
    EXPECT_EQ(window.columns, (TapRange{first.w, count.w, count.w == 1 ? 1 : step.w}));
    const Padding& needed = window.needed_padding;
    const bool enough =
        needed.top <= options.padding.top && needed.bottom <= options.padding.bottom &&
        needed.left <= options.padding.left && needed.right <= options.padding.right;
    if (enough) {
      EXPECT_EQ(window.kept_rows, window.rows);
      EXPECT_EQ(window.kept_columns, window.columns);
    }
    if (window.kept_rows.count < k_h || window.kept_columns.count < k_w) {
      EXPECT_NE(find(inspection, "window"), nullptr);
    }
    expect_equivalent(inspection, 24, 15, random);
  }
}

TEST(InspectWindow, CombinesWithGroups) {
  Random random(5);
  const auto outputs = random_order(16, random);
  const auto inputs = random_order(16, random);
  const Tensor<double> blocks = planted_blocks({4, 4, 4}, 3, outputs, inputs, random);
  Tensor<double> kernel({16, 16, 5, 5});
  for (std::int64_t o = 0; o < 16; ++o) {
    for (std::int64_t i = 0; i < 16; ++i) {
      for (std::int64_t u = 0; u < 9; ++u) {
        kernel(o, i, 1 + u / 3, 1 + u % 3) = blocks(o, i, u / 3, u % 3);
      }
    }
  }
  InspectOptions options;
  options.padding = 2;
  const auto inspection = inspect(kernel, options);
  EXPECT_EQ(names_of(inspection), "reordered groups, window, combined");
  EXPECT_EQ(inspection.proposals[2].multiplications_per_position, 16 * 4 * 9);
  EXPECT_EQ(inspection.proposals[2].what,
            "4 groups of 4 outputs and 4 inputs, channels picked and placed; rows 1 to 3 of 5 and "
            "columns 1 to 3 of 5: a 3x3 kernel, padding 1");
  expect_equivalent(inspection, 9, 9, random);
  EXPECT_TRUE(find(inspect(kernel), "window") == nullptr) << "there is no padding to take away";
}

}  // namespace
}  // namespace plait::test
