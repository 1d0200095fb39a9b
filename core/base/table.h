#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/terminal.h"

namespace kvscope {

/// Columns of a table that belong together.
struct ColumnGroup {
  std::size_t first = 0;  ///< its first column; it ends where the next one begins
  std::string heading;    ///< stands above its columns; may be empty
};

/// A table for people and scripts. Every row has as many cells as there are columns.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  /// In order; only a terminal shows them.
  std::vector<ColumnGroup> groups = {};
  /// All columns but the first are aligned right, words too: files beside each other.
  bool figures_right = false;
};

/// Adds cells to the end of a row.
void append(std::vector<std::string>& row, std::vector<std::string> more);

/// Columns padded to one width and two spaces apart, for a terminal of `width` columns; columns of
/// numbers are right-aligned. Widths count characters, not bytes, of UTF-8. What is wider has its
/// column names and words wrapped, then becomes blocks of columns below each other, each with the
/// first column; blocks part where a group begins, if they can. Numbers are never broken.
std::string to_text(const Table& table, int width = usual_text_columns);

/// A GitHub-flavoured markdown table, aligned like to_text.
std::string to_markdown(const Table& table);

/// CSV as RFC 4180 has it: CRLF, quotes where a cell needs them.
std::string to_csv(const Table& table);

/// Whether a cell such as "12.3 ms", "-24.8 %", "[0.1, 0.2]" or "-" belongs among numbers.
bool is_number(std::string_view cell);

/// Whether text and markdown align a column right: all numbers, or figures_right.
bool is_right_aligned(const Table& table, std::size_t column);

/// `cell` filled up with spaces to `width` characters.
std::string padded(const std::string& cell, std::size_t width, bool right);

/// Characters of UTF-8 text.
std::size_t character_count(std::string_view text);

}  // namespace kvscope
