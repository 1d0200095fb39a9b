#include "analysis/compare/titled_table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/text_wrap.h"

namespace kvscope {
namespace {

/// What stands for the files at the head of columns: their names, or numbers where these are long.
class FileLabels {
 public:
  FileLabels(std::span<const TitledTable> tables, int columns) {
    for (const TitledTable& table : tables) {
      for (const FileColumn& column : table.file_columns) add(column.file);
      if (table.rows != Rows::files) continue;
      for (const std::vector<std::string>& row : table.table.rows) add(row.front());
    }
    numbered_ = std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
      return character_count(name) > room(columns);
    });
  }

  std::string of(const std::string& name) const {
    if (!numbered_) return name;
    const auto found = std::find(names_.begin(), names_.end(), name);
    return fmt::format("[{}]", found - names_.begin() + 1);
  }

  /// Which file each number is; empty where names stand for themselves.
  std::string legend() const {
    std::string text;
    if (!numbered_) return text;
    for (const std::string& name : names_) text += fmt::format("{} {}\n", of(name), name);
    return text;
  }

 private:
  void add(const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
  }

  // For as many files as stand beside each other: up to four.
  std::size_t room(int columns) const {
    constexpr int figure_names = 22;
    constexpr int gap = 2;
    const int files = std::clamp(static_cast<int>(names_.size()), 1, 4);
    return static_cast<std::size_t>(std::max(8, (columns - figure_names) / files - gap));
  }

  std::vector<std::string> names_;
  bool numbered_ = false;
};

/// Rows and columns changed places; `label` heads the columns that were rows.
template <typename Label>
Table transposed(const Table& table, Label label) {
  Table turned{.columns = {""}, .rows = {}, .groups = {}, .figures_right = true};
  for (const std::vector<std::string>& row : table.rows) {
    turned.columns.push_back(label(row.front()));
  }
  for (std::size_t column = 1; column < table.columns.size(); ++column) {
    std::vector<std::string> row = {table.columns[column]};
    for (const std::vector<std::string>& file : table.rows) row.push_back(file.at(column));
    turned.rows.push_back(std::move(row));
  }
  return turned;
}

/// The figures of files, in the order in which they first come.
std::vector<std::string> figures_of(const TitledTable& table) {
  std::vector<std::string> figures;
  for (const FileColumn& column : table.file_columns) {
    if (std::find(figures.begin(), figures.end(), column.figure) == figures.end()) {
      figures.push_back(column.figure);
    }
  }
  return figures;
}

/// Columns of files sorted by figure, each figure a group with the files beside each other.
Table by_figure(const TitledTable& table, const FileLabels& labels) {
  const auto of_file = [&](std::size_t column) {
    return std::find_if(table.file_columns.begin(), table.file_columns.end(),
                        [column](const FileColumn& each) { return each.column == column; });
  };
  Table shown;
  std::vector<std::size_t> order;
  for (std::size_t column = 0; column < table.table.columns.size(); ++column) {
    if (of_file(column) != table.file_columns.end()) continue;
    order.push_back(column);
    shown.columns.push_back(table.table.columns[column]);
  }
  for (const std::string& figure : figures_of(table)) {
    shown.groups.push_back({order.size(), figure});
    for (const FileColumn& column : table.file_columns) {
      if (column.figure != figure) continue;
      order.push_back(column.column);
      shown.columns.push_back(labels.of(column.file));
    }
  }
  for (const std::vector<std::string>& row : table.table.rows) {
    std::vector<std::string> cells;
    for (const std::size_t column : order) cells.push_back(row.at(column));
    shown.rows.push_back(std::move(cells));
  }
  return shown;
}

/// "ams.h5: what" and below it, indented, what else there is to say.
std::string sentences(const Table& table, int columns) {
  std::string text;
  for (const std::vector<std::string>& row : table.rows) {
    text += wrap_text(fmt::format("{}: {}", row.at(0), row.at(1)), columns);
    for (std::size_t i = 2; i < row.size(); ++i) text += wrap_text("  " + row[i], columns);
  }
  return text;
}

std::string body_text(const TitledTable& table, const FileLabels& labels, int columns) {
  if (table.rows == Rows::notes) return sentences(table.table, columns);
  if (table.rows == Rows::files) {
    const auto label = [&](const std::string& file) { return labels.of(file); };
    return to_text(transposed(table.table, label), columns);
  }
  return to_text(table.file_columns.empty() ? table.table : by_figure(table, labels), columns);
}

}  // namespace

void TitledTable::add_column(std::string name, std::string file, std::string figure) {
  file_columns.push_back({table.columns.size(), std::move(file), std::move(figure)});
  table.columns.push_back(std::move(name));
}

std::string to_text(std::span<const TitledTable> tables, int columns) {
  const FileLabels labels(tables, columns);
  std::string text = labels.legend();
  for (const TitledTable& table : tables) {
    if (table.table.rows.empty()) continue;
    if (!text.empty()) text += '\n';
    text += wrap_text(table.title, columns);
    if (!table.scope.empty()) text += wrap_text(table.scope, columns);
    text += body_text(table, labels, columns);
  }
  return text;
}

std::string to_markdown(std::span<const TitledTable> tables) {
  const auto name = [](const std::string& file) { return file; };
  std::string text;
  for (const TitledTable& table : tables) {
    if (!text.empty()) text += '\n';
    text += fmt::format("### {}\n\n", table.title);
    if (!table.scope.empty()) text += table.scope + "\n\n";
    text += to_markdown(table.rows == Rows::files ? transposed(table.table, name) : table.table);
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
