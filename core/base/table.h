#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvscope {

/// A table for people and scripts. Every row has as many cells as there are columns.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

/// Adds cells to the end of a row.
void append(std::vector<std::string>& row, std::vector<std::string> more);

/// Columns padded to one width and two spaces apart, for a terminal; columns of numbers are
/// right-aligned. Widths count characters, not bytes, of UTF-8.
std::string to_text(const Table& table);

/// A GitHub-flavoured markdown table, aligned like to_text.
std::string to_markdown(const Table& table);

/// CSV as RFC 4180 has it: CRLF, quotes where a cell needs them.
std::string to_csv(const Table& table);

/// Characters of UTF-8 text.
std::size_t character_count(std::string_view text);

}  // namespace kvscope
