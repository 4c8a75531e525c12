#include "core/machine/machine_file.hpp"

#include <plait/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/machine/system_files.hpp"
#include "core/machine/target.hpp"
#include "core/machine/thread_limit.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"

namespace plait {
namespace {

// What the lines say, before defaults are filled in.
struct Description {
  Machine machine;
  std::vector<Target> targets;  // empty: not given
  std::optional<Target> target;
  std::optional<int> affinity;
  std::optional<double> vector_fmas_per_cycle;
};

using Text = std::string_view;

// Reads one value; false if the text breaks the rule of its key.
using Read = bool (*)(Text text, Description& description);

struct Key {
  std::string_view name;
  std::string_view rule;  // what a value must be, as in "l2_bytes must be <rule>"
  Read read;
};

constexpr std::int64_t kMostBytes = std::int64_t{1} << 40;

// False for a value out of range, and for NaN.
template <class Number>
bool read_between(std::string_view text, Number least, Number most, Number& value) {
  const std::optional<Number> number = parse_number<Number>(text);
  if (!number || !(*number >= least && *number <= most)) return false;
  value = *number;
  return true;
}

template <class Number>
bool read_between(std::string_view text, Number least, Number most, std::optional<Number>& value) {
  return read_between(text, least, most, value.emplace());
}

bool read_bytes(std::string_view text, std::int64_t most, std::int64_t& bytes) {
  const std::optional<std::int64_t> size = parse_size(text);
  if (!size || *size > most) return false;
  bytes = *size;
  return true;
}

bool read_rate(std::string_view text, double& bytes_per_second) {
  return read_between(text, 1e6, 1e15, bytes_per_second);
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool read_cpu(std::string_view text, Description& d) {
  d.machine.cpu = text;
  return !text.empty() && std::none_of(text.begin(), text.end(), is_control);
}

bool contains(const std::vector<Target>& targets, Target target) {
  return std::find(targets.begin(), targets.end(), target) != targets.end();
}

std::optional<Target> target_of(std::string_view name) {
  try {
    return parse_target(name);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// A CPU that runs a target runs all narrower ones. A build may leave some out, but never EMU128.
bool read_targets(std::string_view text, Description& d) {
  for (const std::string_view name : split(text, ' ')) {
    if (name.empty()) continue;
    const std::optional<Target> target = target_of(name);
    const bool next = d.targets.empty() ? target == Target::emu128 : target > d.targets.back();
    if (!target || !next) return false;
    d.targets.push_back(*target);
  }
  return !d.targets.empty();
}

bool read_target(std::string_view text, Description& d) {
  d.target = target_of(text);
  return d.target.has_value();
}

constexpr std::string_view kSize = "a size from 1 to 2^40 bytes, such as 32768, 32K or 1M";
constexpr std::string_view kRate = "a number of bytes per second from 1e6 to 1e15";
constexpr std::string_view kCount = "a whole number from 1 to 1048576";

constexpr Key kKeys[] = {
    {"cpu", "a name without control characters", read_cpu},
    {"targets", "EMU128, then wider ones of SSE4 AVX2 AVX3, in this order", read_targets},
    {"target", "EMU128, SSE4, AVX2 or AVX3", read_target},
    {"cores", kCount,
     [](Text text, Description& d) { return read_between(text, 1, kMostCores, d.machine.cores); }},
    {"affinity", kCount,
     [](Text text, Description& d) { return read_between(text, 1, kMostCores, d.affinity); }},
    {"cgroup_cpus", "a number from 1e-9 to 1e30",
     [](Text text, Description& d) {
       return read_between(text, 1e-9, 1e30, d.machine.cgroup_cpus);
     }},
    {"thread_limit", kCount,
     [](Text text, Description& d) {
       return read_between(text, 1, kMostCores, d.machine.thread_limit);
     }},
    {"wide_fma_units", "a whole number from 1 to 4",
     [](Text text, Description& d) { return read_between(text, 1, 4, d.machine.wide_fma_units); }},
    {"l1_bytes", kSize,
     [](Text text, Description& d) {
       return read_bytes(text, kMostBytes, d.machine.caches.l1_bytes);
     }},
    {"l2_bytes", kSize,
     [](Text text, Description& d) {
       return read_bytes(text, kMostBytes, d.machine.caches.l2_bytes);
     }},
    {"l3_bytes", kSize,
     [](Text text, Description& d) {
       return read_bytes(text, kMostBytes, d.machine.caches.l3_bytes);
     }},
    {"line_bytes", "a size from 1 to 64K bytes",
     [](Text text, Description& d) {
       return read_bytes(text, 64 << 10, d.machine.caches.line_bytes);
     }},
    {"ghz", "a number from 0.01 to 100",
     [](Text text, Description& d) {
       return read_between(text, 0.01, 100.0, d.machine.rates.ghz);
     }},
    {"vector_fmas_per_cycle", "a number from 0.001 to 100",
     [](Text text, Description& d) {
       return read_between(text, 0.001, 100.0, d.vector_fmas_per_cycle);
     }},
    {"l2_bytes_per_second", kRate,
     [](Text text, Description& d) {
       return read_rate(text, d.machine.rates.l2_bytes_per_second);
     }},
    {"l3_bytes_per_second", kRate,
     [](Text text, Description& d) {
       return read_rate(text, d.machine.rates.l3_bytes_per_second);
     }},
    {"dram_bytes_per_second", kRate,
     [](Text text, Description& d) {
       return read_rate(text, d.machine.rates.dram_bytes_per_second);
     }},
    {"fork_join_seconds", "a number from 0 to 1",
     [](Text text, Description& d) {
       return read_between(text, 0.0, 1.0, d.machine.rates.fork_join_seconds);
     }},
};

const Key& key_of(std::string_view name, const std::string& where) {
  std::string known;
  for (const Key& key : kKeys) {
    if (key.name == name) return key;
    known += (known.empty() ? "" : ", ") + std::string(key.name);
  }
  refuse(where + "unknown key " + quoted(name) + "; known are " + known);
}

// Reads the lines of one text in turn.
class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  void read(std::string_view line) {
    ++number_;
    line = trimmed(line);
    if (line.empty() || line.starts_with('#')) return;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      refuse(where(number_) + "must be \"key: value\", or a comment after #, but is " +
             quoted(line));
    }
    const Key& key = key_of(trimmed(line.substr(0, colon)), where(number_));
    if (const int before = std::exchange(line_of(key), number_); before != 0) {
      refuse(where(number_) + std::string(key.name) + " must be given once but is in line " +
             std::to_string(before) + " already");
    }
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!key.read(value, description_)) break_rule(key, value);
  }

  const Description& description() {
    const Description& d = description_;
    if (d.target && !d.targets.empty() && !contains(d.targets, *d.target)) {
      refuse(where(line_of(key_of("target", ""))) + "target must be among targets but is " +
             std::string(name_of(*d.target)));
    }
    return d;
  }

 private:
  std::string where(int line) const { return name_ + ", line " + std::to_string(line) + ": "; }
  int& line_of(const Key& key) { return lines_[static_cast<std::size_t>(&key - kKeys)]; }

  [[noreturn]] void break_rule(const Key& key, std::string_view value) const {
    refuse(where(number_) + std::string(key.name) + " must be " + std::string(key.rule) +
           " but is " + quoted(value));
  }

  std::string name_;
  int number_ = 0;                             // number of the current line
  std::array<int, std::size(kKeys)> lines_{};  // the line that gave each key; 0: none yet
  Description description_;
};

// Fills in the keys that were left out, and drops targets that this CPU cannot run.
Machine complete(const Description& description) {
  Machine machine = description.machine;
  machine.affinity = description.affinity.value_or(machine.cores);
  machine.targets = targets_of_cpu();
  if (!description.targets.empty()) {
    std::erase_if(machine.targets, [&](Target t) { return !contains(description.targets, t); });
  }
  const Target wanted = description.target.value_or(machine.targets.back());
  machine.use(*std::find_if(machine.targets.rbegin(), machine.targets.rend(),
                            [wanted](Target target) { return target <= wanted; }));
  if (description.vector_fmas_per_cycle && machine.target == wanted) {
    machine.rates.vector_fmas_per_cycle = *description.vector_fmas_per_cycle;
  }
  return machine;
}

}  // namespace

std::string describe(const Machine& machine) {
  std::string text;
  const auto line = [&text](std::string_view key, const std::string& value) {
    text += std::string(key) + ": " + value + "\n";
  };
  std::string targets;
  for (const Target target : machine.targets) {
    targets += (targets.empty() ? "" : " ") + std::string(name_of(target));
  }
  const Caches& caches = machine.caches;
  const Rates& rates = machine.rates;
  line("cpu", machine.cpu);
  line("targets", targets);
  line("target", std::string(name_of(machine.target)));
  line("cores", std::to_string(machine.cores));
  line("affinity", std::to_string(machine.affinity));
  if (machine.cgroup_cpus) line("cgroup_cpus", real_text(*machine.cgroup_cpus));
  if (machine.thread_limit) line("thread_limit", std::to_string(*machine.thread_limit));
  line("wide_fma_units", std::to_string(machine.wide_fma_units));
  line("l1_bytes", std::to_string(caches.l1_bytes));
  line("l2_bytes", std::to_string(caches.l2_bytes));
  line("l3_bytes", std::to_string(caches.l3_bytes));
  line("line_bytes", std::to_string(caches.line_bytes));
  line("ghz", real_text(rates.ghz));
  Machine usual = machine;
  usual.targets = {machine.target};
  usual.use(machine.target);
  if (rates.vector_fmas_per_cycle != usual.rates.vector_fmas_per_cycle) {
    line("vector_fmas_per_cycle", real_text(rates.vector_fmas_per_cycle));
  }
  line("l2_bytes_per_second", real_text(rates.l2_bytes_per_second));
  line("l3_bytes_per_second", real_text(rates.l3_bytes_per_second));
  line("dram_bytes_per_second", real_text(rates.dram_bytes_per_second));
  line("fork_join_seconds", real_text(rates.fork_join_seconds));
  return text;
}

Machine parse_machine(std::string_view text, const std::string& name) {
  Reader reader(name);
  for (const std::string_view line : split(text, '\n')) reader.read(line);
  return complete(reader.description());
}

Machine read_machine_file(const std::string& path) {
  // Far more than any description takes. The limit matters for devices, which may have no end.
  constexpr std::size_t kMostRead = 64 << 10;
  const std::string name = "PLAIT_MACHINE " + quoted(path);
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostRead + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad()) throw Error(Status::io, name + " cannot be read");
  if (text.size() > kMostRead) {
    refuse(name + " must not be longer than 65536 bytes");
  }
  return parse_machine(text, name);
}

}  // namespace plait
