#include "analysis/compare/titled_table.h"

#include <fmt/format.h>

namespace kvscope {

std::string to_text(std::span<const TitledTable> tables) {
  std::string text;
  for (const TitledTable& table : tables) {
    if (!text.empty()) text += '\n';
    text += table.title + '\n';
    if (!table.scope.empty()) text += table.scope + '\n';
    text += to_text(table.table);
  }
  return text;
}

std::string to_markdown(std::span<const TitledTable> tables) {
  std::string text;
  for (const TitledTable& table : tables) {
    if (!text.empty()) text += '\n';
    text += fmt::format("### {}\n\n", table.title);
    if (!table.scope.empty()) text += table.scope + "\n\n";
    text += to_markdown(table.table);
  }
  return text;
}

std::string to_csv(std::span<const TitledTable> tables) {
  Table all{{"table", "line", "row", "column", "value"}, {}};
  for (const TitledTable& table : tables) {
    for (std::size_t i = 0; i < table.table.rows.size(); ++i) {
      const std::vector<std::string>& row = table.table.rows[i];
      for (std::size_t column = 1; column < row.size(); ++column) {
        all.rows.push_back(
            {table.title, std::to_string(i), row[0], table.table.columns[column], row[column]});
      }
    }
  }
  return to_csv(all);
}

}  // namespace kvscope
