#include <plait/text.hpp>

#include <gtest/gtest.h>

namespace plait {
namespace {

TEST(Text, Seconds) {
  EXPECT_EQ(seconds_text(0), "0 us");
  EXPECT_EQ(seconds_text(1.234e-7), "0.123 us");
  EXPECT_EQ(seconds_text(24.9e-6), "24.9 us");
  EXPECT_EQ(seconds_text(1.24e-3), "1.24 ms");
  EXPECT_EQ(seconds_text(0.5), "500 ms");
  EXPECT_EQ(seconds_text(2), "2 s");
  EXPECT_EQ(seconds_text(1234), "1234 s");
  EXPECT_EQ(seconds_text(-1.24e-3), "-1.24 ms");
}

TEST(Text, Bytes) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(64), "64 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1 KiB");
  EXPECT_EQ(bytes_text(9410), "9.19 KiB");
  EXPECT_EQ(bytes_text(1009 << 10), "1009 KiB");
  EXPECT_EQ(bytes_text(3 << 19), "1.5 MiB");
  EXPECT_EQ(bytes_text(std::int64_t{5} << 30), "5 GiB");
  EXPECT_EQ(bytes_text(std::int64_t{1} << 62), "4194304 TiB");
  EXPECT_EQ(bytes_text(-9410), "-9.19 KiB");
}

TEST(Text, Counts) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(26'843'545'600), "26,843,545,600");
  EXPECT_EQ(count_text(-999), "-999");
  EXPECT_EQ(count_text(-123'456), "-123,456");
  EXPECT_EQ(counted(0, "group"), "0 groups");
  EXPECT_EQ(counted(1, "group"), "1 group");
  EXPECT_EQ(counted(4096, "group"), "4,096 groups");
}

TEST(Text, RoundedCounts) {
  EXPECT_EQ(rounded_count_text(0), "0");
  EXPECT_EQ(rounded_count_text(9999), "9999");
  EXPECT_EQ(rounded_count_text(10'000), "10.0 k");
  EXPECT_EQ(rounded_count_text(115'605'504), "115.6 M");
  EXPECT_EQ(rounded_count_text(26'843'545'600), "26.84 G");
  EXPECT_EQ(rounded_count_text(-115'605'504), "-115.6 M");
}

TEST(Text, RoundingUpToTheNextUnitUsesIt) {
  EXPECT_EQ(seconds_text(999.4e-6), "999 us");
  EXPECT_EQ(seconds_text(999.6e-6), "1 ms");
  EXPECT_EQ(seconds_text(999.6e-3), "1 s");
  EXPECT_EQ(bytes_text(1'048'064), "1 MiB") << "1023.5 KiB";
  EXPECT_EQ(bytes_text(1'048'063), "1023 KiB");
  EXPECT_EQ(bytes_text(1'048'474), "1 MiB") << "1023.9 KiB";
  EXPECT_EQ(bytes_text(1'023'488), "1000 KiB") << "999.5 KiB";
  EXPECT_EQ(bytes_text(-1'048'474), "-1 MiB");
  EXPECT_EQ(rounded_count_text(999'960), "1.0 M");
  EXPECT_EQ(rounded_count_text(999'960'000), "1.00 G");
  EXPECT_EQ(factor_text(9.996), "10x");
}

TEST(Text, RatiosAndErrors) {
  EXPECT_EQ(factor_text(1), "1.00x");
  EXPECT_EQ(factor_text(1.8), "1.80x");
  EXPECT_EQ(factor_text(353.4), "353x");
  EXPECT_EQ(percent_text(0.544), "54 %");
  EXPECT_EQ(short_text(0.312), "0.31");
  EXPECT_EQ(short_text(0), "0");
  EXPECT_EQ(error_text(2.1e-7), "2.1e-07");
}

TEST(Text, TablesHaveColumnsOfTheirWidestCells) {
  EXPECT_EQ(table_text({{"name", "class", "GFLOP/s"}, {"a", "3x3 s1", "1.5"}, {}, {"longer"}},
                       {.left_columns = 2}),
            "name    class   GFLOP/s\n"
            "a       3x3 s1      1.5\n"
            "\n"
            "longer\n");
}

TEST(Text, TheLastColumnOfATableCanHaveWords) {
  EXPECT_EQ(table_text({{"layer", "products", "verdict"}, {"a", "1,024", "no"}, {"b", "2"}},
                       {.words_last = true, .indent = "  "}),
            "  layer  products  verdict\n"
            "  a         1,024  no\n"
            "  b             2\n");
}

}  // namespace
}  // namespace plait
