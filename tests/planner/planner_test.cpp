// Ranking, with made-up algorithms whose costs are known.
#include "planner/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <vector>

#include "support/calls.hpp"

namespace plait {
namespace {

using test::error_of;
using test::ScopedVariable;

class Nothing final : public Execution {
 public:
  std::string packed_format() const override { return "nothing"; }
  void pack(const void* /*weight*/, const void* /*bias*/, std::byte* /*out*/) const override {}
  void run(const Args& /*args*/) const override {}
  int threads() const override { return 1; }
};
std::unique_ptr<Execution> prepare_nothing(const Question& /*question*/) {
  return std::make_unique<Nothing>();
}

// Always the same cost: times in us, rms errors in units of 1e-9.
template <int product_us, int gather_us = 0, std::size_t workspace_bytes = 0, int rms_e9 = 100>
Algorithm fixed(const std::string& name) {
  return {name, "takes its time", [](const Question&) -> Answer {
            Cost cost;
            cost.multiplications = 1000;
            cost.product_seconds = product_us * 1e-6;
            cost.gather_seconds = gather_us * 1e-6;
            cost.predicted_seconds = (product_us + gather_us) * 1e-6;
            cost.workspace_bytes = workspace_bytes;
            cost.error_rms = rms_e9 * 1e-9;
            return Offer{cost, prepare_nothing};
          }};
}
Algorithm refusing(const std::string& name) {
  return {name, "refuses", [](const Question& question) -> Answer {
            return Refusal{"needs 8 channels, not " + std::to_string(question.problem.c_i)};
          }};
}

// One whose time falls with the machine's speed and threads, and one whose time does not: which is
// faster depends on the machine.
Algorithm scaling(const std::string& name) {
  return {name, "likes a large machine", [](const Question& question) -> Answer {
            const Machine& machine = question.machine;
            const double l2_share = static_cast<double>(machine.caches.l2_bytes) / (1 << 20);
            Cost cost;
            cost.predicted_seconds =
                1e-3 / question.limits.threads / (machine.rates.ghz / 3) / l2_share;
            return Offer{cost, prepare_nothing};
          }};
}

// Hands all of its work to a child plan, and takes a microsecond itself.
Algorithm delegating(const std::string& name) {
  return {name, "asks the others", [](const Question& question) -> Answer {
            Limits limits = question.limits;
            limits.algorithm.clear();
            auto child = question.planner.plan_child(question.problem, limits);
            if (auto* const refusal = std::get_if<Refusal>(&child)) return *refusal;
            Cost cost = std::get<ChildPlan>(child).offer.cost;
            cost.predicted_seconds += 1e-6;
            return Offer{cost, prepare_nothing};
          }};
}

const char* const kLine = "1x4x8x8,4x4x3x3";

Limits one_thread() {
  Limits limits;
  limits.threads = 1;
  return limits;
}

Ranking rank_all(const std::vector<Algorithm>& algorithms, const Limits& limits = one_thread(),
                 const Machine& machine = {}) {
  return rank(parse_problem(kLine), limits, machine, algorithms);
}

const Candidate& candidate(const Explanation& explanation, const std::string& name) {
  const auto found = std::find_if(explanation.candidates.begin(), explanation.candidates.end(),
                                  [&](const Candidate& c) { return c.algorithm == name; });
  if (found == explanation.candidates.end()) throw std::runtime_error("no candidate " + name);
  return *found;
}

// Every field that rank() fills in.
std::string all_of(const Explanation& explanation) {
  std::ostringstream text;
  text << std::hexfloat << explanation << explanation.reproducible_price << '\n';
  for (const Candidate& c : explanation.candidates) {
    text << c.algorithm << '|' << c.summary << '|' << name_of(c.standing) << '|' << c.reason << '|'
         << c.factor << '|' << c.cost.predicted_seconds << '|' << c.cost.workspace_bytes << '\n';
  }
  return text.str();
}

TEST(Ranking, AsksEachAlgorithmOnce) {
  static int asked = 0;
  asked = 0;
  const std::vector<Algorithm> algorithms = {fixed<30>("a"),
                                             {"counting", "counts", [](const Question&) -> Answer {
                                                ++asked;
                                                return Offer{{}, prepare_nothing};
                                              }}};
  rank_all(algorithms);
  EXPECT_EQ(asked, 1);
}

// An algorithm is no part of itself, and two that delegate are no parts of each other's parts.
TEST(ChildPlans, AreOfTheOtherAlgorithms) {
  const std::vector<Algorithm> algorithms = {fixed<30>("a"), delegating("b"), fixed<10>("c"),
                                             delegating("d")};
  const Ranking ranking = rank_all(algorithms);
  EXPECT_EQ(ranking.explanation.candidates[0].algorithm, "c");
  EXPECT_DOUBLE_EQ(candidate(ranking.explanation, "b").cost.predicted_seconds, 11e-6);
  EXPECT_DOUBLE_EQ(candidate(ranking.explanation, "d").cost.predicted_seconds, 11e-6);
}

TEST(ChildPlans, AreRefusedWithEveryReason) {
  const std::vector<Algorithm> algorithms = {delegating("b"), refusing("c")};
  const std::string error =
      error_of(Status::unsupported, [&] { static_cast<void>(rank_all(algorithms)); });
  EXPECT_NE(error.find("b: c: needs 8 channels, not 4"), std::string::npos) << error;
}

TEST(ChildPlans, AreForcedLikeTheirParents) {
  const std::vector<Algorithm> algorithms = {delegating("b"), fixed<10>("c")};
  Limits forced = one_thread();
  forced.algorithm = "b";
  const Ranking ranking = rank_all(algorithms, forced);
  EXPECT_DOUBLE_EQ(ranking.explanation.chosen().cost.predicted_seconds, 11e-6);
}

TEST(Ranking, LowestPredictedTimeWins) {
  const std::vector<Algorithm> algorithms = {fixed<30>("a"), fixed<10>("b"), fixed<20>("c")};
  const Ranking ranking = rank_all(algorithms);
  ASSERT_NE(ranking.chosen, nullptr);
  EXPECT_EQ(ranking.chosen, &algorithms[1]);
  const std::vector<Candidate>& candidates = ranking.explanation.candidates;
  ASSERT_EQ(candidates.size(), 3U);
  EXPECT_EQ(candidates[0].algorithm, "b");
  EXPECT_EQ(candidates[0].standing, Candidate::Standing::chosen);
  EXPECT_EQ(candidates[0].reason, "lowest predicted time");
  EXPECT_EQ(candidates[0].factor, 1);
  EXPECT_EQ(candidates[1].algorithm, "c");
  EXPECT_EQ(candidates[1].standing, Candidate::Standing::runner_up);
  EXPECT_EQ(candidates[2].algorithm, "a");
  EXPECT_EQ(candidates[2].standing, Candidate::Standing::slower);
  EXPECT_EQ(&ranking.explanation.chosen(), &candidates[0]);
}

TEST(Ranking, TiesGoByName) {
  EXPECT_EQ(rank_all({fixed<10>("b"), fixed<10>("a"), fixed<10>("c")}).chosen->name, "a");
  EXPECT_EQ(rank_all({fixed<10>("c"), fixed<10>("b")}).chosen->name, "b");
}

TEST(Ranking, TheOrderOfTheListDoesNotMatter) {
  std::vector<Algorithm> algorithms = {fixed<20>("a"), fixed<10>("b"), fixed<10>("c"),
                                       refusing("d"), fixed<5, 0, 4096>("e")};
  Limits limits = one_thread();
  limits.max_workspace_bytes = 4095;
  const std::string expected = all_of(rank_all(algorithms, limits).explanation);
  const auto by_name = [](const Algorithm& a, const Algorithm& b) { return a.name < b.name; };
  int orders = 0;
  do {
    const Ranking ranking = rank_all(algorithms, limits);
    ASSERT_EQ(ranking.chosen->name, "b");
    ASSERT_EQ(all_of(ranking.explanation), expected);
    ++orders;
  } while (std::next_permutation(algorithms.begin(), algorithms.end(), by_name));
  EXPECT_EQ(orders, 120);
}

TEST(Ranking, SlowerOnesHaveFactorAndCause) {
  const Explanation explanation =
      rank_all({fixed<10, 2>("fast"), fixed<10, 8>("gathers"), fixed<40, 1>("multiplies")})
          .explanation;
  const Candidate& gathers = candidate(explanation, "gathers");
  EXPECT_DOUBLE_EQ(gathers.factor, 1.5);
  EXPECT_EQ(gathers.reason, "1.50x the chosen one's time: +6 us rearranging operands");
  const Candidate& multiplies = candidate(explanation, "multiplies");
  EXPECT_NEAR(multiplies.factor, 41.0 / 12, 1e-12);
  EXPECT_EQ(multiplies.reason, "3.42x the chosen one's time: +30 us multiplying and adding");
}

TEST(Ranking, RefusesByWorkspaceCapWithTheNumber) {
  Limits limits = one_thread();
  limits.max_workspace_bytes = 4096;
  const std::vector<Algorithm> algorithms = {fixed<1, 0, 4097>("greedy"),
                                             fixed<2, 0, 4096>("fits")};
  const Ranking ranking = rank_all(algorithms, limits);
  EXPECT_EQ(ranking.chosen->name, "fits") << "a cap is kept if it is reached exactly";
  const Candidate& greedy = candidate(ranking.explanation, "greedy");
  EXPECT_EQ(greedy.standing, Candidate::Standing::refused);
  EXPECT_EQ(greedy.reason, "needs 4097 bytes of workspace, the cap is 4096");
  EXPECT_EQ(greedy.factor, 0);
  EXPECT_EQ(greedy.cost.predicted_seconds, 0);
  EXPECT_EQ(greedy.cost.workspace_bytes, 0U);
}

TEST(Ranking, RefusesByAccuracyClassWithTheNumber) {
  const std::vector<Algorithm> algorithms = {
      fixed<1, 0, 0, 4000>("sloppy"), fixed<2, 0, 0, 1000>("usual"), fixed<3, 0, 0, 400>("exact")};
  Limits limits = one_thread();
  limits.accuracy = Accuracy::relaxed;
  EXPECT_EQ(rank_all(algorithms, limits).chosen->name, "sloppy");
  limits.accuracy = Accuracy::fp32;
  const Explanation usual = rank_all(algorithms, limits).explanation;
  EXPECT_EQ(usual.chosen().algorithm, "usual");
  EXPECT_EQ(candidate(usual, "sloppy").reason,
            "expected rms error 4.0e-06, class fp32 allows 2.0e-06");
  limits.accuracy = Accuracy::strict;
  const Explanation exact = rank_all(algorithms, limits).explanation;
  EXPECT_EQ(exact.chosen().algorithm, "exact");
  EXPECT_EQ(candidate(exact, "usual").reason,
            "expected rms error 1.0e-06, class strict allows 5.0e-07");
}

TEST(Ranking, RefusedOnesComeLastWithTheirReason) {
  const Explanation explanation =
      rank_all({refusing("b"), refusing("a"), fixed<10>("z"), fixed<20>("y")}).explanation;
  ASSERT_EQ(explanation.candidates.size(), 4U);
  EXPECT_EQ(explanation.candidates[1].algorithm, "y");
  EXPECT_EQ(explanation.candidates[2].algorithm, "a");
  EXPECT_EQ(explanation.candidates[3].algorithm, "b");
  EXPECT_EQ(explanation.candidates[3].standing, Candidate::Standing::refused);
  EXPECT_EQ(explanation.candidates[3].reason, "needs 8 channels, not 4");
}

TEST(Ranking, WithoutAnAcceptorNamesTheLineAndEveryReason) {
  const std::vector<Algorithm> algorithms = {
      refusing("b"),
      {"a", "", [](const Question&) -> Answer { return Refusal{"only on Sundays"}; }},
      fixed<1, 0, 100>("c"),
      fixed<1, 0, 0, 9000>("d")};
  Limits limits = one_thread();
  limits.max_workspace_bytes = 99;
  EXPECT_EQ(error_of(Status::unsupported, [&] { rank_all(algorithms, limits); }),
            "no algorithm computes \"1x4x8x8,4x4x3x3\": a: only on Sundays; b: needs 8 channels, "
            "not 4; c: needs 100 bytes of workspace, the cap is 99; d: expected rms error 9.0e-06, "
            "class fp32 allows 2.0e-06");
}

TEST(Ranking, ExplanationCarriesTheQuestion) {
  Machine machine;
  machine.cpu = "an abacus";
  machine.target = Target::sse4;
  Limits limits = one_thread();
  limits.threads = 3;
  limits.max_workspace_bytes = 77;
  const Explanation explanation = rank_all({fixed<1>("a")}, limits, machine).explanation;
  EXPECT_EQ(explanation.problem_line, kLine);
  EXPECT_EQ(explanation.cpu, "an abacus");
  EXPECT_EQ(explanation.target, Target::sse4);
  EXPECT_EQ(explanation.threads, 3);
  EXPECT_EQ(explanation.limits, limits);
  EXPECT_EQ(explanation.reproducible_price, 1);
}

// === forcing ===

const std::vector<Algorithm>& pair_of_algorithms() {
  static const std::vector<Algorithm> algorithms = {fixed<10>("fast"), fixed<20>("slow"),
                                                    refusing("picky")};
  return algorithms;
}

TEST(Forcing, LimitsName) {
  Limits limits = one_thread();
  limits.algorithm = "slow";
  const Explanation explanation = rank_all(pair_of_algorithms(), limits).explanation;
  EXPECT_EQ(explanation.chosen().algorithm, "slow");
  EXPECT_EQ(explanation.chosen().reason, "forced");
  EXPECT_EQ(candidate(explanation, "fast").standing, Candidate::Standing::refused);
  EXPECT_EQ(candidate(explanation, "fast").reason, "slow is forced");
}

TEST(Forcing, TheEnvironmentFillsInAnEmptyName) {
  const auto completed = [](const Limits& limits) {
    return complete_limits(limits, Machine(), pair_of_algorithms()).algorithm;
  };
  Limits named;
  named.algorithm = "fast";
  const ScopedVariable unset("PLAIT_FORCE_ALGORITHM", nullptr);
  EXPECT_EQ(completed({}), "");
  const ScopedVariable set("PLAIT_FORCE_ALGORITHM", "slow");
  EXPECT_EQ(completed({}), "slow");
  EXPECT_EQ(completed(named), "fast") << "limits win over the environment";
  const ScopedVariable empty("PLAIT_FORCE_ALGORITHM", "");
  EXPECT_EQ(completed({}), "");
}

TEST(Forcing, AnUnknownNameListsTheKnown) {
  const std::string expected = "unknown algorithm \"bogo\" (known: fast, picky, slow)";
  const auto complete = [](const Limits& limits) {
    complete_limits(limits, Machine(), pair_of_algorithms());
  };
  Limits limits;
  limits.algorithm = "bogo";
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { complete(limits); }), expected);
  const ScopedVariable set("PLAIT_FORCE_ALGORITHM", "bogo");
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { complete({}); }), expected);
}

