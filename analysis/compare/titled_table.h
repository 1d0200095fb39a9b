#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/base/table.h"

namespace kvscope {

/// How numbers are written: for people ("1.50 MiB", "-75.8 %"), or in full with the unit in the
/// column's name (1572864, -0.758…).
enum class Numbers { readable, exact };

/// What the rows of a table are, which says how people read them best.
enum class Rows {
  things,  ///< layers, scales, cells: as they stand
  files,   ///< one a file; people see files beside each other and a figure in each row
  notes,   ///< what it is about, what, more about it: people read sentences
};

/// A column with a figure of one file: "logical" of "ams.h5".
struct FileColumn {
  std::size_t column = 0;
  std::string file;
  std::string figure;  ///< empty where the table shows but one
};

/// A table with what its numbers depend on: dtype, device, batch, scope, denominator.
struct TitledTable {
  std::string title;
  std::string scope;  ///< one sentence, may be empty
  Table table;
  Rows rows = Rows::things;
  /// The columns that are of single files. A terminal shows each figure of all files side by side.
  std::vector<FileColumn> file_columns = {};

  /// Appends such a column.
  void add_column(std::string name, std::string file, std::string figure);
};

/// All tables that have rows, for a terminal of `columns` columns. File names that are too long to
/// stand beside each other become numbers, which a legend on top explains.
std::string to_text(std::span<const TitledTable> tables, int columns = usual_text_columns);

/// All tables as GitHub-flavoured markdown, each under a heading; files stand beside each other.
std::string to_markdown(std::span<const TitledTable> tables);

/// One long CSV, one line for each cell: table, line in it, first cell of that line, column, value.
std::string to_csv(std::span<const TitledTable> tables);

}  // namespace kvscope
