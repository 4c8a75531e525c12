// Machines that are described: what the program prints of one, and does on another.
#include <nlohmann/json.hpp>

#include <algorithm>

#include <plait/machine.hpp>

#include "support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kMadeUp =
    "cpu: made up\ntargets: EMU128\ncores: 64\nl2_bytes: 3M\nwide_fma_units: 2\n";

TEST(DescribedMachine, IsPrintedAndReadBack) {
  const Outcome here = run_plait({"info", "--describe"});
  EXPECT_EQ(here.code, 0) << here.err;
  EXPECT_EQ(here.out, describe(host_machine()));
  const TempFolder folder;
  const Outcome again = run_plait_on(folder.file("here.txt", here.out), {"info", "--describe"});
  EXPECT_EQ(again.out, here.out);
}

TEST(DescribedMachine, IsTheOneThatIsPlannedFor) {
  const TempFolder folder;
  const std::string file = folder.file("m.txt", kMadeUp);
  const Json machine = Json::parse(run_plait_on(file, {"info", "--json"}).out)["machine"];
  EXPECT_EQ(machine["cpu"], "made up");
  EXPECT_EQ(machine["default_threads"], 64);
  EXPECT_EQ(machine["caches"]["l2_bytes"], 3 << 20);
  EXPECT_EQ(machine["wide_fma_units"], 2);
  EXPECT_CONTAINS(run_plait_on(file, {"plan", "8x64x56x56,64x64x3x3,p1"}).out,
                  "\nmachine   made up, EMU128, 64 threads\n");
}

// More threads than there are CPUs here: they take turns.
TEST(DescribedMachine, RunsHere) {
  const TempFolder folder;
  const std::string file = folder.file("m.txt", kMadeUp);
  const std::string x = folder.npy("x.npy", ramp({2, 16, 40, 40}));
  const std::string k = folder.npy("k.npy", ramp({16, 16, 3, 3}));
  const Outcome run = run_plait_on(
      file, {"run", "--input", x, "--kernel", k, "--algorithm", "im2col", "--threads", "64"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_CONTAINS(run.out, "EMU128");
}

TEST(DescribedMachine, IsRefusedByFileLineAndRule) {
  const TempFolder folder;
  const std::string file = folder.file("m.txt", "# one\nl1_bytes: 0\n");
  for (const char* command : {"info", "plan", "verify"}) {
    std::vector<std::string> arguments = {command};
    if (arguments[0] == "plan") arguments.emplace_back("1x1x3x3,1x1x1x1");
    const Outcome wrong = run_plait_on(file, arguments);
    EXPECT_EQ(wrong.code, 2);
    EXPECT_EQ(wrong.out, "");
    EXPECT_EQ(wrong.err, "plait: PLAIT_MACHINE \"" + file +
                             "\", line 2: l1_bytes must be a size from 1 to 2^40 bytes, such as "
                             "32768, 32K or 1M but is \"0\"\n");
  }
  EXPECT_CONTAINS(run_plait_on(folder.path("none.txt"), {"info"}).err, "none.txt\" cannot be read");
  EXPECT_CONTAINS(run_refused({"info", "--describe", "--json"}).err, "excludes");
}

// === limits of threads ===

// On the real machine, whatever this process was given.
Outcome run_limited(const std::string& ours, const std::string& openmp,
                    const std::vector<std::string>& arguments) {
  return run_plait_in({"PLAIT_MACHINE=", "PLAIT_NUM_THREADS=" + ours, "OMP_NUM_THREADS=" + openmp},
                      arguments);
}

TEST(ThreadLimits, OfTheEnvironmentAreShownAndKept) {
  const auto machine_under = [](const std::string& ours, const std::string& openmp) {
    const Outcome info = run_limited(ours, openmp, {"info", "--json"});
    EXPECT_EQ(info.code, 0) << info.err;
    return Json::parse(info.out)["machine"];
  };
  const Json free = machine_under("", "");
  EXPECT_EQ(free["thread_limit"], nullptr);
  const int threads = free["default_threads"];
  const struct {
    std::string ours, openmp;
    int limit;
  } cases[] = {{"1", "", 1}, {"", "1", 1}, {"1", "7", 1}, {"7", "1", 7}, {"", " 2 , 3", 2}};
  for (const auto& [ours, openmp, limit] : cases) {
    const Json machine = machine_under(ours, openmp);
    EXPECT_EQ(machine["thread_limit"], limit);
    EXPECT_EQ(machine["default_threads"], std::min(threads, limit));
  }
  EXPECT_EQ(machine_under("", "many")["thread_limit"], nullptr) << "as OpenMP's runtimes do";
  EXPECT_CONTAINS(run_limited("3", "", {"info"}).out, ", limit 3)\n");
  EXPECT_CONTAINS(run_limited("", "", {"info"}).out, ", limit none)\n");
  EXPECT_CONTAINS(run_limited("3", "", {"info", "--describe"}).out, "\nthread_limit: 3\n");
  EXPECT_CONTAINS(run_limited("1", "", {"plan", "8x64x56x56,64x64x3x3,p1"}).out, ", 1 thread\n");
}

TEST(ThreadLimits, ThatAreWrongAreRefusedByName) {
  const Outcome wrong = run_limited("many", "2", {"info"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.err,
            "plait: PLAIT_NUM_THREADS must be a whole number from 1 to 1048576 but is \"many\"\n");
}

TEST(ThreadLimits, AreTheDescriptionsAndTheCallersBeforeTheEnvironments) {
  const TempFolder folder;
  const std::string file = folder.file("m.txt", std::string(kMadeUp) + "thread_limit: 5\n");
  const auto plan_with = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"plan", "8x64x56x56,64x64x3x3,p1"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_plait_in({"PLAIT_MACHINE=" + file, "PLAIT_NUM_THREADS=2"}, arguments).out;
  };
  EXPECT_CONTAINS(plan_with({}), "\nmachine   made up, EMU128, 5 threads\n");
  EXPECT_CONTAINS(plan_with({"--threads", "12"}), "\nmachine   made up, EMU128, 12 threads\n");
}

}  // namespace
}  // namespace plait::cli
