// What plans say of themselves.
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include <plait/plan.hpp>

#include "support/calls.hpp"

namespace plait {
namespace {

std::vector<std::string> lines_of(const Explanation& explanation) {
  std::ostringstream out;
  out << explanation;
  std::istringstream in(out.str());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The first `count` words of the line that starts with `first`; "" if there is no such line.
std::string words_after(const std::vector<std::string>& lines, const std::string& first,
                        int count) {
  for (const std::string& line : lines) {
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word != first) continue;
    std::string words;
    for (int i = 0; i < count && in >> word; ++i) words += (words.empty() ? "" : " ") + word;
    return words;
  }
  return "";
}

Candidate candidate(const std::string& algorithm, Candidate::Standing standing,
                    const std::string& reason) {
  Candidate c;
  c.algorithm = algorithm;
  c.standing = standing;
  c.reason = reason;
  c.cost.predicted_seconds = 1.5e-3;
  c.cost.multiplications = 115'605'504;
  c.cost.workspace_bytes = 98304;
  c.cost.error_rms = 2.1e-7;
  return c;
}

Explanation example() {
  Explanation explanation;
  explanation.problem_line = "1x4x8x8,4x4x3x3";
  explanation.cpu = "an abacus";
  explanation.target = Target::avx2;
  explanation.threads = 2;
  using Standing = Candidate::Standing;
  explanation.candidates = {candidate("winograd/f4x3", Standing::chosen, "lowest predicted time"),
                            candidate("im2col", Standing::runner_up, "1.2x"),
                            candidate("reference", Standing::slower, "900x"),
                            candidate("pointwise", Standing::refused, "only 1x1 kernels")};
  return explanation;
}

TEST(Explanation, PrintsTheQuestionAndEveryCandidate) {
  const std::vector<std::string> lines = lines_of(example());
  EXPECT_EQ(words_after(lines, "problem", 1), "1x4x8x8,4x4x3x3");
  EXPECT_EQ(words_after(lines, "machine", 5), "an abacus, AVX2, 2 threads");
  EXPECT_EQ(words_after(lines, "winograd/f4x3", 7), "chosen 1.5 ms 115.6 M 96 KiB")
      << "a long name does not run into the next column";
  EXPECT_EQ(words_after(lines, "im2col", 1), "runner-up");
  EXPECT_EQ(words_after(lines, "reference", 1), "slower");
  EXPECT_EQ(words_after(lines, "pointwise", 9), "refused - - - - - only 1x1 kernels");
}

TEST(Explanation, PrintsTheLimits) {
  Explanation explanation = example();
  EXPECT_EQ(words_after(lines_of(explanation), "limits", 9), "accuracy fp32, workspace uncapped");
  EXPECT_EQ(words_after(lines_of(explanation), "price", 1), "") << "only of reproducible picks";
  explanation.limits.accuracy = Accuracy::strict;
  explanation.limits.max_workspace_bytes = 2048;
  explanation.limits.prepacked = false;
  explanation.limits.packed_format = "im2col r8";
  explanation.limits.reproducible = true;
  explanation.reproducible_price = 1.25;
  EXPECT_EQ(words_after(lines_of(explanation), "limits", 99),
            "accuracy strict, workspace at most 2 KiB, weights packed in every run, weights "
            "packed as \"im2col r8\", reproducible pick");
  EXPECT_EQ(words_after(lines_of(explanation), "price", 99),
            "1.25x the time of the fastest candidate here");
}

TEST(Explanation, NamesTheProblemThatIsComputedWhereItIsAnother) {
  const std::string batch = "1024x256x1x1,16x256x1x1";
  const std::vector<std::string> lines = lines_of(plan(batch).explain());
  EXPECT_EQ(words_after(lines, "problem", 9), batch);
  EXPECT_EQ(words_after(lines, "computed", 9), "as 1x256x32x32,16x256x1x1,nhwc");
  EXPECT_EQ(words_after(lines_of(plan("1x4x8x8,4x4x3x3").explain()), "computed", 1), "");
}

TEST(Explanation, OneThreadIsSingular) {
  Explanation explanation = example();
  explanation.threads = 1;
  EXPECT_EQ(words_after(lines_of(explanation), "machine", 9), "an abacus, AVX2, 1 thread");
}

TEST(Explanation, OfARealPlanNamesEveryAlgorithm) {
  const std::vector<std::string> lines = lines_of(plan("1x4x8x8,4x4x3x3,p1").explain());
  EXPECT_EQ(words_after(lines, "problem", 1), "1x4x8x8,4x4x3x3,p1");
  int chosen = 0;
  for (const AlgorithmInfo& info : algorithms()) {
    const std::string standing = words_after(lines, info.name, 1);
    EXPECT_TRUE(standing == "chosen" || standing == "runner-up" || standing == "slower" ||
                standing == "refused")
        << info.name << ": " << standing;
    chosen += standing == "chosen" ? 1 : 0;
  }
  EXPECT_EQ(chosen, 1);
}

TEST(Explanation, LeavesTheStreamAsItWas) {
  std::ostringstream out;
  out << example();
  out.str("");
  out.width(4);
  out << 1 << 0.5;
  EXPECT_EQ(out.str(), "   10.5");
}

TEST(AccuracyClass, NamesAndLimits) {
  EXPECT_EQ(error_limit(Accuracy::strict), 5e-7);
  EXPECT_EQ(error_limit(Accuracy::fp32), 2e-6);
  EXPECT_EQ(error_limit(Accuracy::relaxed), 5e-6);
  for (const Accuracy accuracy : {Accuracy::strict, Accuracy::fp32, Accuracy::relaxed}) {
    EXPECT_EQ(parse_accuracy(name_of(accuracy)), accuracy);
  }
  EXPECT_EQ(test::error_of(Status::invalid_argument, [] { parse_accuracy("loose"); }),
            "unknown accuracy \"loose\" (known: strict, fp32, relaxed)");
}

}  // namespace
}  // namespace plait
