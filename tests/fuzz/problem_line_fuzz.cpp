// From text to numbers: any bytes are a problem or an Error that points at a column. A problem
// prints, parses back to itself, and is planned or refused; a small one is computed by every
// algorithm that takes it, in guarded memory, and compared with the reference.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include <plait/plan.hpp>

#include "analysis/verify/check.hpp"
#include "core/problem/axis_reach.hpp"
#include "fuzz.hpp"

namespace plait::fuzz {
namespace {

void check_column(const std::string& text, std::string_view line) {
  constexpr std::string_view kBefore = "column ";
  std::size_t column = 0;
  const bool named =
      text.starts_with(kBefore) &&
      std::from_chars(text.data() + kBefore.size(), text.data() + text.size(), column).ec ==
          std::errc();
  require(named, "an error names the column: " + text);
  // One past the end stands for something missing there.
  require(column >= 1 && column <= line.size() + 1, "the column lies in the line: " + text);
}

// Whether the problem is planned; a refusal must keep its own promises.
bool is_planned(const Problem& problem, const Machine& machine) {
  try {
    plan(problem, {}, machine);
    return true;
  } catch (const Error& error) {
    check_error(error, Status::unsupported);
    return false;
  }
}

// How many elements lie between the first and the last that the strides reach.
std::int64_t reach(const Dims& shape, const Dims& strides) {
  std::int64_t elements = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    elements += (shape[axis] - 1) * std::abs(strides[axis]);
  }
  return elements;
}

// Quick to compute, and far from the overflow of a float, about which nothing is promised.
bool is_small(const Problem& p) {
  constexpr std::int64_t kElements = 1 << 12;
  constexpr double kValue = 1e20;
  return p.multiplications() <= 20'000 && element_count(p.x_shape()) <= kElements &&
         element_count(p.weight_shape()) <= kElements &&
         reach(p.x_shape(), p.effective_x_strides()) <= kElements &&
         reach(p.y_shape(), p.effective_y_strides()) <= kElements &&
         reach(p.y_shape(), p.effective_residual_strides()) <= kElements &&
         std::abs(p.padding_value) <= kValue && std::abs(p.activation.slope) <= kValue;
}

// Whether the algorithm of the case, uncapped, works in memory that can be filled in no time: a
// small problem of a wide dilation spreads a few elements over strips of any length.
bool works_in_little(const Case& test) {
  constexpr std::int64_t kBytes = std::int64_t{16} << 20;
  Limits limits;
  limits.algorithm = test.limits.algorithm;
  limits.accuracy = test.limits.accuracy;
  limits.threads = 1;
  try {
    return plan(test.problem, limits, test.machine).workspace_bytes() <= kBytes;
  } catch (const Error&) {
    return true;  // a refusal is checked as well
  }
}

// Each algorithm once, on some target; on one thread, since fuzzers run side by side and threads
// would wait for their turns on the cores.
void check_results(const Problem& problem, Random& random) {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    Machine machine = host_machine();
    machine.use(random.pick(machine.targets));
    Case test = random_case(problem, algorithm.name, Accuracy::fp32, machine, random);
    test.limits.threads = 1;
    if (!works_in_little(test)) continue;
    const CheckResult result = plait::check(test);
    require(result.failure.empty(), result.failure + ": " + to_string(test));
  }
}

// Outputs in f32 and f64, and the gradients that the reference takes.
bool is_computable(const Problem& p) {
  if (p.dtype != Dtype::f32 && p.dtype != Dtype::f64) return false;
  return p.direction == Direction::forward ||
         (p.activation.kind == ActivationKind::none && !p.residual &&
          std::max(p.k_h, p.k_w) <= kMostCountedTaps);
}

void check_problem(const Problem& problem) {
  const std::string canonical = to_string(problem);
  require(parse_problem(canonical) == problem, "a printed problem parses back: " + canonical);
  require(to_string(parse_problem(canonical)) == canonical, "printing is canonical: " + canonical);
  const bool computable = is_computable(problem);
  for (const Machine& machine : {host_machine(), canonical_machine()}) {
    require(is_planned(problem, machine) == computable,
            "just outputs and gradients in f32 and f64 are planned: " + canonical);
  }
  if (!computable || problem.direction != Direction::forward || !is_small(problem)) return;
  Random random(std::hash<std::string>{}(canonical));
  check_results(problem, random);
}

void check_line(std::string_view line) {
  NamedProblem parsed;
  try {
    parsed = parse_problem_line(line);
  } catch (const Error& error) {
    check_error(error, Status::invalid_argument);
    check_column(error.what(), line);
    return;
  }
  check_problem(parsed.problem);
}

}  // namespace
}  // namespace plait::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plait::fuzz::check_line(plait::fuzz::text_of(data, size));
  return 0;
}
