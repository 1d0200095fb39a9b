#include "core/base/table.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace kvscope {
namespace {

struct Layout {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
};

Layout layout_of(const Table& table) {
  Layout layout;
  for (std::size_t column = 0; column < table.columns.size(); ++column) {
    std::size_t width = character_count(table.columns[column]);
    for (const std::vector<std::string>& row : table.rows) {
      width = std::max(width, character_count(row.at(column)));
    }
    layout.widths.push_back(width);
    layout.right.push_back(is_right_aligned(table, column));
  }
  return layout;
}

std::string markdown_line(const std::vector<std::string>& cells, const Layout& layout) {
  std::string line = "|";
  for (std::size_t column = 0; column < cells.size(); ++column) {
    line += ' ';
    line += padded(cells[column], layout.widths[column], layout.right[column]);
    line += " |";
  }
  return line + '\n';
}

std::string escaped_for_markdown(const std::string& cell) {
  std::string escaped;
  for (const char character : cell) {
    if (character == '|') escaped += '\\';
    escaped += character == '\n' ? ' ' : character;
  }
  return escaped;
}

Table escaped_for_markdown(Table table) {
  for (std::string& cell : table.columns) cell = escaped_for_markdown(cell);
  for (std::vector<std::string>& row : table.rows) {
    for (std::string& cell : row) cell = escaped_for_markdown(cell);
  }
  return table;
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t column = 0; column < cells.size(); ++column) {
    if (column != 0) line += ',';
    const std::string& cell = cells[column];
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      line += cell;
      continue;
    }
    line += '"';
    for (const char character : cell) {
      if (character == '"') line += '"';
      line += character;
    }
    line += '"';
  }
  return line + "\r\n";
}

}  // namespace

std::size_t character_count(std::string_view text) {
  // Continuation bytes of UTF-8 are 10xxxxxx.
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char character) {
    return (static_cast<unsigned char>(character) & 0xC0U) != 0x80U;
  }));
}

bool is_number(std::string_view cell) {
  if (cell.empty() || cell == "-" || cell == "nan" || cell == "n/a") return true;
  const std::size_t start = cell.find_first_not_of("+-−±[(<>≤≥~× ");
  return start != std::string_view::npos && cell[start] >= '0' && cell[start] <= '9';
}

bool is_right_aligned(const Table& table, std::size_t column) {
  if (table.figures_right && column != 0) return true;
  return !table.rows.empty() && std::all_of(table.rows.begin(), table.rows.end(),
                                            [column](const std::vector<std::string>& row) {
                                              return is_number(row.at(column));
                                            });
}

std::string padded(const std::string& cell, std::size_t width, bool right) {
  const std::string space(width - std::min(width, character_count(cell)), ' ');
  return right ? space + cell : cell + space;
}

void append(std::vector<std::string>& row, std::vector<std::string> more) {
  std::move(more.begin(), more.end(), std::back_inserter(row));
}

std::string to_markdown(const Table& table) {
  const Table escaped = escaped_for_markdown(table);
  Layout layout = layout_of(escaped);
  std::vector<std::string> rule;
  for (std::size_t column = 0; column < layout.widths.size(); ++column) {
    std::size_t& width = layout.widths[column];
    width = std::max<std::size_t>(width, 3);
    rule.push_back(layout.right[column] ? std::string(width - 1, '-') + ':'
                                        : std::string(width, '-'));
  }
  std::string text = markdown_line(escaped.columns, layout) + markdown_line(rule, layout);
  for (const std::vector<std::string>& row : escaped.rows) text += markdown_line(row, layout);
  return text;
}

std::string to_csv(const Table& table) {
  std::string text = csv_line(table.columns);
  for (const std::vector<std::string>& row : table.rows) text += csv_line(row);
  return text;
}

}  // namespace kvscope
