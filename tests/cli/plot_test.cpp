// Charts: what gnuplot is told, and what `plait cost --sweep --plot` writes, or does not.
#include <stdlib.h>
#include <sys/stat.h>

#include "cost_sweep_support.hpp"

namespace plait::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kLayer = kSweptLayer;

// Sets PATH while it lives.
class PathSet {
 public:
  explicit PathSet(const std::string& path) : old_(::getenv("PATH")) {
    ::setenv("PATH", path.c_str(), 1);
  }
  PathSet(const PathSet&) = delete;
  PathSet& operator=(const PathSet&) = delete;
  ~PathSet() { ::setenv("PATH", old_.c_str(), 1); }

 private:
  std::string old_;
};

TEST(Plot, PrefixesAreReadable) {
  EXPECT_EQ(prefixed_text(0, "s"), "0");
  EXPECT_EQ(prefixed_text(2e-5, "s"), "20 us");
  EXPECT_EQ(prefixed_text(1e-3, "s"), "1 ms");
  EXPECT_EQ(prefixed_text(2.5, "s"), "2.5 s");
  EXPECT_EQ(prefixed_text(500, ""), "500");
  EXPECT_EQ(prefixed_text(1000, ""), "1 k");
  EXPECT_EQ(prefixed_text(1.5e9, ""), "1.5 G");
  EXPECT_EQ(prefixed_text(4e18, ""), "4000 P");
}

Chart chart_of(const std::vector<double>& x, const std::vector<double>& y) {
  return {"title", "subtitle", "x", x, {{"y", "", {{"curve", y, Stroke::marked}}}}};
}

TEST(Plot, AxesAreLogarithmicWhereThatFits) {
  const auto script = [](const std::vector<double>& x, const std::vector<double>& y) {
    return plot_script(chart_of(x, y), PictureKind::svg);
  };
  EXPECT_CONTAINS(script({1, 2, 3, 4}, {1, 2, 3, 4}), "\nunset logscale x");
  EXPECT_CONTAINS(script({1, 2, 4, 8}, {1, 2, 3, 4}), "\nset logscale x");
  EXPECT_CONTAINS(script({0, 2, 4, 8}, {1, 2, 3, 4}), "\nunset logscale x");
  EXPECT_CONTAINS(script({7}, {1}), "\nunset logscale x");
  EXPECT_CONTAINS(script({1, 2, 3, 4}, {1, 2, 3, 90}), "\nunset logscale y");
  EXPECT_CONTAINS(script({1, 2, 3, 4}, {1, 2, 3, 100}), "\nset logscale y");
  EXPECT_CONTAINS(script({1, 2, 4, 8}, {1, 2, 3, 10}), "\nset logscale y");
  EXPECT_CONTAINS(script({1, 2, 4, 8}, {0, 2, 3, 1000}), "\nunset logscale y");
}

TEST(Plot, TextIsNoCommand) {
  Chart chart = chart_of({1, 2}, {3, 4});
  chart.title = "it's `touch x` \"$(y)\"\n\x01\xff";
  EXPECT_CONTAINS(plot_script(chart, PictureKind::svg), "'it''s `touch x` \"$(y)\"??\xef\xbf\xbd'");
}

