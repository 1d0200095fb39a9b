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
  EXPECT_EQ(parse_bytes("500", "--kv-memory"), 500);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GiB", "12 parsecs", "-1", "1e30", "24gib"}) {
    EXPECT_THROW(parse_bytes(text, "--kv-memory"), UsageError) << text;
  }
}

}  // namespace
}  // namespace kvscope
