#include "analysis/report/markup.h"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/compare/figure_writer.h"

namespace kvscope {
namespace {

bool starts_like_a_number(std::string_view cell) {
  if (cell.size() > 20) return false;  // ids and dates
  const std::size_t start = cell.find_first_not_of("+-");
  return cell == "-" || cell == no_difference ||
         (start != std::string_view::npos && start < 2 && cell[start] >= '0' && cell[start] <= '9');
}

/// Columns in which every cell starts like a number.
std::vector<bool> number_columns(const Table& table) {
  std::vector<bool> numbers(table.columns.size(), !table.rows.empty());
  for (const auto& row : table.rows) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      numbers[column] = numbers[column] && starts_like_a_number(row[column]);
    }
  }
  return numbers;
}

/// A digest or id, wide enough to push the table off the page unless it breaks.
bool has_long_word(std::string_view cell) {
  constexpr std::size_t longest = 24;
  while (cell.size() > longest) {
    const std::size_t space = cell.find(' ');
    if (std::min(space, cell.size()) > longest) return true;
    cell.remove_prefix(space + 1);
  }
  return false;
}

std::string html_row(const std::vector<std::string>& cells, const std::vector<bool>& numbers,
                     const char* tag) {
  std::string html = "<tr>";
  for (std::size_t column = 0; column < cells.size(); ++column) {
    const bool is_long = has_long_word(cells[column]);
    const char* attribute = numbers[column] && is_long ? " class=\"n long\""
                            : numbers[column]          ? " class=\"n\""
                            : is_long                  ? " class=\"long\""
                                                       : "";
    html += fmt::format("<{0}{1}>{2}</{0}>", tag, attribute, escape_markup(cells[column]));
  }
  return html + "</tr>\n";
}

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 && c != '\n' ? ' ' : c;
    }
  }
  return escaped;
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = std::uint32_t{bytes[i]} << 16;
    if (left > 1) group |= std::uint32_t{bytes[i + 1]} << 8;
    if (left > 2) group |= bytes[i + 2];
    text += digits[group >> 18];
    text += digits[(group >> 12) & 63];
    text += left > 1 ? digits[(group >> 6) & 63] : '=';
    text += left > 2 ? digits[group & 63] : '=';
  }
  return text;
}

std::string html_table(const Table& table) {
  const std::vector<bool> numbers = number_columns(table);
  std::string html = "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead>";
  html += html_row(table.columns, numbers, "th");
  html += "</thead>\n<tbody>\n";
  for (const auto& row : table.rows) html += html_row(row, numbers, "td");
  return html + "</tbody></table></div>\n";
}

}  // namespace kvscope
