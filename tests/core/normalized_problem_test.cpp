// Numbers that no output depends on are brought down to a size that sums and products can bear.
#include "core/problem/normalized_problem.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace plait {
namespace {

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();

TEST(NormalizedProblem, BringsDownWhatNoOutputDependsOn) {
  Problem p = parse_problem("1x2x9x1,3x2x3x1,p1x2,res");
  p.stride = {kHuge, 5};
  p.dilation = {2, kHuge};
  p.x_strides = Dims{kHuge, 9, 1, -kHuge};
  p.y_strides = Dims{kHuge, 1, -kHuge, 1};
  p.residual_strides = Dims{-kHuge, 0, kHuge, kHuge};
  validate(p);
  const Problem effective = normalized_problem(p);
  EXPECT_EQ(to_string(effective),
            "1x2x9x1,3x2x3x1,s7x5,p1x2,d2x1,res,xstrides=18_9_1_1,ystrides=3_1_1_1,"
            "rstrides=3_0_1_1");
  EXPECT_EQ(effective.y_shape(), p.y_shape());
}

TEST(NormalizedProblem, LeavesOrdinaryProblemsAlone) {
  for (const char* line :
       {"1x64x56x56,64x64x3x3,p1", "2x12x11x9,21x4x3x5,s2x1,p2_1_0_3,g3", "1x4x9x9,4x4x3x3,p4,d4",
        "2x3x4x5,3x3x2x2,res,xstrides=0_-20_5_-1,ystrides=1_2_6_18,rstrides=0_0_0_0"}) {
    EXPECT_EQ(normalized_problem(parse_problem(line)), parse_problem(line)) << line;
  }
}

}  // namespace
}  // namespace plait
