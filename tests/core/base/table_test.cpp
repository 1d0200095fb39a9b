#include "core/base/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvscope {
namespace {

const Table sample = {.columns = {"layer", "time", "note"},
                      .rows = {{"0", "1.5 µs", "first"}, {"11", "12.5 ms", "a|b, \"c\""}}};

TEST(Table, TextAlignsNumbersRightAndCountsCharactersNotBytes) {
  EXPECT_EQ(to_text(sample),
            "layer     time  note\n"
            "    0   1.5 µs  first\n"
            "   11  12.5 ms  a|b, \"c\"\n");
}

TEST(Table, MarkdownEscapesBars) {
  EXPECT_EQ(to_markdown(sample),
            "| layer |    time | note      |\n"
            "| ----: | ------: | --------- |\n"
            "|     0 |  1.5 µs | first     |\n"
            "|    11 | 12.5 ms | a\\|b, \"c\" |\n");
}

TEST(Table, CsvQuotesWhatRfc4180Asks) {
  EXPECT_EQ(to_csv(sample),
            "layer,time,note\r\n0,1.5 µs,first\r\n11,12.5 ms,\"a|b, \"\"c\"\"\"\r\n");
  EXPECT_EQ(to_csv({.columns = {"a"}, .rows = {{"two\nlines"}}}), "a\r\n\"two\nlines\"\r\n");
}

TEST(Table, AColumnWithOneWordIsAlignedLeft) {
  EXPECT_EQ(to_text({.columns = {"tokens"}, .rows = {{"5"}, {"all"}}}), "tokens\n5\nall\n");
}

}  // namespace
}  // namespace kvscope
