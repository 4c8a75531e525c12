// The plane tiles alone, per target, against scalar loops that add in the promised order, and the
// moves of lines into planes and out of tiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <plait/problem.hpp>

#include "core/error_model.hpp"
#include "core/tensor/aligned_buffer.hpp"
#include "kernels/depthwise/planes.hpp"
#include "support/floats.hpp"
#include "support/random.hpp"
#include "support/sums.hpp"

namespace plait::test {
namespace {

using kernels::PlaneForm;
using kernels::PlaneKernels;
using kernels::PlaneTile;

// A tile over a random plane, and what it should give.
class PlaneCase {
 public:
  PlaneCase(Target target, const PlaneTile& tile, std::int64_t k_h, std::int64_t k_w,
            std::int64_t columns, Random& random)
      : target_(target),
        tile_(tile),
        row_stride_((columns + k_w + kernels::kPlaneSlack) * tile.stride),
        plane_(random_floats((std::int64_t{tile.lines} * tile.stride + k_h) * row_stride_, random)),
        weights_(random_floats(k_h * k_w, random)),
        bias_(static_cast<float>(random.normal())),
        out_(static_cast<std::size_t>(tile.lines * (columns + 3)), kUntouched),
        chunk_sums_(allocate_aligned(kernels::kMaxPlaneTile * sizeof(float), "chunk sums")) {
    args.plane = plane_.data();
    args.row_stride = row_stride_;
    args.line_stride = row_stride_ * tile.stride;
    args.phase_stride = row_stride_ / tile.stride;
    for (std::int64_t k = 0; k < (tile.form == PlaneForm::rows ? k_w : k_h * k_w); ++k) {
      offsets_.push_back(static_cast<std::int32_t>(k / k_w * row_stride_ + k % k_w));
    }
    args.offsets = offsets_.data();
    args.weights = weights_.data();
    args.k_h = k_h;
    args.k_w = k_w;
    args.out = out_.data();
    args.out_stride = columns + 3;
    args.columns = columns;
    args.chunk_sums = reinterpret_cast<float*>(chunk_sums_.get());
  }

  void add_bias() { args.epilogue.bias = &bias_; }

  void expect_equal() {
    const std::int64_t vectors = (args.columns + lanes_of(target_) - 1) / lanes_of(target_);
    EXPECT_EQ(tile_.function(args),
              tile_.lines * vectors * lanes_of(target_) * args.k_h * args.k_w);
    for (std::int64_t i = 0; i < tile_.lines; ++i) {
      for (std::int64_t j = 0; j < args.out_stride; ++j) {
        const float got = at(out_, i * args.out_stride + j);
        ASSERT_EQ(got, j < args.columns ? expected(i, j) : kUntouched)
            << name_of(target_) << " form " << static_cast<int>(tile_.form) << ", " << tile_.lines
            << " lines x " << tile_.vectors << " vectors, window " << args.k_h << "x" << args.k_w
            << ", " << args.columns << " columns, at " << i << ", " << j;
      }
    }
  }

  kernels::PlaneArgs args;

 private:
  float expected(std::int64_t i, std::int64_t j) {
    float sum = chunked_sum(target_, args.k_h * args.k_w, [&](std::int64_t k) {
      const std::int64_t row = i * tile_.stride + k / args.k_w;
      const std::int64_t v = k % args.k_w;
      const std::int64_t column = v % tile_.stride * args.phase_stride + v / tile_.stride + j;
      return std::pair(at(weights_, k), at(plane_, row * row_stride_ + column));
    });
    if (args.epilogue.bias != nullptr) sum += bias_;
    if ((args.epilogue.relu || args.epilogue.six) && sum < 0) sum = 0;
    return args.epilogue.six && sum > 6 ? 6 : sum;
  }

