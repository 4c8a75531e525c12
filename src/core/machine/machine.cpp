#include <plait/error.hpp>
#include <plait/machine.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <sstream>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "core/fork_guard.hpp"
#include "core/machine/cgroup.hpp"
#include "core/machine/machine_file.hpp"
#include "core/machine/system_files.hpp"
#include "core/machine/system_machine.hpp"
#include "core/machine/target.hpp"
#include "core/machine/thread_limit.hpp"

namespace plait {
namespace {

// The value of the first line "key : value" of /proc/cpuinfo.
std::optional<std::string> cpuinfo_value(const std::string& cpuinfo, std::string_view key) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    if (trimmed(std::string_view(line).substr(0, colon)) != key) continue;
    const std::string value(trimmed(std::string_view(line).substr(colon + 1)));
    if (!value.empty()) return value;
  }
  return std::nullopt;
}

Caches read_caches(const std::string& root) {
  Caches caches;
  for (int index = 0;; ++index) {
    const std::string folder =
        root + "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    const auto type = read_text(folder + "/type");
    if (!type) return caches;
    const auto level = read_number<int>(folder + "/level");
    const auto size = parse_size(read_text(folder + "/size").value_or(""));
    if (trimmed(*type) == "Instruction" || !level || !size) continue;
    if (*level == 1) {
      caches.l1_bytes = *size;
      const auto line = read_number<std::int64_t>(folder + "/coherency_line_size");
      if (line && *line > 0) caches.line_bytes = *line;
    }
    if (*level == 2) caches.l2_bytes = *size;
    if (*level == 3) caches.l3_bytes = *size;
  }
}

