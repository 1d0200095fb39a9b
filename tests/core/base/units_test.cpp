#include "core/base/units.h"

#include <limits>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

TEST(FormatBytes, KeepsThreeDigits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.50 KiB");
  EXPECT_EQ(format_bytes(470016000), "448 MiB");
  EXPECT_EQ(format_bytes(std::int64_t{141} << 30), "141 GiB");
  EXPECT_EQ(format_bytes(25'308'119'040, 4), "23.57 GiB");
}

TEST(FormatNs, PicksTheUnitThatFits) {
  EXPECT_EQ(format_ns(950), "950 ns");
  EXPECT_EQ(format_ns(12'300'000), "12.3 ms");
  EXPECT_EQ(format_ns(2.5e9), "2.50 s");
  EXPECT_EQ(format_ns(std::numeric_limits<double>::quiet_NaN()), "-");
}

TEST(ParseBytes, TellsBinaryFromDecimalUnits) {
  EXPECT_EQ(parse_bytes("24GiB", "--kv-memory"), std::int64_t{24} << 30);
  EXPECT_EQ(parse_bytes("1.5GB", "--kv-memory"), 1'500'000'000);
  EXPECT_EQ(parse_bytes("500B", "--kv-memory"), 500);
}

TEST(ParseBytes, TakesSizesAsPeopleWriteThem) {
  for (const char* text : {"24G", "24g", "24gib", "24 GiB", "24576M", "24576 mib"}) {
    EXPECT_EQ(parse_bytes(text, "--kv-memory"), std::int64_t{24} << 30) << text;
  }
  EXPECT_EQ(parse_bytes("24 gb", "--kv-memory"), 24'000'000'000);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GiB", "12 parsecs", "-1B", "1e30B", "infB", "nan GiB", "24 Gi B"}) {
    EXPECT_THROW(parse_bytes(text, "--kv-memory"), UsageError) << text;
  }
}

// "24" meant 24 bytes, and the smallest budget was named in reply.
TEST(ParseBytes, RefusesANumberWithoutAUnit) {
  try {
    (void)parse_bytes("24", "--kv-memory");
    FAIL() << "taken";
  } catch (const UsageError& error) {
    EXPECT_STREQ(
        error.what(),
        "--kv-memory: expected a size with its unit such as 512MiB, 24GiB or 24GB, got '24'");
  }
}

}  // namespace
}  // namespace kvscope
