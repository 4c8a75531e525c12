// Spellings of one layer have one canonical problem, and so one plan.
#include "core/problem/canonical_problem.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "core/problem/normalized_problem.hpp"

namespace plait {
namespace {

std::string canonical(const std::string& line) {
  return to_string(canonical_problem(normalized_problem(parse_problem(line))));
}

struct Spelling {
  const char* given;
  const char* expected;
};

void expect_each(std::initializer_list<Spelling> spellings) {
  for (const auto& [given, expected] : spellings) EXPECT_EQ(canonical(given), expected) << given;
}

TEST(CanonicalProblem, TurnsAColumnIntoARow) {
  expect_each({
      {"4x3x400x1,8x3x3x1,s2x1,d3x1,p1_2_0_0,reflect",
       "4x3x1x400,8x3x1x3,s1x2,p0_0_1_2,reflect,d1x3"},
      {"1x8x40x1,8x1x3x1,p1x0,g8,nhwc,res", "1x8x1x40,8x1x1x3,p0x1,g8,res,nhwc"},
      {"1x8x40x1,8x1x3x1,p1,g8", "1x8x40x1,8x1x3x1,p1,g8"},  // two columns more
      {"1x8x40x2,8x8x3x1", "1x8x40x2,8x8x3x1"},              // its columns are not one
      {"1x8x40x1,8x8x3x1,backward_data", "1x8x40x1,8x8x3x1,backward_data"},
  });
}

TEST(CanonicalProblem, TakesWhatTheWindowCoversForChannels) {
  expect_each({
      {"1x32x3x3,8x32x3x3", "1x288x1x1,8x288x1x1,nhwc"},
      {"6x32x3x3,8x16x3x3,g2,s2,bias", "1x288x2x3,8x144x1x1,g2,bias,nhwc"},
      {"1x4x5x90,8x4x5x3,p0x1", "1x20x1x90,8x20x1x3,p0x1"},
      {"1x1x50x8,4x1x1x8", "1x8x5x10,4x8x1x1,nhwc>nchw"},
      {"1x9x5x5,9x1x5x5,g9", "1x9x5x5,9x1x5x5,g9,nchw>nhwc"},  // depthwise stays what it is
      {"1x4x5x90,8x4x5x3,nhwc", "1x4x5x90,8x4x5x3,nhwc"},      // channels lie innermost
      {"1x4x5x90,8x4x3x3,d2x1", "1x4x5x90,8x4x3x3,d2x1"},      // every second row
      {"1x4x3x9,8x4x3x3,p1", "1x4x3x9,8x4x3x3,p1"},
  });
}

TEST(CanonicalProblem, LaysPixelsOutAsASquare) {
  const std::string square = "1x256x32x32,16x256x1x1,nhwc";
  for (const char* line : {"1024x256x1x1,16x256x1x1", "1024x256x1x1,16x256x1x1,nhwc>nchw",
                           "1x256x1x1024,16x256x1x1,nhwc", "1x256x1024x1,16x256x1x1,nhwc",
                           "64x256x4x4,16x256x1x1,nhwc", "2x256x512x1,16x256x1x1,nhwc",
                           "1024x256x1x1,16x256x1x1,s3,xstrides=256_1_9_9,ystrides=16_1_1_1"}) {
    EXPECT_EQ(canonical(line), square) << line;
  }
  expect_each({
      {"1x64x56x56,64x64x1x1", "1x64x56x56,64x64x1x1"},
      {"1x8x1x1021,8x8x1x1,nhwc", "1x8x1x1021,8x8x1x1,nhwc"},  // a prime
      {"7x8x1x1,8x8x1x1,res,rstrides=0_1_1_1", "1x8x1x7,8x8x1x1,res,nhwc,rstrides=56_1_56_0"},
      {"6x8x1x2,6x8x1x1,nhwc,ystrides=14_1_14_6", "1x8x6x2,6x8x1x1,nhwc>nchw,ystrides=72_1_14_6"},
      {"6x8x1x2,6x8x1x1,res,nhwc,rstrides=0_1_14_6", "1x8x6x2,6x8x1x1,res,nhwc,rstrides=72_1_0_6"},
      {"2x8x20x20,8x8x1x1,s2,nhwc", "2x8x20x20,8x8x1x1,s2,nhwc"},
      {"1x8x20x20,8x8x1x1,p1", "1x8x20x20,8x8x1x1,p1"},
  });
}

TEST(CanonicalProblem, MakesRowsOfSmallImages) {
  expect_each({
      {"9x8x5x5,6x8x1x1", "1x8x9x25,6x8x1x1,xstrides=1800_25_200_1,ystrides=1350_25_150_1"},
      {"1x8x9x25,6x8x1x1,xstrides=1_25_200_1,ystrides=1_25_150_1",
       "1x8x9x25,6x8x1x1,xstrides=1800_25_200_1,ystrides=1350_25_150_1"},
      {"9x8x10x30,6x8x1x1", "9x8x15x20,6x8x1x1"},  // many pixels
      {"9x8x1x300,6x8x1x3", "9x8x1x300,6x8x1x3"},
      {"9x8x1x30,6x8x1x3,nhwc", "1x8x9x30,6x8x1x3,nhwc"},
      {"9x8x5x30,6x8x1x3,nhwc", "1x8x45x30,6x8x1x3,nhwc"},
      {"9x8x5x30,6x8x1x3", "9x8x5x30,6x8x1x3"},  // rows of an image lie nearer than images
  });
}

TEST(CanonicalProblem, LeavesOutPaddingThatNoWindowReads) {
  expect_each({
      {"1x8x21x21,8x8x1x1,s2,p0_1_0_1", "1x8x21x21,8x8x1x1,s2"},
      {"1x8x21x20,8x8x3x3,s2,p1", "1x8x21x20,8x8x3x3,s2,p1_1_1_0"},
      {"1x8x3x20,8x8x3x3,s7x1,p0_5_1_1", "1x24x1x20,8x24x1x3,p0x1"},
  });
}

TEST(CanonicalProblem, NamesOneLayoutForDenseMemory) {
  expect_each({
      {"3x1x9x8,2x1x3x3,nhwc>nchw", "3x1x9x8,2x1x3x3"},
      {"3x2x9x8,1x2x3x3,nhwc", "3x2x9x8,1x2x3x3,nhwc>nchw"},
      {"3x2x3x3,4x2x3x3,p0_1_0_0", "3x2x3x3,4x2x3x3,p0_1_0_0"},
      {"3x2x9x8,4x2x3x3,xstrides=144_1_16_2", "3x2x9x8,4x2x3x3,nhwc>nchw"},
      {"3x2x9x8,4x2x3x3,xstrides=200_1_16_2", "3x2x9x8,4x2x3x3,xstrides=200_1_16_2"},
  });
}

// Whatever is merged, no count or stride may pass what a valid problem has.
TEST(CanonicalProblem, BearsHugeSizes) {
  constexpr std::int64_t kMany = std::int64_t{1} << 58;
  expect_each({{"288230376151711744x1x1x1,1x1x1x1", "1x1x256x1125899906842624,1x1x1x1"}});
  Problem p = parse_problem("1x1x1x1,1x1x1x1");
  p.h = kMany;
  p.x_strides = Dims{std::numeric_limits<std::int64_t>::max(), 0, 0, -7};
  EXPECT_EQ(canonical_problem(normalized_problem(p)).x_strides, (Dims{kMany, kMany, 0, 0}));
}

TEST(PackedKernelText, NamesOneColumnAsOneRow) {
  EXPECT_EQ(packed_weight_text(parse_problem("1x4x9x9,8x2x3x1,g2")), "8x2x1x3 g2");
  EXPECT_EQ(packed_weight_text(parse_problem("1x4x9x9,8x2x1x3,g2")), "8x2x1x3 g2");
  EXPECT_EQ(packed_weight_text(parse_problem("1x4x9x9,8x4x3x2")), "8x4x3x2 g1");
}

}  // namespace
}  // namespace plait