// Counts the members of a list such as "0-3,7".
std::optional<int> count_list(std::string_view text) {
  std::istringstream parts{std::string(trimmed(text))};
  std::int64_t count = 0;
  for (std::string part; std::getline(parts, part, ',');) {
    const auto dash = part.find('-');
    const auto first = parse_number<int>(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_number<int>(part.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
    count += std::int64_t{*last} - *first + 1;
  }
  if (count < 1 || count > kMostCores) return std::nullopt;  // the file cannot be right
  return static_cast<int>(count);
}

int read_cores(const std::string& root) {
  const auto online = read_text(root + "/sys/devices/system/cpu/online");
  if (const auto count = online ? count_list(*online) : std::nullopt) return *count;
  return static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

// Linux refuses a mask that is smaller than its own, and does not tell its size: the mask grows
// until it is large enough.
std::optional<int> affinity_of_thread() {
  for (std::size_t cpus = 1024; cpus <= (1 << 20); cpus *= 2) {
    std::vector<cpu_set_t> mask((cpus / 8 + sizeof(cpu_set_t) - 1) / sizeof(cpu_set_t));
    const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
    if (errno != EINVAL) break;
  }
  return std::nullopt;
}

// Intel's server cores with a second 512-bit FMA unit also have AMX and half-precision vectors, and
// virtual machines may hide AMX. So either feature tells that the second unit is there; cores with
// neither (Zen 4, client cores) do one 512-bit FMA per cycle.
int read_wide_fma_units() {
#if defined(__x86_64__)
  constexpr unsigned kFp16 = 1U << 23;
  constexpr unsigned kAmxTile = 1U << 24;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool known = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0;
  return known && (edx & (kFp16 | kAmxTile)) != 0 ? 2 : 1;
#else
  return 1;
#endif
}

double read_ghz(const std::string& root, const std::string& cpuinfo) {
  const auto plausible = [](std::optional<double> ghz) { return ghz && *ghz > 0.1 && *ghz < 10; };
  const auto max_khz =
      read_number<double>(root + "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
  if (max_khz && plausible(*max_khz * 1e-6)) return *max_khz * 1e-6;
  const auto mhz = parse_number<double>(cpuinfo_value(cpuinfo, "cpu MHz").value_or(""));
  if (mhz && plausible(*mhz * 1e-3)) return *mhz * 1e-3;
  return Rates().ghz;
}

// Vector multiply-adds that one core sustains per cycle.
double fmas_per_cycle(Target target, int wide_fma_units) {
  switch (target) {
    case Target::emu128:
      return 0.04;  // vectors live in memory; 0.037 measured with GCC 12 on Zen 4, 2026-11-22
    case Target::sse4:
      return 1;  // no FMA: a multiplication and an addition on two units
    case Target::avx2:
      return 2;  // two units of 256 bits on every core since Haswell and Zen 2
    case Target::avx3:
      return wide_fma_units;
  }
  return 1;
}

// The result of `detect`, which is called once and kept in `kept`.
template <class Detect>
const Machine& detected_once(std::atomic<const Machine*>& kept, Detect detect) {
  const Machine* machine = kept.load(std::memory_order_acquire);
  if (machine == nullptr) {
    const std::lock_guard lock(fork_guard());
    machine = kept.load(std::memory_order_relaxed);
    // Never freed, because static objects of the program may still plan when the process exits.
    if (machine == nullptr) machine = new Machine(detect());
    kept.store(machine, std::memory_order_release);
  }
  return *machine;
}

}  // namespace

void Machine::use(Target wanted) {
  if (std::find(targets.begin(), targets.end(), wanted) == targets.end()) {
    std::string can_run;
    for (const Target target_here : targets) {
      can_run += (can_run.empty() ? "" : ", ") + std::string(name_of(target_here));
    }
    throw Error(Status::unsupported, "this CPU cannot run target " + std::string(name_of(wanted)) +
                                         "; it can run " + can_run);
  }
  target = wanted;
  rates.vector_fmas_per_cycle = fmas_per_cycle(wanted, wide_fma_units);
}

int Machine::default_threads() const {
  int threads = std::min(cores, affinity);
  if (cgroup_cpus && *cgroup_cpus < threads) threads = static_cast<int>(std::ceil(*cgroup_cpus));
  if (thread_limit) threads = std::min(threads, *thread_limit);
  return std::max(threads, 1);
}

double Machine::macs_per_second() const {
  return rates.ghz * 1e9 * rates.vector_fmas_per_cycle * lanes_of(target);
}

Machine read_system(const std::string& root) {
  const std::string cpuinfo = read_text(root + "/proc/cpuinfo").value_or("");
  Machine machine;
  machine.cpu = cpuinfo_value(cpuinfo, "model name").value_or(machine.cpu);
  machine.targets = targets_of_cpu();
  machine.caches = read_caches(root);
  machine.cores = read_cores(root);
  machine.affinity = affinity_of_thread().value_or(machine.cores);
  machine.cgroup_cpus = cgroup_quota(root);
  machine.wide_fma_units = read_wide_fma_units();
  machine.rates.ghz = read_ghz(root, cpuinfo);
  machine.use(machine.targets.back());
  return machine;
}

Machine detect_machine(const std::string& root) {
  const char* file = std::getenv("PLAIT_MACHINE");
  const bool described = root.empty() && file != nullptr && *file != '\0';
  Machine machine = described ? read_machine_file(file) : read_system(root);
  if (!described && root.empty()) machine.thread_limit = thread_limit_of_environment();
  const char* forced = std::getenv("PLAIT_FORCE_TARGET");
  if (forced != nullptr && *forced != '\0') machine.use(choose_target(machine.targets, forced));
  return machine;
}

const Machine& host_machine() {
  static std::atomic<const Machine*> detected{nullptr};
  return detected_once(detected, [] { return detect_machine(); });
}

const Machine& system_machine() {
  static std::atomic<const Machine*> detected{nullptr};
  return detected_once(detected, [] { return read_system(""); });
}

Machine canonical_machine() {
  Machine machine;
  machine.cpu = "canonical";
  machine.targets = {Target::emu128, Target::sse4, Target::avx2};
  machine.target = Target::avx2;
  return machine;
}

}  // namespace plait
