// Every class by its typical layer, and every boundary from both sides.
#include <plait/analysis/layer_class.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "support/calls.hpp"

namespace plait {
namespace {

struct Case {
  const char* line;
  const char* name;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.line; }

class LayerClassOf : public testing::TestWithParam<Case> {};

TEST_P(LayerClassOf, IsTheFirstThatFits) {
  EXPECT_EQ(name_of(layer_class(parse_problem(GetParam().line))), GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    Typical, LayerClassOf,
    testing::Values(
        Case{"1x512x14x14,512x1x3x3,p1,g512", "depthwise"}, Case{"1x2x3x3,3x2x2x2", "tiny"},
        Case{"1x3x512x512,16x3x15x15,p7", "large kernel, few channels"},
        Case{"1x64x256x256,64x64x9x9,p4", "large kernel, many channels"},
        Case{"1x256x28x28,256x8x3x3,p1,g32", "grouped 4-8"},
        Case{"1x512x14x14,512x16x3x3,p1,g32", "grouped 16+"},
        Case{"1x3x224x224,64x3x7x7,s2,p3", "first layer"},
        Case{"1x512x7x7,2048x512x1x1", "1x1 small or strided"}, Case{"1x64x56x56,64x64x1x1", "1x1"},
        Case{"1x128x56x56,128x128x3x3,s2,p1", "strided or dilated"},
        Case{"1x64x56x56,64x64x3x3,p1", "3x3 s1 at 28+ px"},
        Case{"1x256x14x14,256x256x3x3,p1", "3x3 s1 at 14-27 px"},
        Case{"1x512x7x7,512x512x3x3,p1", "3x3 s1 under 14 px"},
        Case{"1x16x28x28,32x16x5x5,p2", "5x5 s1"}, Case{"1x64x28x28,64x64x7x7,p3", "other"}));

INSTANTIATE_TEST_SUITE_P(
    Boundaries, LayerClassOf,
    testing::Values(
        // A depthwise kernel of 9 along one axis is a large one; a small one is never tiny.
        Case{"1x64x56x56,64x1x8x8,p4,g64", "depthwise"},
        Case{"1x64x56x56,64x1x3x9,p1x4,g64", "large kernel, few channels"},
        Case{"1x2x3x3,2x1x3x3,g2", "depthwise"}, Case{"1x2x9x9,2x1x9x9,g2", "tiny"},
        Case{"1x1x28x28,1x1x3x3,p1", "tiny"},  // one channel, but no groups
        // 299,700 and 300,000 products.
        Case{"1x27x10x10,111x27x1x1", "tiny"},
        Case{"1x30x10x10,100x30x1x1", "1x1 small or strided"},
        Case{"1x64x56x56,64x64x8x8,p4", "other"},
        Case{"1x64x56x56,64x64x9x1,p4x0", "large kernel, many channels"},
        Case{"1x4x56x56,64x4x9x9,p4", "large kernel, few channels"},
        Case{"1x5x56x56,64x5x9x9,p4", "large kernel, many channels"},
        Case{"1x8x56x56,64x4x9x9,p4,g2", "large kernel, few channels"},
        Case{"1x64x28x28,64x2x3x3,p1,g32", "grouped 4-8"},
        Case{"1x72x28x28,72x9x3x3,p1,g8", "grouped 16+"},
        Case{"1x4x56x56,64x2x3x3,p1,g2", "grouped 4-8"},  // groups before a first layer
        Case{"1x4x56x56,64x4x3x3,p1", "first layer"},
        Case{"1x5x56x56,64x5x3x3,p1", "3x3 s1 at 28+ px"},
        Case{"1x4x56x56,64x4x1x1", "first layer"},
        // 196 pixels make a side of 14, in whatever shape.
        Case{"1x64x13x15,64x64x1x1", "1x1 small or strided"}, Case{"1x64x14x14,64x64x1x1", "1x1"},
        Case{"1x64x2x98,64x64x1x1", "1x1"}, Case{"1x64x56x56,64x64x1x1,s2", "1x1 small or strided"},
        Case{"1x64x56x56,64x64x1x1,s1x2", "1x1 small or strided"},
        Case{"1x64x56x56,64x64x1x1,d2", "1x1"},  // there is nothing to dilate
        Case{"1x64x56x56,64x64x3x3,p1,s2x1", "strided or dilated"},
        Case{"1x64x56x56,64x64x3x3,p1,d1x2", "strided or dilated"},
        Case{"1x64x28x28,64x64x3x3,p1", "3x3 s1 at 28+ px"},
        Case{"1x64x28x27,64x64x3x3,p1", "3x3 s1 at 14-27 px"},
        Case{"1x64x56x14,64x64x3x3,p1", "3x3 s1 at 28+ px"},
        Case{"1x64x28x28,64x64x3x3", "3x3 s1 at 14-27 px"},  // the output is 26x26
        Case{"1x64x14x13,64x64x3x3,p1", "3x3 s1 under 14 px"},
        Case{"1x64x28x28,64x64x3x1,p1x0", "other"}, Case{"1x64x28x28,64x64x5x3,p2x1", "other"},
        Case{"1x64x28x28,64x64x5x5,p2,s2", "strided or dilated"},
        Case{"1x64x56x56,64x64x3x3,p1,backward_data", "3x3 s1 at 28+ px"},
        Case{"16x64x56x56,64x64x3x3,p1,nhwc,bias,act=relu", "3x3 s1 at 28+ px"}));

TEST(LayerClass, ListsEveryClassOnceInOrder) {
  std::set<std::string_view> names;
  int at = 0;
  for (const LayerClass one : layer_classes()) {
    EXPECT_EQ(static_cast<int>(one), at++);
    names.insert(name_of(one));
  }
  EXPECT_EQ(names.size(), 15U);
  EXPECT_FALSE(names.contains("?"));
}

TEST(LayerClass, RefusesAnInvalidProblem) {
  Problem problem;
  problem.groups = 0;
  EXPECT_NE(test::error_of(Status::invalid_argument, [&] { layer_class(problem); }).find("groups"),
            std::string::npos);
}

// The public sets exist to cover the classes.
TEST(LayerClass, TheLayerSetsHaveEveryClassButOther) {
  std::set<LayerClass> seen;
  for (const char* set : {"batch", "d2l", "googlenet", "grouped", "large_kernel", "mobilenet_v1",
                          "odd", "resnet50", "vgg16"}) {
    std::ifstream file(std::string(PLAIT_PROBLEMS) + "/" + set + ".txt");
    std::ostringstream text;
    text << file.rdbuf();
    for (const NamedProblem& one : parse_problem_lines(text.str())) {
      seen.insert(layer_class(one.problem));
    }
  }
  for (const LayerClass one : layer_classes()) {
    EXPECT_TRUE(seen.contains(one) || one == LayerClass::other) << name_of(one);
  }
}

}  // namespace
}  // namespace plait
