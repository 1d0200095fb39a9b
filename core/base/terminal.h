#pragma once

#include <string>
#include <string_view>

namespace kvscope {

/// Whether stderr is a terminal that takes escape sequences: not where TERM is missing or "dumb".
bool is_drawable_terminal();

/// Whether stderr may be coloured: a drawable terminal, and NO_COLOR (https://no-color.org) is not
/// set.
bool is_coloured_terminal();

/// Columns of the terminal on stderr, or COLUMNS, or 80.
int terminal_columns();

/// As much of the UTF-8 `text` as fits into `columns`, one column a character; where it does not
/// fit, it ends with "…".
std::string cut_to_columns(std::string_view text, int columns);

}  // namespace kvscope
