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

TEST(Table, FilesBesideEachOtherAreAlignedRightWordsToo) {
  EXPECT_EQ(to_text({.columns = {"", "a.h5", "b.h5"},
                     .rows = {{"kind", "run", "capture"}, {"batch", "8", "16"}},
                     .groups = {},
                     .figures_right = true}),
            "       a.h5     b.h5\n"
            "kind    run  capture\n"
            "batch     8       16\n");
}

const Table wide = {.columns = {"scale", "a.h5", "b.h5", "a.h5", "b.h5"},
                    .rows = {{"0", "288 KiB", "288 KiB", "191 MiB", "39.1 MiB"}},
                    .groups = {{1, "logical"}, {3, "resident"}}};

TEST(Table, GroupsHaveTheirHeadingOverAllTheirColumns) {
  EXPECT_EQ(to_text(wide),
            "       ─── logical ────  ──── resident ────\n"
            "scale     a.h5     b.h5      a.h5      b.h5\n"
            "    0  288 KiB  288 KiB   191 MiB  39.1 MiB\n");
}

// A line that the terminal wraps is a table nobody can read.
TEST(Table, WhatIsTooWideBecomesBlocksThatPartWhereAGroupBegins) {
  EXPECT_EQ(to_text(wide, 40),
            "       ─── logical ────\n"
            "scale     a.h5     b.h5\n"
            "    0  288 KiB  288 KiB\n"
            "\n"
            "       ──── resident ────\n"
            "scale      a.h5      b.h5\n"
            "    0   191 MiB  39.1 MiB\n");
}

TEST(Table, AGroupThatIsTooWideIsParted) {
  const std::string text = to_text(wide, 16);
  EXPECT_THAT(text, ::testing::HasSubstr("       resident\nscale      b.h5\n    0  39.1 MiB\n"));
}

TEST(Table, WordsAreWrappedBeforeColumnsArePartedAndNumbersAreNot) {
  const Table table = {.columns = {"layer", "what it keeps of all that went before", "share"},
                       .rows = {{"0", "condensed 2 and local 1 of the scales", "12.5 … 13.5 %"}}};
  EXPECT_EQ(to_text(table, 54),
            "       what it keeps of all that went\n"
            "layer  before                                    share\n"
            "    0  condensed 2 and local 1 of the    12.5 … 13.5 %\n"
            "       scales\n");
}

// Ids and digests have no spaces.
TEST(Table, LongWordsBreakAtHyphensOrAnywhere) {
  EXPECT_EQ(to_text({.columns = {"what", "value"},
                     .rows = {{"kind", "run"}, {"id", "22dc8eba-455d-4e8c-86bd-96134cbf9916"}}},
                    34),
            "what  value\n"
            "kind  run\n"
            "id    22dc8eba-455d-4e8c-86bd-\n"
            "      96134cbf9916\n");
  const std::string digest(64, 'a');
  EXPECT_EQ(to_text({.columns = {"what", "value"}, .rows = {{"digest", digest}}}, 48),
            "what    value\n"
            "digest  " +
                digest.substr(0, 40) + "\n        " + digest.substr(40) + "\n");
}

TEST(Table, NoLineIsWiderThanAskedFor) {
  Table table;
  table.columns = {"cell"};
  for (int i = 0; i < 30; ++i) table.columns.push_back("a figure of number " + std::to_string(i));
  table.rows.assign(3, std::vector<std::string>(table.columns.size(), "1.234 ms"));
  for (const int width : {30, 40, 60, 100, 200}) {
    const std::string text = to_text(table, width);
    std::size_t cells = 0;
    for (std::size_t at = 0; (at = text.find("1.234 ms", at)) != std::string::npos; ++at) ++cells;
    EXPECT_GE(cells, 3 * table.columns.size());
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      EXPECT_LE(character_count(text.substr(at, text.find('\n', at) - at)),
                static_cast<std::size_t>(width));
    }
  }
}

}  // namespace
}  // namespace kvscope
