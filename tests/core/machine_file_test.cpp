// Machines as text: what a description says, leaves out and may not say, and that PLAIT_MACHINE
// puts the one it names in the place of the real one.
#include <plait/error.hpp>
#include <plait/machine.hpp>
#include <plait/plan.hpp>

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

#include "core/machine/target.hpp"
#include "support/calls.hpp"
#include "support/machines.hpp"

namespace plait {
namespace {

using test::error_of;
using test::machine_file;
using test::MachineInFile;
using test::ScopedVariable;

std::string refusal(const std::string& text) {
  return error_of(Status::invalid_argument, [&] { parse_machine(text, "m.txt"); });
}

TEST(Description, OfTheRealMachineReadsBack) {
  const ScopedVariable real("PLAIT_MACHINE", nullptr);
  const ScopedVariable limited("PLAIT_NUM_THREADS", "3");
  const Machine machine = detect_machine();
  EXPECT_EQ(machine.thread_limit, 3);
  EXPECT_EQ(parse_machine(describe(machine)), machine);
}

TEST(Description, HasEveryField) {
  Machine machine;
  machine.cpu = "A CPU: #1";
  machine.cores = 12;
  machine.affinity = 7;
  machine.cgroup_cpus = 2.5;
  machine.thread_limit = 3;
  machine.wide_fma_units = 2;
  machine.caches = {48 << 10, 2 << 20, 320 << 20, 128};
  machine.rates = {3.7, 0.5, 1e11 / 3, 4e10, 1.5e10, 2e-6};
  EXPECT_EQ(describe(machine),
            "cpu: A CPU: #1\n"
            "targets: EMU128\n"
            "target: EMU128\n"
            "cores: 12\n"
            "affinity: 7\n"
            "cgroup_cpus: 2.5\n"
            "thread_limit: 3\n"
            "wide_fma_units: 2\n"
            "l1_bytes: 49152\n"
            "l2_bytes: 2097152\n"
            "l3_bytes: 335544320\n"
            "line_bytes: 128\n"
            "ghz: 3.7\n"
            "vector_fmas_per_cycle: 0.5\n"
            "l2_bytes_per_second: 33333333333.333332\n"
            "l3_bytes_per_second: 4e+10\n"
            "dram_bytes_per_second: 1.5e+10\n"
            "fork_join_seconds: 2e-06\n");
  EXPECT_EQ(parse_machine(describe(machine)), machine);
  machine.use(Target::emu128);
  EXPECT_EQ(describe(machine).find("vector_fmas_per_cycle"), std::string::npos)
      << "it follows from the target";
  EXPECT_EQ(parse_machine(describe(machine)), machine);
}

TEST(Description, LeavesOutWhatHasADefault) {
  const Machine machine = parse_machine("");
  EXPECT_EQ(machine.cpu, "unknown");
  EXPECT_EQ(machine.targets, targets_of_cpu());
  EXPECT_EQ(machine.target, targets_of_cpu().back());
  EXPECT_EQ(machine.caches, Caches());
  EXPECT_EQ(machine.cores, 1);
  EXPECT_EQ(machine.cgroup_cpus, std::nullopt);
  EXPECT_EQ(machine.thread_limit, std::nullopt);
  EXPECT_EQ(machine.wide_fma_units, 1);
  EXPECT_EQ(machine.rates.ghz, Rates().ghz);
  EXPECT_EQ(parse_machine("cores: 5").affinity, 5);
  EXPECT_EQ(parse_machine("affinity: 2\ncores: 5").affinity, 2);
}

TEST(Description, TakesSizesCommentsAndBlanks) {
  const Machine machine = parse_machine(
      "# cores: 3\r\n\r\n  l1_bytes :\t48K \r\nl2_bytes: 2M\nl3_bytes:1\n   # the end");
  EXPECT_EQ(machine.caches, (Caches{48 << 10, 2 << 20, 1, 64}));
  EXPECT_EQ(machine.cores, 1);
}

TEST(Description, LeavesOutTargetsThatDoNotRunHere) {
  const Machine all = parse_machine("targets: EMU128 SSE4 AVX2 AVX3\ntarget: avx3\n");
  EXPECT_EQ(all.targets, targets_of_cpu());
  EXPECT_EQ(all.target, targets_of_cpu().back());
  const Machine narrow =
      parse_machine("targets: EMU128 SSE4 AVX2\ntarget: EMU128\nvector_fmas_per_cycle: 7\n");
  EXPECT_LE(narrow.targets.size(), 3U);
  EXPECT_EQ(narrow.target, Target::emu128);
  EXPECT_EQ(narrow.rates.vector_fmas_per_cycle, 7);
}

TEST(Description, GoesWithTheUnitsOfTheTarget) {
  if (targets_of_cpu().back() != Target::avx3) GTEST_SKIP() << "no AVX3 here";
  EXPECT_EQ(parse_machine("wide_fma_units: 2").rates.vector_fmas_per_cycle, 2);
  EXPECT_EQ(parse_machine("").rates.vector_fmas_per_cycle, 1);
}

TEST(Description, ErrorsNameFileLineKeyAndRule) {
  EXPECT_EQ(refusal("\n# two\ncores: none"),
            "m.txt, line 3: cores must be a whole number from 1 to 1048576 but is \"none\"");
  EXPECT_EQ(refusal("l1_bytes: 0"),
            "m.txt, line 1: l1_bytes must be a size from 1 to 2^40 bytes, such as 32768, 32K or 1M "
            "but is \"0\"");
  EXPECT_EQ(refusal("ghz: 3\nghz: 3"),
            "m.txt, line 2: ghz must be given once but is in line 1 already");
  EXPECT_EQ(
      refusal("mhz: 3"),
      "m.txt, line 1: unknown key \"mhz\"; known are cpu, targets, target, cores, affinity, "
      "cgroup_cpus, thread_limit, wide_fma_units, l1_bytes, l2_bytes, l3_bytes, line_bytes, ghz, "
      "vector_fmas_per_cycle, l2_bytes_per_second, l3_bytes_per_second, "
      "dram_bytes_per_second, fork_join_seconds");
  EXPECT_EQ(refusal("fast"),
            "m.txt, line 1: must be \"key: value\", or a comment after #, but is \"fast\"");
  EXPECT_EQ(refusal("target: AVX2\ntargets: EMU128 SSE4\n"),
            "m.txt, line 1: target must be among targets but is AVX2");
  EXPECT_EQ(
      refusal("targets: AVX2"),
      "m.txt, line 1: targets must be EMU128, then wider ones of SSE4 AVX2 AVX3, in this order "
      "but is \"AVX2\"");
  EXPECT_EQ(refusal("target: SSE4\ntargets: EMU128 AVX2\n"),
            "m.txt, line 1: target must be among targets but is SSE4");
}

TEST(Description, RefusesValuesOutOfRange) {
  const struct {
    const char* key;
    std::vector<const char*> values;
  } wrong[] = {
      {"cpu", {"", "a\x01z"}},
      {"targets", {"", "AVX2", "EMU128 EMU128", "EMU128 AVX2 SSE4", "SSE4 EMU128", "MMX"}},
      {"target", {"", "MMX", "EMU128 SSE4"}},
      {"cores", {"", "0", "-1", "1.5", "1048577", "99999999999999999999", "2 3"}},
      {"affinity", {"0", "x"}},
      {"cgroup_cpus", {"0", "-1", "nan", "inf", "1e31"}},
      {"thread_limit", {"", "0", "-1", "1.5", "1048577", "4,2"}},
      {"wide_fma_units", {"0", "5"}},
      {"l2_bytes", {"", "-32K", "32Q", "K", "1048577M", "99999999999999999999K", "1.5M"}},
      {"l3_bytes", {"0K"}},
      {"line_bytes", {"0", "65537"}},
      {"ghz", {"0", "-3", "nan", "inf", "1e999", "3 GHz", "101"}},
      {"vector_fmas_per_cycle", {"0", "nan"}},
      {"l2_bytes_per_second", {"0", "-1e9", "nan", "1e16"}},
      {"l3_bytes_per_second", {"0"}},
      {"dram_bytes_per_second", {"1e5"}},
      {"fork_join_seconds", {"-1e-6", "nan", "2"}},
  };
  for (const auto& [key, values] : wrong) {
    for (const char* value : values) {
      const std::string text = refusal("\n" + std::string(key) + ": " + value);
      EXPECT_NE(text.find("m.txt, line 2: " + std::string(key) + " must be "), std::string::npos)
          << text;
    }
  }
}

TEST(Description, TakesTheEndsOfEveryRange) {
  for (const char* text :
       {"cores: 1048576", "thread_limit: 1", "thread_limit: 1048576", "cgroup_cpus: 1e-9",
        "l1_bytes: 1048576M", "line_bytes: 64K", "ghz: 0.01", "ghz: 100", "fork_join_seconds: 0",
        "wide_fma_units: 4", "dram_bytes_per_second: 1e6", "l2_bytes_per_second: 1e15"}) {
    EXPECT_NO_THROW(parse_machine(text)) << text;
  }
}

// What stands in the place of the real machine.
TEST(Injection, TakesThePlaceOfTheRealMachine) {
  const MachineInFile file("cpu: made up\ncores: 64\nl2_bytes: 3M\ntargets: EMU128\n");
  const Machine machine = detect_machine();
  EXPECT_EQ(machine.cpu, "made up");
  EXPECT_EQ(machine.cores, 64);
  EXPECT_EQ(machine.default_threads(), 64);
  EXPECT_EQ(machine.caches.l2_bytes, 3 << 20);
  EXPECT_EQ(machine.target, Target::emu128);
  EXPECT_NE(detect_machine("/nowhere").cpu, "made up") << "a root is nearer";
  const ScopedVariable empty("PLAIT_MACHINE", "");
  EXPECT_NE(detect_machine().cpu, "made up");
}

// The limit of threads is a part of what is described.
TEST(Injection, TakesThePlaceOfTheEnvironmentsLimit) {
  const ScopedVariable ours("PLAIT_NUM_THREADS", "none");
  const ScopedVariable openmp("OMP_NUM_THREADS", "1");
  const MachineInFile without("cores: 64\n");
  EXPECT_EQ(detect_machine().thread_limit, std::nullopt);
  EXPECT_EQ(detect_machine().default_threads(), 64);
  const MachineInFile with("cores: 64\nthread_limit: 5\n");
  EXPECT_EQ(detect_machine().default_threads(), 5);
  EXPECT_EQ(detect_machine("/nowhere").thread_limit, std::nullopt);
  const ScopedVariable real("PLAIT_MACHINE", nullptr);
  EXPECT_EQ(error_of(Status::invalid_argument, [] { detect_machine(); }),
            "PLAIT_NUM_THREADS must be a whole number from 1 to 1048576 but is \"none\"");
}

TEST(Injection, LetsATargetBeForced) {
  const MachineInFile file("cpu: made up\ntarget: EMU128\n");
  const ScopedVariable unforced("PLAIT_FORCE_TARGET", nullptr);
  EXPECT_EQ(detect_machine().target, Target::emu128);
  const std::string widest(name_of(targets_of_cpu().back()));
  const ScopedVariable forced("PLAIT_FORCE_TARGET", widest.c_str());
  EXPECT_EQ(name_of(detect_machine().target), widest);
  const MachineInFile narrow("targets: EMU128\n");
  if (widest == "EMU128") return;
  EXPECT_EQ(error_of(Status::unsupported, [] { detect_machine(); }),
            "PLAIT_FORCE_TARGET=" + widest + ": this CPU runs only EMU128");
}

TEST(Injection, NamesTheFileThatIsWrong) {
  const MachineInFile file("ghz: fast\n");
  EXPECT_EQ(error_of(Status::invalid_argument, [] { detect_machine(); }),
            "PLAIT_MACHINE \"" + file.path() +
                "\", line 1: ghz must be a number from 0.01 to 100 but is \"fast\"");
  for (const char* path : {"/nowhere/machine.txt", "/tmp"}) {
    const ScopedVariable set("PLAIT_MACHINE", path);
    EXPECT_EQ(error_of(Status::io, [] { detect_machine(); }),
              "PLAIT_MACHINE \"" + std::string(path) + "\" cannot be read");
  }
  const MachineInFile zeros(std::string(3, '\0'));
  EXPECT_NE(error_of(Status::invalid_argument, [] { detect_machine(); }).find("line 1: must be"),
            std::string::npos);
  const ScopedVariable endless("PLAIT_MACHINE", "/dev/zero");
  EXPECT_EQ(error_of(Status::invalid_argument, [] { detect_machine(); }),
            "PLAIT_MACHINE \"/dev/zero\" must not be longer than 65536 bytes");
}

std::string explained(const char* line, const Machine& machine) {
  std::ostringstream text;
  text << plan(line, {}, machine).explain();
  return text.str();
}

// Plans depend on what a machine says of itself and on nothing else here.
TEST(Injection, GivesThePlansOfTheMachine) {
  for (const char* name : test::kMachines) {
    const ScopedVariable set("PLAIT_MACHINE", machine_file(name).c_str());
    const Machine machine = detect_machine();
    for (const char* line : {"1x64x56x56,64x64x3x3,p1", "8x256x14x14,1024x256x1x1,bias"}) {
      const std::string text = explained(line, machine);
      EXPECT_EQ(text, explained(line, parse_machine(describe(machine)))) << name;
      EXPECT_NE(text.find("machine   " + machine.cpu + ", "), std::string::npos) << text;
      EXPECT_NE(text, explained(line, canonical_machine())) << name;
    }
  }
}

}  // namespace
}  // namespace plait
