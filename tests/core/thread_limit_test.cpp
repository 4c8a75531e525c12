// What the environment's variables allow, as texts.
#include "core/machine/thread_limit.hpp"

#include <plait/error.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/calls.hpp"

namespace plait::test {
namespace {

constexpr std::optional<int> kNone;

TEST(ThreadLimit, IsTheFirstNumberOfOpenMps) {
  const struct {
    const char* text;
    std::optional<int> limit;
  } cases[] = {
      {"", kNone},
      {"4", 4},
      {"1", 1},
      {" 4 ", 4},
      {"4,3,2", 4},
      {" 4 , 3 , 2 ", 4},
      {"\t2\t", 2},
      {"2,8", 2},
      {"1048576", kMostCores},
      {"1048577", kMostCores},
      {"9000000000000000000", kMostCores},
      // What OpenMP's runtimes warn of and leave alone.
      {"0", kNone},
      {"-1", kNone},
      {"+4", kNone},
      {"4.0", kNone},
      {"4x", kNone},
      {"four", kNone},
      {"4,", kNone},
      {",4", kNone},
      {"4,0", kNone},
      {"4,x", kNone},
      {"4 3", kNone},
      {" ", kNone},
      {",", kNone},
      {"0x4", kNone},
      {"99999999999999999999", kNone},
  };
  for (const auto& [text, limit] : cases) EXPECT_EQ(thread_limit("", text), limit) << text;
}

TEST(ThreadLimit, IsPlaitsOwnWhereThatIsSet) {
  EXPECT_EQ(thread_limit("8", "2"), 8);
  EXPECT_EQ(thread_limit("2", "8"), 2);
  EXPECT_EQ(thread_limit(" 2 ", "none"), 2);
  EXPECT_EQ(thread_limit("1048576", ""), kMostCores);
  for (const std::string text :
       {" ", "0", "-1", "+2", "1.5", "two", "4,3", "1048577", "99999999999999999999"}) {
    EXPECT_EQ(error_of(Status::invalid_argument, [&] { thread_limit(text, "2"); }),
              "PLAIT_NUM_THREADS must be a whole number from 1 to 1048576 but is \"" + text + "\"");
  }
}

}  // namespace
}  // namespace plait::test