TEST(CostSweepPlot, IsWrittenAsSvgAndPng) {
  if (!gnuplot_is_here()) GTEST_SKIP() << "gnuplot is not here";
  const TempFolder folder;
  const std::string mark = folder.path("mark");
  // A name that a shell, gnuplot's own substitution or XML would take for theirs.
  const std::string line = "a'b`touch${IFS}" + mark + "`\"<&{_x}: 1x4x12x12,6x4x3x3,p1";
  for (const std::string name : {"a.svg", "a.PNG"}) {
    const Outcome outcome =
        sweep({line, "--sweep", "k=1..5", "--same", "--plot", folder.path(name)});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_CONTAINS(outcome.out, "plot      " + folder.path(name));
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.PNG", "a.svg"}));
  const std::string png = slurp(folder.path("a.PNG"));
  EXPECT_TRUE(png.starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_NE(png.find("IEND"), std::string::npos);
  const std::string svg = slurp(folder.path("a.svg"));
  EXPECT_TRUE(svg.starts_with("<?xml"));
  for (const char* part :
       {"</svg>", "a'b`touch${IFS}", "&lt;&amp;{_x}: 1x4x12x12", "padding d(k-1)/2 for each",
        "multiplications", "without those by padding"}) {
    EXPECT_CONTAINS(svg, part);
  }
}

TEST(CostSweepPlot, HasTheTimesWithMeasure) {
  if (!gnuplot_is_here()) GTEST_SKIP() << "gnuplot is not here";
  const TempFolder folder;
  const Json json = sweep_json({kLayer, "--sweep", "k=1,3", "--measure", "--seconds", "0.001",
                                "--rounds", "1", "--plot", folder.path("a.svg")});
  EXPECT_EQ(json["values"].size(), 2U);
  const std::string svg = slurp(folder.path("a.svg"));
  for (const std::string& part : {std::string("roofline"), std::string("time"),
                                  json["values"][1]["measured"]["algorithm"].get<std::string>()}) {
    EXPECT_CONTAINS(svg, part);
  }
}

TEST(CostSweepPlot, DrawsEdges) {
  if (!gnuplot_is_here()) GTEST_SKIP() << "gnuplot is not here";
  const TempFolder folder;
  const struct {
    std::vector<std::string> arguments;
  } cases[] = {
      {{kLayer, "--sweep", "k=3"}},
      {{kLayer, "--sweep", "n=1..1000"}},
      {{kLayer, "--sweep", "n=1..1000000000000*2"}},
      {{kLayer, "--sweep", "n=8,1,4,4"}},
      {{kLayer, "--sweep", "padding=0..4"}},
      {{kLayer, "--sweep", "n=1..3", "--direction", "backward_bias"}},
      {{"1x1x1x1,1x1x1x1", "--sweep", "n=1", "--direction", "backward_bias"}},
  };
  for (const auto& one : cases) {
    std::vector<std::string> arguments = one.arguments;
    arguments.insert(arguments.end(), {"--plot", folder.path("a.svg")});
    const Outcome outcome = sweep(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_CONTAINS(slurp(folder.path("a.svg")), "</svg>");
    std::filesystem::remove(folder.path("a.svg"));
  }
}

TEST(CostSweepPlot, WritesNothingOnAnError) {
  const TempFolder folder;
  const auto error = [&](const std::string& path) {
    return sweep_error({kLayer, "--sweep", "k=1..3", "--measure", "--plot", path});
  };
  EXPECT_CONTAINS(error(folder.path("a.pdf")),
                  "the unknown extension .pdf; charts are .svg or .png");
  EXPECT_CONTAINS(error(folder.path("a")), "has no extension");
  EXPECT_CONTAINS(error(""), "plot '' has no extension");
  EXPECT_CONTAINS(error(folder.path("none/a.png")), "there is no folder");
  {
    const PathSet nowhere(folder.path("none"));
    EXPECT_CONTAINS(error(folder.path("a.png")), "install gnuplot-nox");
  }
  EXPECT_TRUE(folder.names().empty());
  const std::string net = folder.file("net.png", std::string(kLayer) + "\n");
  EXPECT_CONTAINS(sweep_error({net, "--sweep", "k=1..3", "--plot", net}), "the same file");
  EXPECT_EQ(slurp(net), std::string(kLayer) + "\n");
}

// A gnuplot that passes the first check and then fails, before it has read the script.
TEST(CostSweepPlot, SaysWhatGnuplotSaid) {
  const TempFolder folder;
  const std::string fake = folder.file(
      "gnuplot",
      "#!/bin/sh\nif [ -e \"$0.ran\" ]; then printf 'line 1:\\n   ^\\n no such thing\\n' >&2; "
      "exit 1; fi\n: > \"$0.ran\"\n");
  ASSERT_EQ(::chmod(fake.c_str(), 0755), 0);
  const PathSet path(folder.path("") + ":" + ::getenv("PATH"));
  const std::string picture = folder.path("a.svg");
  const Outcome outcome = sweep({kLayer, "--sweep", "n=1..1000", "--plot", picture});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_CONTAINS(outcome.err, "gnuplot cannot draw the chart: line 1:; no such thing");
  EXPECT_CONTAINS(outcome.out, "multiplications") << "what was counted is not lost";
  EXPECT_FALSE(std::filesystem::exists(picture));
}

}  // namespace
}  // namespace plait::cli
