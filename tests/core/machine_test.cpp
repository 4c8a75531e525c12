#include <plait/error.hpp>
#include <plait/machine.hpp>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/machine/target.hpp"
#include "support/calls.hpp"

namespace plait {
namespace {

namespace fs = std::filesystem;

// A made-up / with only the files a test writes.
class FakeRoot {
 public:
  FakeRoot() {
    std::string name = (fs::temp_directory_path() / "plait_root_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    root_ = name;
  }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;
  ~FakeRoot() { fs::remove_all(root_); }

  FakeRoot& write(const std::string& path, const std::string& text) {
    const fs::path file = root_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return *this;
  }
  FakeRoot& cgroup(const std::string& text) { return write("proc/self/cgroup", text); }
  FakeRoot& group_file(const std::string& path, const std::string& text) {
    return write("sys/fs/cgroup/" + path, text);
  }
  FakeRoot& cache(int index, const std::string& level, const std::string& type,
                  const std::string& size, const std::string& line = "64\n") {
    const std::string folder = "sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    return write(folder + "/level", level)
        .write(folder + "/type", type)
        .write(folder + "/size", size)
        .write(folder + "/coherency_line_size", line);
  }

  Machine detect() const { return detect_machine(root_.string()); }
  std::optional<double> quota() const { return detect().cgroup_cpus; }
  int cores_if_online(const std::string& list) {
    return write("sys/devices/system/cpu/online", list).detect().cores;
  }

 private:
  fs::path root_;
};

// Sets PLAIT_FORCE_TARGET for a scope, and has the real machine detected.
class ForcedTarget {
 public:
  explicit ForcedTarget(const char* value) : forced_("PLAIT_FORCE_TARGET", value) {}

 private:
  test::ScopedVariable real_{"PLAIT_MACHINE", nullptr};
  test::ScopedVariable forced_;
};

template <class Call>
std::string message_of(Status status, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), status);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Target, NamesRoundTripInAnyCase) {
  for (const Target target : {Target::emu128, Target::sse4, Target::avx2, Target::avx3}) {
    EXPECT_EQ(parse_target(name_of(target)), target);
  }
  EXPECT_EQ(parse_target("avx2"), Target::avx2);
  EXPECT_EQ(parse_target("Emu128"), Target::emu128);
}

TEST(Target, UnknownNameListsTheKnownOnes) {
  EXPECT_EQ(message_of(Status::invalid_argument, [] { parse_target("avx512"); }),
            "unknown target \"avx512\"; known are EMU128, SSE4, AVX2, AVX3");
}

TEST(Target, HasLanes) {
  EXPECT_EQ(lanes_of(Target::emu128), 4);
  EXPECT_EQ(lanes_of(Target::sse4), 4);
  EXPECT_EQ(lanes_of(Target::avx2), 8);
  EXPECT_EQ(lanes_of(Target::avx3), 16);
}

TEST(Machine, TakesTheWidestTarget) {
  const ForcedTarget none(nullptr);
  const Machine machine = detect_machine();
  EXPECT_EQ(machine.targets.front(), Target::emu128) << "runs everywhere";
  EXPECT_TRUE(std::is_sorted(machine.targets.begin(), machine.targets.end()));
  EXPECT_EQ(machine.target, machine.targets.back());
  const ForcedTarget empty("");
  EXPECT_EQ(detect_machine().target, machine.targets.back());
}

TEST(Machine, ObeysAForcedTarget) {
  const ForcedTarget forced("emu128");
  const Machine machine = detect_machine();
  EXPECT_EQ(machine.target, Target::emu128);
  EXPECT_LT(machine.rates.vector_fmas_per_cycle, 1) << "rates are those of the target";
}

TEST(Machine, RefusesAnUnknownForcedTarget) {
  const ForcedTarget forced("mmx");
  const std::string message = message_of(Status::invalid_argument, [] { detect_machine(); });
  EXPECT_NE(message.find("\"mmx\""), std::string::npos) << message;
  EXPECT_NE(message.find("AVX2"), std::string::npos) << message;
}

TEST(Machine, RefusesAForcedTargetTheCpuCannotRun) {
  const std::vector<Target> available = {Target::emu128, Target::sse4};
  EXPECT_EQ(message_of(Status::unsupported, [&] { choose_target(available, "avx2"); }),
            "PLAIT_FORCE_TARGET=avx2: this CPU runs only EMU128, SSE4");
}

TEST(Machine, HasDefaultsWhereNothingIsKnown) {
  const Machine machine = FakeRoot().detect();
  EXPECT_EQ(machine.cpu, "unknown");
  EXPECT_EQ(machine.caches, Caches());
  EXPECT_EQ(machine.cgroup_cpus, std::nullopt);
  EXPECT_EQ(machine.rates.ghz, Rates().ghz);
  EXPECT_GE(machine.cores, 1);
  EXPECT_GE(machine.affinity, 1);
}

TEST(Machine, ReadsCaches) {
  FakeRoot root;
  root.cache(0, "1\n", "Data\n", "48K\n", "128\n")
      .cache(1, "1\n", "Instruction\n", "64K\n")
      .cache(2, "2\n", "Unified\n", "1280K\n")
      .cache(3, "3\n", "Unified\n", "32M\n");
  const Caches expected{48 << 10, 1280 << 10, 32 << 20, 128};
  EXPECT_EQ(root.detect().caches, expected);
}

TEST(Machine, KeepsTheDefaultOfAMalformedCache) {
  for (const std::string size : {"", "K", "-32K", "32Q", "99999999999999999999K", "0K"}) {
    FakeRoot root;
    root.cache(0, "1", "Data", size, "wide").cache(1, "two", "Unified", "512K");
    root.cache(2, "3", "Unified", "8192K");
    Caches expected;
    expected.l3_bytes = 8 << 20;
    EXPECT_EQ(root.detect().caches, expected) << size;
  }
}

TEST(Machine, ReadsNameAndClock) {
  FakeRoot root;
  root.write("proc/cpuinfo",
             "processor\t: 0\nmodel name\t: Thread Ripper: 7\ncpu MHz\t\t: 2596.134\n\n"
             "processor\t: 1\nmodel name\t: other\ncpu MHz\t\t: 800\n");
  EXPECT_EQ(root.detect().cpu, "Thread Ripper: 7");
  EXPECT_DOUBLE_EQ(root.detect().rates.ghz, 2.596134);
  root.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3600000\n");
  EXPECT_DOUBLE_EQ(root.detect().rates.ghz, 3.6) << "the highest clock, not the present one";
  root.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "fast\n");
  EXPECT_DOUBLE_EQ(root.detect().rates.ghz, 2.596134);
  root.write("proc/cpuinfo", "model name\ncpu MHz : nan\n::\n");
  EXPECT_EQ(root.detect().cpu, "unknown");
  EXPECT_DOUBLE_EQ(root.detect().rates.ghz, Rates().ghz);
}