TEST(Forcing, ARefusalIsAnErrorWithItsReasonAlone) {
  Limits limits = one_thread();
  limits.algorithm = "picky";
  EXPECT_EQ(error_of(Status::unsupported, [&] { rank_all(pair_of_algorithms(), limits); }),
            "no algorithm computes \"1x4x8x8,4x4x3x3\": picky: needs 8 channels, not 4");
}

TEST(Limits, ThreadsComeFromTheMachineUnlessGiven) {
  Machine machine;
  machine.cores = 6;
  machine.affinity = 5;
  const auto threads = [&](int wanted) {
    Limits limits;
    limits.threads = wanted;
    return complete_limits(limits, machine, pair_of_algorithms()).threads;
  };
  EXPECT_EQ(threads(0), 5);
  EXPECT_EQ(threads(9), 9);
  EXPECT_EQ(error_of(Status::invalid_argument, [&] { threads(-1); }),
            "threads must be at least 0 but is -1");
}

// === reproducible picks ===

std::vector<Machine> many_machines() {
  std::vector<Machine> machines;
  for (const double ghz : {0.1, 3.0, 30.0}) {
    for (const std::int64_t l2_bytes : {1 << 14, 1 << 20, 1 << 24}) {
      Machine machine;
      machine.rates.ghz = ghz;
      machine.caches.l2_bytes = l2_bytes;
      machines.push_back(machine);
    }
  }
  return machines;
}

