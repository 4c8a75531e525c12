// What plait knows about the machine it plans for. Every field can be set by hand, so that tests
// can drive any loop level with tiny caches and any SIMD target on one machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <plait/export.hpp>

namespace plait {

// SIMD instruction sets the kernels are built for, narrowest first. The names are Highway's.
enum class Target { emu128, sse4, avx2, avx3 };

PLAIT_API std::string_view name_of(Target target);  // "EMU128", "SSE4", "AVX2", "AVX3"
// Any case; throws Error listing the known ones.
PLAIT_API Target parse_target(std::string_view name);

// Sizes of the data caches, which blocking is chosen by.
struct Caches {
  std::int64_t l1_bytes = 32 << 10;  // data cache of one core
  std::int64_t l2_bytes = 1 << 20;   // of one core
  std::int64_t l3_bytes = 16 << 20;  // shared
  std::int64_t line_bytes = 64;

  friend bool operator==(const Caches&, const Caches&) = default;
};

// Rates of one core that the cost models use. The defaults follow from the CPU's features; only the
// ratios between them matter for the choice of an algorithm.
struct Rates {
  double ghz = 3.0;
  double vector_fmas_per_cycle = 2;  // at the target's full vector width; see Machine::use
  double l2_bytes_per_second = 80e9;
  double l3_bytes_per_second = 40e9;
  double dram_bytes_per_second = 15e9;
  double fork_join_seconds = 2e-6;

  friend bool operator==(const Rates&, const Rates&) = default;
};

// A machine to plan for.
struct PLAIT_API Machine {
  std::string cpu = "unknown";
  std::vector<Target> targets = {Target::emu128};  // what the CPU can run, narrowest first
  Target target = Target::emu128;                  // the target in use: the widest, unless forced
  Caches caches;
  int cores = 1;                      // online in the system
  int affinity = 1;                   // of these, the ones this process may run on
  std::optional<double> cgroup_cpus;  // CPU quota of the control group, in CPUs
  std::optional<int> thread_limit;    // what the environment asks for; see detect_machine
  int wide_fma_units = 1;             // 512-bit multiply-add units of a core; AVX3 alone uses them
  Rates rates;

  // Sets `target` and the rates that go with it, by the fields here alone. Throws Error if it is
  // not among `targets`.
  void use(Target wanted);

  // min(cores, affinity, quota rounded up, thread limit), at least 1.
  int default_threads() const;
  // Multiply-adds per second of one core with full vectors of `target`.
  double macs_per_second() const;

  friend bool operator==(const Machine&, const Machine&) = default;
};

// Number of f32 lanes of a target's vectors.
PLAIT_API int lanes_of(Target target);

// Whether the target multiplies and adds with one rounding. Targets that agree here give equal
// bits.
PLAIT_API bool has_fused_multiply_add(Target target);

// Reads the machine anew. Files are looked up below `root`, so that a test can hand in a made-up
// /proc and /sys; the CPU's features and the affinity mask are always the real ones.
//
// PLAIT_MACHINE in the environment names a file for parse_machine. Its machine replaces the real
// one, unless `root` is given, as an argument is nearer than the environment. Throws what
// parse_machine throws, and Error with Status::io if the file cannot be read.
//
// PLAIT_NUM_THREADS in the environment sets `thread_limit` of the real machine; throws Error if it
// is not a whole number from 1 to 1048576. Where it is unset or empty, OMP_NUM_THREADS sets it: the
// first number of a list, and a value that OpenMP would ignore is ignored here too. A described
// machine has the limit of its description, and a machine below a `root` has none.
//
// PLAIT_FORCE_TARGET in the environment sets `target`; throws Error if it is unknown or the CPU
// cannot run it.
PLAIT_API Machine detect_machine(const std::string& root = "");

// A machine as text, one "key: value" a line, for PLAIT_MACHINE and parse_machine. A bug report
// needs it, so that others can plan for the same machine. The keys are the names of the fields of
// Machine and of its parts, in the same units: cpu, targets (EMU128 and wider ones, narrowest
// first, separated by spaces), target, cores, affinity, cgroup_cpus, thread_limit, wide_fma_units,
// l1_bytes, l2_bytes, l3_bytes, line_bytes, ghz, vector_fmas_per_cycle (written only where it is
// not what `use` sets), l2_bytes_per_second, l3_bytes_per_second, dram_bytes_per_second,
// fork_join_seconds.
PLAIT_API std::string describe(const Machine& machine);

// The inverse of `describe`, for a machine whose targets this CPU runs. Empty lines and lines that
// start with # are passed over; sizes may be written as 32K or 1M. A key that is left out has
// Machine's default, except targets (all that this CPU runs), target (the widest of them) and
// affinity (all cores). Targets that this CPU cannot run are dropped, so that any plan for the
// machine runs here; if `target` is one of these, the widest remaining one replaces it. Throws
// Error, with `name`, the line, the key and the rule, for an unknown or repeated key and for a
// value out of range: values are positive, below bounds that no real machine comes near.
PLAIT_API Machine parse_machine(std::string_view text, const std::string& name = "machine");

// The machine of this process: detect_machine() at the first call.
PLAIT_API const Machine& host_machine();

// A fixed machine that stands for no real one. Rankings that must not depend on the machine
// (Limits::reproducible) use its rates.
PLAIT_API Machine canonical_machine();

// Measures the rates of machine.target, in about half a second. plait never calls it by itself.
PLAIT_API Rates measure_rates(const Machine& machine);

}  // namespace plait