  Target target_;
  const PlaneTile& tile_;
  std::int64_t row_stride_;
  std::vector<float> plane_, weights_;
  float bias_;
  std::vector<float> out_;
  std::vector<std::int32_t> offsets_;
  AlignedBytes chunk_sums_;
};

// Calls body(target, tile, k_h, k_w, columns): windows around a chunk, columns around a tile.
template <class Body>
void for_each_case(Body body) {
  for (const Target target : runnable_targets()) {
    const PlaneKernels& kernels = kernels::plane_kernels(target);
    for (const PlaneTile& tile : kernels.tiles) {
      std::vector<std::pair<std::int64_t, std::int64_t>> windows = {
          {1, 1}, {2, 3}, {6, 1}, {7, 7}, {15, 17}, {16, 16}, {1, 257}, {257, 1}, {23, 24}};
      if (tile.form == PlaneForm::fixed) windows = {{tile.k, tile.k}};
      for (const auto& [k_h, k_w] : windows) {
        if (tile.form == PlaneForm::rows && k_h < tile.lines) continue;
        const std::int64_t whole = std::int64_t{tile.vectors} * kernels.lanes;
        for (const std::int64_t columns : {std::int64_t{1}, whole - 1, whole, whole + 1}) {
          body(target, tile, k_h, k_w, columns);
        }
      }
    }
  }
}

TEST(PlaneKernels, AreCompiledForTheTargetTheyAreAskedFor) {
  for (const Target target : runnable_targets()) {
    const PlaneKernels& kernels = kernels::plane_kernels(target);
    EXPECT_EQ(kernels.target, target);
    EXPECT_EQ(kernels.lanes, lanes_of(target));
    EXPECT_LE(kernels.lanes, kernels::kPlaneSlack);
    for (const PlaneTile& tile : kernels.tiles) {
      EXPECT_LE(tile.lines * tile.vectors * kernels.lanes, kernels::kMaxPlaneTile);
    }
  }
}

TEST(PlaneTiles, AddTheirTapsInOrderAndChunksBitForBit) {
  Random random(1);
  for_each_case([&](Target target, const PlaneTile& tile, std::int64_t k_h, std::int64_t k_w,
                    std::int64_t columns) {
    PlaneCase(target, tile, k_h, k_w, columns, random).expect_equal();
  });
}

TEST(PlaneTiles, AddBiasThenActivate) {
  Random random(2);
  for_each_case([&](Target target, const PlaneTile& tile, std::int64_t k_h, std::int64_t k_w,
                    std::int64_t columns) {
    if (k_h * k_w > 49) return;
    for (int epilogue = 1; epilogue < 6; ++epilogue) {
      PlaneCase test(target, tile, k_h, k_w, columns, random);
      if (epilogue % 2 == 1) test.add_bias();
      test.args.epilogue.relu = epilogue >= 2;
      test.args.epilogue.six = epilogue >= 4;
      test.expect_equal();
    }
  });
}

TEST(PlaneRows, AreCopiedAndSurrounded) {
  Random random(3);
  for (const Target target : runnable_targets()) {
    const PlaneKernels& kernels = kernels::plane_kernels(target);
    const std::int64_t lanes = kernels.lanes;
    for (std::int64_t count = 0; count <= 2 * lanes + 1; ++count) {
      for (const std::int64_t around : {std::int64_t{0}, std::int64_t{2}, lanes + 1}) {
        for (const float value : {0.0F, 0.5F}) {
          std::vector<float> from = random_floats(2 * count + 3, random);
          const std::int64_t stride = count + 2 * around + 4 * lanes;
          std::vector<float> to(static_cast<std::size_t>(3 * stride), kUntouched);
          kernels::PlaneRows rows;
          rows.from = from.data();
          rows.from_stride = count + 2;
          rows.count = count;
          rows.to = to.data() + lanes + around;
          rows.to_stride = stride;
          rows.before = around;
          rows.after = around + 1;
          rows.rows = 2;
          rows.value = value;
          kernels.copy(rows);
          for (std::int64_t row = 0; row < 2; ++row) {
            for (std::int64_t j = -around; j < count + around + 1; ++j) {
              const bool inside = j >= 0 && j < count;
              ASSERT_EQ(rows.to[row * stride + j], inside ? at(from, row * (count + 2) + j) : value)
                  << name_of(target) << " " << count << " floats, row " << row << ", at " << j;
            }
          }
          EXPECT_EQ(to.back(), kUntouched);
        }
      }
    }
  }
}

TEST(PlaneRows, AreSplitIntoEvenAndOddColumns) {
  Random random(4);
  for (const Target target : runnable_targets()) {
    const PlaneKernels& kernels = kernels::plane_kernels(target);
    const std::int64_t lanes = kernels.lanes;
    for (std::int64_t count = 1; count <= 4 * lanes + 2; ++count) {
      for (const float value : {0.0F, 0.5F}) {
        std::vector<float> from = random_floats(count, random);
        std::vector<float> to(static_cast<std::size_t>(20 * lanes), kUntouched);
        kernels::PlaneRows rows;
        rows.from = from.data();
        rows.count = count;
        rows.to = to.data() + lanes + 2;
        rows.before = 1;
        rows.after = 3;
        rows.rows = 1;
        rows.value = value;
        const kernels::OddColumns odd{to.data() + 10 * lanes, 2, 1};
        kernels.split(rows, odd);
        for (std::int64_t j = -1; j < (count + 1) / 2 + 3; ++j) {
          const bool inside = j >= 0 && j < (count + 1) / 2;
          ASSERT_EQ(rows.to[j], inside ? at(from, 2 * j) : value)
              << name_of(target) << " " << count;
        }
        for (std::int64_t j = -2; j < count / 2 + 1; ++j) {
          const bool inside = j >= 0 && j < count / 2;
          ASSERT_EQ(odd.to[j], inside ? at(from, 2 * j + 1) : value)
              << name_of(target) << " " << count;
        }
      }
    }
  }
}

// Near 0 the bound of an output leaves the activation half an ulp; f64 inside gives that.
TEST(FinishedLines, HaveTheResidualAndTheActivation) {
  Random random(5);
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Target target : runnable_targets()) {
    const PlaneKernels& kernels = kernels::plane_kernels(target);
    for (const ActivationKind kind :
         {ActivationKind::none, ActivationKind::relu, ActivationKind::relu6, ActivationKind::leaky,
          ActivationKind::hswish, ActivationKind::silu, ActivationKind::sigmoid,
          ActivationKind::tanh}) {
      const bool in_f32 = kind <= ActivationKind::hswish;
      for (const std::int64_t count : {1, kernels.lanes, 5 * kernels.lanes + 3, 4001}) {
        std::vector<float> line(static_cast<std::size_t>(count + 1));
        std::vector<float> residual(static_cast<std::size_t>(count));
        for (std::int64_t j = 0; j < count; ++j) {
          at(line, j) = static_cast<float>(random.normal() * std::exp2(random.between(-30, 8)));
          at(residual, j) = static_cast<float>(random.normal() * std::exp2(random.between(-30, 8)));
        }
        if (count > 10) {
          at(line, 1) = infinity;
          at(line, 2) = -infinity;
          at(line, 3) = std::numeric_limits<float>::quiet_NaN();
          at(line, 4) = -3e38F;
          at(line, 5) = 0;
          for (std::int64_t j = 1; j < 6; ++j) at(residual, j) = 0;
        }
        line.back() = kUntouched;
        const Activation activation{kind, 0.1};
        const kernels::RowEpilogue epilogue{kind, 0.1F, residual.data()};
        std::vector<float> finished = line;
        kernels.apply_epilogue(epilogue, finished.data(), count);
        EXPECT_EQ(finished.back(), kUntouched);
        for (std::int64_t j = 0; j < count; ++j) {
          const float sum = at(line, j) + at(residual, j);
          const double exact = apply(activation, static_cast<double>(sum));
          const double got = static_cast<double>(at(finished, j));
          if (!std::isfinite(exact)) {
            EXPECT_TRUE(std::isnan(exact) ? std::isnan(got) : got == exact) << sum;
            continue;
          }
          EXPECT_LE(std::abs(got - exact),
                    (in_f32 ? 3 : 1.0001) * kUnitRoundoff * std::abs(exact) + 0x1p-126)
              << name_of(target) << " " << name_of(kind) << " of " << sum;
        }
      }
    }
  }
}

}  // namespace
}  // namespace plait::test
