#pragma once

#include <span>
#include <string>

#include "core/base/table.h"

namespace kvscope {

/// How numbers are written: for people ("1.50 MiB", "-75.8 %"), or in full with the unit in the
/// column's name (1572864, -0.758…).
enum class Numbers { readable, exact };

/// A table with what its numbers depend on: dtype, device, batch, scope, denominator.
struct TitledTable {
  std::string title;
  std::string scope;  ///< one sentence, may be empty
  Table table;
};

/// All tables for a terminal.
std::string to_text(std::span<const TitledTable> tables);

/// All tables as GitHub-flavoured markdown, each under a heading.
std::string to_markdown(std::span<const TitledTable> tables);

/// One long CSV, one line for each cell: table, line in it, first cell of that line, column, value.
std::string to_csv(std::span<const TitledTable> tables);

}  // namespace kvscope
