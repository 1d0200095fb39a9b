#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/trace/schema.h"

namespace kvscope {
namespace {

std::string format_page() {
  std::ifstream file(KVSCOPE_SOURCE_DIR "/data/FORMAT.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Scripts outside the tree are written from that page: it must say what the writer does.
TEST(TraceFormatPage, NamesEveryTableAndColumn) {
  const std::string page = format_page();
  const auto expect = [&](const std::string& row) {
    EXPECT_NE(page.find(row), std::string::npos) << "missing: " << row;
  };
  for (const trace::Table& table : trace::tables()) {
    expect(fmt::format("| `/{}` | {} |", table.name, table.meaning));
    for (const trace::Column& column : table.columns) {
      expect(fmt::format("| `{}` | {} | {} | {} |", column_path(table, column),
                         name_of(column.type), column.unit, column.meaning));
    }
  }
}

TEST(TraceFormatPage, NamesEveryReasonAndTheVersion) {
  const std::string page = format_page();
  EXPECT_NE(page.find(fmt::format("`{}`", trace::version)), std::string::npos);
  for (std::size_t i = 0; i < trace::loss_reason_count; ++i) {
    const std::string_view reason = name_of(static_cast<trace::LossReason>(i));
    const std::string row = fmt::format("| `{}` | {} |", reason, trace::advice_of(reason));
    EXPECT_NE(page.find(row), std::string::npos) << "missing: " << row;
  }
}

TEST(TraceCatalogue, HasNoPathTwiceAndKnowsEveryByteOfARow) {
  std::set<std::string> paths;
  for (const trace::Table& table : trace::tables()) {
    std::set<std::size_t> offsets;
    for (const trace::Column& column : table.columns) {
      EXPECT_TRUE(paths.insert(column_path(table, column)).second) << column_path(table, column);
      EXPECT_TRUE(offsets.insert(column.offset).second) << column_path(table, column);
      EXPECT_LE(column.offset + bytes_of(column.type), table.row_bytes);
    }
    const std::string_view second = table.columns[1].name;
    EXPECT_EQ(table.is_span, second == "end_ns") << table.name;
    EXPECT_EQ(table.columns[0].type, trace::Type::int64) << table.name;
  }
}

}  // namespace
}  // namespace kvscope
