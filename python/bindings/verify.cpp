// plait.verify and its report.
#include <plait/analysis/verify.hpp>

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "arguments.hpp"
#include "bindings.hpp"
#include "long_call.hpp"

namespace plait::python {
namespace {

VerifyReport run_verify(nb::handle cases, nb::handle first, nb::handle seed, nb::handle algorithm,
                        nb::handle target, nb::handle accuracy, nb::handle problems,
                        nb::handle progress) {
  VerifyOptions options;
  options.cases = to_int("cases", cases);
  options.first = to_int("first", first);
  options.seed = static_cast<std::uint64_t>(to_int("seed", seed));
  options.algorithm = to_text("algorithm", algorithm);
  if (!target.is_none()) options.target = parse_target(to_text("target", target));
  options.accuracy = parse_accuracy(to_text("accuracy", accuracy));
  if (!progress.is_none() && PyCallable_Check(progress.ptr()) == 0) {
    throw nb::type_error("progress must be a function of two ints, or None");
  }
  if (!nb::hasattr(problems, "__iter__") && !nb::isinstance<Problem>(problems)) {
    throw nb::type_error("problems must be a problem or a sequence of them");
  }
  const bool one = PyUnicode_Check(problems.ptr()) || nb::isinstance<Problem>(problems);
  for (const nb::handle problem : one ? nb::make_tuple(problems) : nb::tuple(problems)) {
    options.problems.push_back(nb::isinstance<Problem>(problem)
                                   ? nb::cast<Problem>(problem)
                                   : parse_problem(to_text("problems", problem)));
  }
  // An exception of `progress` stops the sweep, and is raised again when it has stopped.
  std::optional<nb::python_error> raised;
  VerifyReport report;
  run_interruptibly([&](std::atomic<bool>* cancel) {
    options.cancel = cancel;
    if (!progress.is_none()) {
      options.progress = [&](std::int64_t done, std::int64_t total) {
        const nb::gil_scoped_acquire acquired;
        try {
          if (!raised) progress(done, total);
        } catch (const nb::python_error& error) {
          raised.emplace(error);
          *cancel = true;
        }
      };
    }
    try {
      report = verify(options);
    } catch (const Error&) {
      if (!raised) throw;
    }
  });
  if (raised) throw nb::python_error(*raised);
  return report;
}

constexpr const char* kVerifySignature =
    "def verify(*, cases: int = 1000, first: int = 0, seed: int = 1, algorithm: str | None = None, "
    "target: str | None = None, accuracy: str = 'fp32', problems: str | Problem | Sequence[str | "
    "Problem] = (), "
    "progress: Callable[[int, int], object] | None = None) -> VerifyReport";

constexpr const char* kVerifyDoc =
    R"(Verify plait on this machine: every algorithm, on every SIMD target, against the f64 reference.

Seeded random problems in guarded and poisoned memory, half of them with tiny fake caches. Each case
runs in a child process; failing ones are shrunk to the smallest that still fails.

Parameters
----------
cases : int
    On each target, spread evenly over the algorithms.
first : int
    Number of each algorithm's first case, to repeat single ones.
seed : int
    Equal seeds and numbers give equal cases on every machine.
algorithm, target : str, optional
    One of them, or all. Targets are 'EMU128', 'SSE4', 'AVX2', 'AVX3'.
accuracy : {'strict', 'fp32', 'relaxed'}
problems : str, Problem, or sequence of these
    These in turn instead of random ones.
progress : callable, optional
    Called as ``progress(done, total)``; what it raises ends the sweep.

Returns
-------
VerifyReport
    With `passed` and `failures`.

Raises
------
ValueError
    For an unknown algorithm, or a target that this machine cannot run.
KeyboardInterrupt
    On Ctrl-C.)";

}  // namespace

void add_verify(nb::module_& m) {
  nb::class_<LoopCount>(m, "LoopCount", "One loop of an algorithm's nest, counted as it ran.")
      .def_ro("name", &LoopCount::name)
      .def_ro("rounds", &LoopCount::rounds, "int: most of one entry")
      .def_ro("covered", &LoopCount::covered,
              "bool: whether some entry made two whole rounds and then a partial one");
  nb::class_<VerifiedSubject>(m, "VerifiedSubject", "One algorithm on one target.")
      .def_ro("algorithm", &VerifiedSubject::algorithm)
      .def_prop_ro("target", [](const VerifiedSubject& s) { return name_of(s.target); })
      .def_ro("cases", &VerifiedSubject::cases, "int: run")
      .def_ro("refused", &VerifiedSubject::refused, "int: of the given problems")
      .def_ro("outputs", &VerifiedSubject::outputs, "int: compared with the reference")
      .def_ro("worst_bound_share", &VerifiedSubject::worst_bound_share,
              "float: largest |error| / bound; at most 1 if the bound is kept")
      .def_ro("loops", &VerifiedSubject::loops)
      .def("__repr__", [](const VerifiedSubject& s) {
        return "<plait.VerifiedSubject " + s.algorithm + " on " + std::string(name_of(s.target)) +
               ": " + std::to_string(s.cases) + " cases, " + std::to_string(s.outputs) +
               " outputs>";
      });
  nb::class_<VerifyFailure>(m, "VerifyFailure", "A promise that was broken.")
      .def_ro("algorithm", &VerifyFailure::algorithm)
      .def_prop_ro("target", [](const VerifyFailure& f) { return name_of(f.target); })
      .def_ro("number", &VerifyFailure::number, "int: of the case; -1 for the sweep as a whole")
      .def_ro("message", &VerifyFailure::message, "str: what was broken")
      .def_ro("line", &VerifyFailure::line, "str: problem line of the smallest failing case")
      .def_ro("smallest", &VerifyFailure::smallest, "str: that case in full")
      .def_ro("found", &VerifyFailure::found, "str: the case it was found with")
      .def("__repr__", [](const VerifyFailure& f) {
        return "<plait.VerifyFailure " + f.algorithm + " on " + std::string(name_of(f.target)) +
               ": " + f.message + "; " + f.smallest + ">";
      });
  nb::class_<PooledError>(m, "PooledError", "Errors of one algorithm over all outputs.")
      .def_ro("algorithm", &PooledError::algorithm)
      .def_ro("outputs", &PooledError::outputs)
      .def_ro("rms_share", &PooledError::rms_share, "float: measured rms / expected rms");
  nb::class_<VerifyReport>(m, "VerifyReport", "What `plait.verify` saw and found.")
      .def_prop_ro("passed", &VerifyReport::passed)
      .def_ro("subjects", &VerifyReport::subjects, "list of VerifiedSubject")
      .def_ro("errors", &VerifyReport::errors, "list of PooledError")
      .def_ro("failures", &VerifyReport::failures, "list of VerifyFailure")
      .def("__repr__", [](const VerifyReport& r) {
        std::int64_t cases = 0;
        for (const VerifiedSubject& subject : r.subjects) cases += subject.cases;
        return "<plait.VerifyReport " + std::string(r.passed() ? "passed" : "FAILED") + ": " +
               std::to_string(cases) + " cases, " + std::to_string(r.failures.size()) +
               " failures>";
      });
  m.def("verify", &run_verify, nb::kw_only(), nb::arg("cases") = 1000, nb::arg("first") = 0,
        nb::arg("seed") = 1, nb::arg("algorithm").none() = nb::none(),
        nb::arg("target").none() = nb::none(), nb::arg("accuracy") = "fp32",
        nb::arg("problems") = nb::make_tuple(), nb::arg("progress").none() = nb::none(),
        nb::sig(kVerifySignature), kVerifyDoc);
}

}  // namespace plait::python
