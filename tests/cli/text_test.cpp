#include "io/text.hpp"

#include "support.hpp"

namespace plait::cli {
namespace {

TEST(Text, BytesInTheUnitThatFits) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(64), "64 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1 KiB");
  EXPECT_EQ(bytes_text(9410), "9.19 KiB");
  EXPECT_EQ(bytes_text(1 << 20), "1 MiB");
  EXPECT_EQ(bytes_text(5e13), "46566 GiB");
}

TEST(Text, TablesHaveColumnsOfTheirWidestCells) {
  EXPECT_EQ(table_text({{"name", "class", "GFLOP/s"}, {"a", "3x3 s1", "1.5"}, {}, {"longer"}}, 2),
            "name    class   GFLOP/s\n"
            "a       3x3 s1      1.5\n"
            "\n"
            "longer\n");
}

}  // namespace
}  // namespace plait::cli
