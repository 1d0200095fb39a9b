#include "core/base/decimal.h"

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

TEST(ParseDecimal, ReadsWholeTextsInDecimal) {
  EXPECT_EQ(parse_decimal<int>("010"), 10);
  EXPECT_EQ(parse_decimal<int>("-3"), -3);
  EXPECT_EQ(parse_decimal<std::uint64_t>("18446744073709551615"), 18446744073709551615U);
  EXPECT_EQ(parse_decimal<double>("1e-3"), 0.001);
  EXPECT_EQ(parse_decimal<double>("2"), 2.0);
}

TEST(ParseDecimal, TakesNothingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "0x10", "0b1", "1,2", "1'000", "one", "nan", "inf",
                           "-inf", "1e999", "--1"}) {
    EXPECT_FALSE(parse_decimal<int>(text)) << text;
    EXPECT_FALSE(parse_decimal<double>(text)) << text;
  }
  EXPECT_FALSE(parse_decimal<int>("2147483648"));
  EXPECT_FALSE(parse_decimal<int>("1.0"));
  EXPECT_FALSE(parse_decimal<int>("1e3"));
  EXPECT_FALSE(parse_decimal<std::uint64_t>("-1"));
}

TEST(DecimalIn, NamesTheOptionTheRangeAndTheText) {
  const auto message_of = [](const auto& range, const char* text) -> std::string {
    try {
      (void)decimal_in(range, text, "--option");
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message_of(NumberRange{0.0, 1.0}, "nan"),
            "--option: expected a number from 0 to 1, got 'nan'");
  EXPECT_EQ(message_of(NumberRange<int>{.smallest = 1}, "0"),
            "--option: expected a whole number of at least 1, got '0'");
  EXPECT_EQ(message_of(NumberRange<double>{}, ""), "--option: expected a number, got ''");
  EXPECT_EQ(message_of(NumberRange<std::uint64_t>{}, "-1"),
            "--option: expected a whole number from 0 to 2^64 − 1, got '-1'");
  EXPECT_EQ(message_of(NumberRange{0.0, 1.0}, "1"), "");
}

TEST(SplitList, KeepsEmptyElements) {
  EXPECT_THAT(split_list("1,,2,"), ElementsAre("1", "", "2", ""));
  EXPECT_THAT(split_list(""), ElementsAre(""));
}

}  // namespace
}  // namespace kvscope