TEST(Machine, CountsCoresOnline) {
  FakeRoot root;
  EXPECT_EQ(root.cores_if_online("0\n"), 1);
  EXPECT_EQ(root.cores_if_online("0-3\n"), 4);
  EXPECT_EQ(root.cores_if_online("0-3,7\n"), 5);
  EXPECT_EQ(root.cores_if_online("0,2,4-5,1000-1023\n"), 28);
}

TEST(Machine, AsksTheSystemWhereTheListOfCoresIsMalformed) {
  FakeRoot root;
  const int real = root.detect().cores;
  for (const std::string list : {"", "\n", "a", "3-1", "0-", "-", "0,,2", "0-2147483647"}) {
    EXPECT_EQ(root.cores_if_online(list), real) << list;
  }
}

TEST(Cgroup, ReadsVersion2) {
  FakeRoot root;
  root.cgroup("0::/user.slice/app\n").group_file("user.slice/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(root.quota(), 1.5);
  root.group_file("user.slice/app/cpu.max", "max 100000\n");
  EXPECT_EQ(root.quota(), std::nullopt);
}

TEST(Cgroup, TakesTheSmallestOfNestedGroups) {
  FakeRoot root;
  root.cgroup("0::/a/b/c\n")
      .group_file("a/cpu.max", "200000 100000\n")
      .group_file("a/b/cpu.max", "25000 50000\n")
      .group_file("a/b/c/cpu.max", "max 100000\n")
      .group_file("a/other/cpu.max", "1000 100000\n");
  EXPECT_EQ(root.quota(), 0.5);
}

TEST(Cgroup, ReadsTheMountsRootInAContainer) {
  FakeRoot root;
  root.cgroup("0::/docker/0123456789abcdef\n").group_file("cpu.max", "300000 100000\n");
  EXPECT_EQ(root.quota(), 3.0);
  root.cgroup("0::/\n");
  EXPECT_EQ(root.quota(), 3.0);
  root.cgroup("0::/../sibling\n").write("sys/fs/sibling/cpu.max", "100000 100000\n");
  EXPECT_EQ(root.quota(), 3.0) << "a path out of the namespace is not followed";
}

TEST(Cgroup, ReadsVersion1) {
  for (const std::string folder : {"cpu", "cpu,cpuacct"}) {
    FakeRoot root;
    root.cgroup("5:memory:/m\n4:cpu,cpuacct:/docker/app\n1:name=systemd:/x\n")
        .group_file(folder + "/docker/app/cpu.cfs_quota_us", "250000\n")
        .group_file(folder + "/docker/app/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(root.quota(), 2.5) << folder;
    root.group_file(folder + "/docker/app/cpu.cfs_quota_us", "-1\n");
    EXPECT_EQ(root.quota(), std::nullopt) << folder;
    root.group_file(folder + "/cpu.cfs_quota_us", "400000\n")
        .group_file(folder + "/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(root.quota(), 4.0) << folder << ", of the group around it";
  }
}

TEST(Cgroup, ReadsBothVersionsSideBySide) {
  FakeRoot root;
  root.cgroup("2:cpu:/v1\n0::/v2\n")
      .group_file("cpu/v1/cpu.cfs_quota_us", "200000\n")
      .group_file("cpu/v1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(root.quota(), 2.0);
  root.group_file("unified/v2/cpu.max", "100000 100000\n");
  EXPECT_EQ(root.quota(), 1.0);
}

TEST(Cgroup, IgnoresOtherControllers) {
  FakeRoot root;
  root.cgroup("3:cpuset:/\n2:cpuacct:/\n")
      .group_file("cpuset/cpu.cfs_quota_us", "100000\n")
      .group_file("cpuset/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(root.quota(), std::nullopt);
}

TEST(Cgroup, IgnoresMalformedFiles) {
  for (const std::string text : {"", "\n", "max", "100000", "x 100000", "100000 x", "0 100000",
                                 "-5 100000", "100000 0", "1 2 3", "99999999999999999999 1"}) {
    FakeRoot root;
    root.cgroup("0::/a\n").group_file("a/cpu.max", text);
    EXPECT_EQ(root.quota(), std::nullopt) << text;
  }
  for (const std::string text : {"", "\n", ":", "::", "0::", "0::a", "0:/a", "nonsense"}) {
    FakeRoot root;
    root.cgroup(text).group_file("a/cpu.max", "100000 100000");
    EXPECT_EQ(root.quota(), std::nullopt) << text;
  }
}

TEST(Cgroup, IgnoresAFolderInPlaceOfAFile) {
  FakeRoot root;
  root.cgroup("0::/a\n").group_file("a/cpu.max/file", "");
  root.write("proc/cpuinfo/file", "");
  EXPECT_EQ(root.quota(), std::nullopt);
}

TEST(Machine, DefaultThreadsIsTheSmallestLimit) {
  Machine machine;
  machine.cores = 8;
  machine.affinity = 6;
  EXPECT_EQ(machine.default_threads(), 6);
  machine.cgroup_cpus = 2.5;
  EXPECT_EQ(machine.default_threads(), 3);
  machine.cgroup_cpus = 2.0;
  EXPECT_EQ(machine.default_threads(), 2);
  machine.cgroup_cpus = 0.01;
  EXPECT_EQ(machine.default_threads(), 1);
  machine.cgroup_cpus = 1e30;
  EXPECT_EQ(machine.default_threads(), 6);
  machine.thread_limit = 7;
  EXPECT_EQ(machine.default_threads(), 6) << "a limit never adds";
  machine.thread_limit = 4;
  EXPECT_EQ(machine.default_threads(), 4);
  machine.cgroup_cpus = 1.5;
  EXPECT_EQ(machine.default_threads(), 2);
  machine.affinity = 0;
  EXPECT_EQ(machine.default_threads(), 1);
}

TEST(Machine, RespectsTheAffinityMask) {
  const test::ScopedVariable real("PLAIT_MACHINE", nullptr);
  Machine machine;
  std::thread pinned([&] {
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    machine = detect_machine();
  });
  pinned.join();
  EXPECT_EQ(machine.affinity, 1);
  EXPECT_EQ(machine.default_threads(), 1);
}

TEST(Machine, RatesGiveMacsPerSecond) {
  Machine machine;
  machine.target = Target::avx2;
  machine.rates.ghz = 3;
  machine.rates.vector_fmas_per_cycle = 2;
  EXPECT_DOUBLE_EQ(machine.macs_per_second(), 48e9);
}

TEST(Machine, UsingATargetSetsItsRates) {
  Machine machine = host_machine();
  machine.use(Target::emu128);
  EXPECT_EQ(machine.target, Target::emu128);
  EXPECT_LT(machine.rates.vector_fmas_per_cycle, 1);
  machine.targets = {Target::emu128};
  EXPECT_THROW(machine.use(Target::sse4), Error);
  EXPECT_EQ(machine.target, Target::emu128);
}

TEST(Machine, UsingAVX3TakesTheUnitsThatTheMachineHas) {
  Machine machine;
  machine.targets = {Target::emu128, Target::sse4, Target::avx2, Target::avx3};
  for (const int units : {1, 2}) {
    machine.wide_fma_units = units;
    machine.use(Target::avx3);
    EXPECT_EQ(machine.rates.vector_fmas_per_cycle, units);
    machine.use(Target::avx2);
    EXPECT_EQ(machine.rates.vector_fmas_per_cycle, 2) << "of 256 bits";
  }
}

TEST(Machine, HostIsDetectedOnce) { EXPECT_EQ(&host_machine(), &host_machine()); }

TEST(Machine, CanonicalIsTheSameEverywhere) {
  const ForcedTarget forced("emu128");
  const Machine machine = canonical_machine();
  EXPECT_EQ(machine.target, Target::avx2);
  EXPECT_EQ(machine.rates, Rates());
  EXPECT_EQ(machine.caches, Caches());
  EXPECT_EQ(machine.default_threads(), 1);
}

}  // namespace
}  // namespace plait
