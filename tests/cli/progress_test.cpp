// The progress bar: what it says, and that only a terminal ever sees it.
#include "app/progress.hpp"

#include <pty.h>

#include <array>

#include "support.hpp"

namespace plait::cli {
namespace {

TEST(Progress, SaysWhatIsDoneAndHowLongTheRestTakes) {
  EXPECT_EQ(progress_text("verify", 0, 2000, 1, 100), "verify [------------------------] 0/2000");
  EXPECT_EQ(progress_text("verify", 500, 2000, 10, 100),
            "verify [######------------------] 500/2000  30 s left");
  EXPECT_EQ(progress_text("verify", 1000, 2000, 70, 100),
            "verify [############------------] 1000/2000  1 min 10 s left");
  EXPECT_EQ(progress_text("verify", 1, 2, 3720, 100),
            "verify [############------------] 1/2  1 h 2 min left");
  EXPECT_EQ(progress_text("verify", 2000, 2000, 70, 100),
            "verify [########################] 2000/2000");
}

TEST(Progress, StaysWithinTheTerminal) {
  EXPECT_EQ(progress_text("verify", 500, 2000, 10, 12), "verify [####");
  EXPECT_EQ(progress_text("verify", 500, 2000, 10, 0), "");
}

TEST(Progress, OfNothingIsDone) {
  EXPECT_EQ(progress_text("bench", 0, 0, 0, 100), "bench [########################] 0/0");
}

// What a bar writes to the given descriptor's other end.
std::string drawn(int reader, int writer) {
  {
    Progress progress("bench", 3, writer);
    for (int done = 1; done <= 3; ++done) progress.update(done);
    progress.clear();
    progress.update(3);
  }
  ::close(writer);
  std::string text;
  std::array<char, 4096> buffer{};
  // In pieces, until the end of the pipe (0) or of the terminal (an error).
  for (ssize_t got; (got = ::read(reader, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(reader);
  return text;
}

TEST(Progress, ClearsItsLineOnATerminal) {
  ::setenv("TERM", "xterm", 1);
  int reader = -1;
  int writer = -1;
  ASSERT_EQ(::openpty(&reader, &writer, nullptr, nullptr, nullptr), 0);
  const std::string text = drawn(reader, writer);
  EXPECT_CONTAINS(text,
                  "\r\x1b[K"
                  "bench [------------------------] 0/3");
  EXPECT_CONTAINS(text,
                  "3/3\r\x1b[K\r\x1b[K"
                  "bench");  // cleared, and drawn again
  EXPECT_TRUE(text.ends_with("3/3\r\x1b[K")) << text;
}

TEST(Progress, DrawsNothingElsewhere) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  EXPECT_EQ(drawn(ends[0], ends[1]), "");
}

}  // namespace
}  // namespace plait::cli
