// Machines that are described: what the program prints of one, and does on another.
#include <nlohmann/json.hpp>

#include <plait/machine.hpp>

#include "support.hpp"

namespace plait::faces {
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

}  // namespace
}  // namespace plait::faces
