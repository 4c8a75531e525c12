// `plait cost --sweep --plot` with Pythons that behave in every way. What a picture shows is tested
// where matplotlib is: tests/python/chart_test.py.
#include <stdlib.h>
#include <sys/stat.h>

#include "cost_sweep_support.hpp"

namespace plait::cli {
namespace {

constexpr const char* kLayer = kSweptLayer;

// A program in place of Python, while it lives. It is called with -c SCRIPT ARGUMENT: no ARGUMENT
// asks whether matplotlib is there.
class FakePython {
 public:
  FakePython(const TempFolder& folder, const std::string& draw) {
    const std::string path =
        folder.file("python", "#!/bin/sh\n[ -n \"$3\" ] || exit 0\n" + draw + "\n");
    ::chmod(path.c_str(), 0755);
    ::setenv("PLAIT_PYTHON", path.c_str(), 1);
  }
  explicit FakePython(const std::string& path) { ::setenv("PLAIT_PYTHON", path.c_str(), 1); }
  FakePython(const FakePython&) = delete;
  FakePython& operator=(const FakePython&) = delete;
  ~FakePython() { ::unsetenv("PLAIT_PYTHON"); }
};

TEST(CostSweepPlot, WritesWhatPythonDrawsOfTheDocument) {
  const TempFolder folder;
  const FakePython python(folder, "printf '%s ' \"$3\"; cat");
  const std::string picture = folder.path("a.PNG");
  const Outcome outcome = sweep({kLayer, "--sweep", "k=1..5", "--same", "--plot", picture});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_CONTAINS(outcome.out, "plot      " + picture);
  const std::string drawn = slurp(picture);
  ASSERT_TRUE(drawn.starts_with("png ")) << drawn;
  EXPECT_EQ(nlohmann::json::parse(drawn.substr(4)),
            sweep_json({kLayer, "--sweep", "k=1..5", "--same"}));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.PNG", "python"}));
}

TEST(CostSweepPlot, WritesNothingOnAnError) {
  const TempFolder folder;
  const auto error = [&](const std::string& path) {
    return sweep_error({kLayer, "--sweep", "k=1..3", "--measure", "--plot", path});
  };
  EXPECT_CONTAINS(error(folder.path("a.pdf")), "the extension .pdf; charts are .svg or .png");
  EXPECT_CONTAINS(error(folder.path("a")), "has no extension");
  EXPECT_CONTAINS(error(""), "plot  has no extension");
  EXPECT_CONTAINS(error(folder.path("none/a.png")), "there is no folder");
  {
    const FakePython nowhere(folder.path("none"));
    EXPECT_CONTAINS(error(folder.path("a.png")), "(there is no program " + folder.path("none"));
    EXPECT_CONTAINS(error(folder.path("a.png")), "pip install matplotlib");
  }
  {
    const FakePython bare("/bin/false");
    EXPECT_CONTAINS(error(folder.path("a.png")), "pip install matplotlib");
  }
  EXPECT_TRUE(folder.names().empty());
  const std::string net = folder.file("net.png", std::string(kLayer) + "\n");
  EXPECT_CONTAINS(sweep_error({net, "--sweep", "k=1..3", "--plot", net}), "the same file");
  EXPECT_EQ(slurp(net), std::string(kLayer) + "\n");
}

TEST(CostSweepPlot, SaysWhatPythonSaid) {
  const TempFolder folder;
  const FakePython python(folder,
                          "printf 'Traceback:\\n  a line\\nOSError: no such thing\\n' >&2; exit 1");
  const std::string picture = folder.path("a.svg");
  const Outcome outcome = sweep({kLayer, "--sweep", "n=1..1000", "--plot", picture});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "cannot draw the chart: OSError: no such thing\n");
  EXPECT_CONTAINS(outcome.out, "multiplications") << "what was counted is not lost";
  EXPECT_FALSE(std::filesystem::exists(picture));
}

TEST(CostSweepPlot, AnInterruptEndsPythonAndWritesNothing) {
  const TempFolder folder;
  const FakePython python(folder, "exec sleep 3600");
  std::vector<std::string> arguments = {"cost",   kLayer,   "--sweep",
                                        "k=1..3", "--plot", folder.path("a.svg")};
  for (const bool measure : {false, true}) {
    if (measure) arguments.insert(arguments.end(), {"--measure", "--seconds", "3600"});
    const Outcome run = run_plait(arguments, true);
    EXPECT_EQ(run.code, 130);
    EXPECT_EQ(run.err, "plait: interrupted\n");
    EXPECT_FALSE(std::filesystem::exists(folder.path("a.svg")));
  }
}

}  // namespace
}  // namespace plait::cli