TEST(Reproducible, ThePickDependsOnTheProblemAlone) {
  // On the canonical machine "scales" takes 1000 us.
  const std::vector<Algorithm> algorithms = {scaling("scales"), fixed<900>("steady")};
  std::array<int, 2> picks{};
  for (const Machine& machine : many_machines()) {
    for (const int threads : {1, 2, 64}) {
      Limits limits;
      limits.threads = threads;
      ++picks.at(rank_all(algorithms, limits, machine).chosen->name == "scales" ? 0 : 1);
      limits.reproducible = true;
      const Ranking ranking = rank_all(algorithms, limits, machine);
      EXPECT_EQ(ranking.chosen->name, "steady");
      EXPECT_EQ(ranking.explanation.chosen().reason,
                "lowest predicted time on the canonical machine");
      EXPECT_GE(ranking.explanation.reproducible_price, 1);
    }
  }
  EXPECT_GT(picks[0], 0) << "the machines differ enough to matter";
  EXPECT_GT(picks[1], 0);
}

TEST(Reproducible, ThePriceIsTheTimeOverTheFastest) {
  const std::vector<Algorithm> algorithms = {scaling("scales"), fixed<900>("steady")};
  Limits limits;
  limits.reproducible = true;
  limits.threads = 4;  // "scales" then takes 250 us here
  EXPECT_NEAR(rank_all(algorithms, limits).explanation.reproducible_price, 3.6, 1e-12);
  limits.threads = 1;  // and 1000 us here: the pick is the fastest
  EXPECT_EQ(rank_all(algorithms, limits).explanation.reproducible_price, 1);
}

}  // namespace
}  // namespace plait
