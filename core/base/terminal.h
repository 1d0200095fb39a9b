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

/// Columns of text that goes somewhere else than to a terminal: what a page, a mail or an editor
/// shows beside something else.
inline constexpr int usual_text_columns = 100;

/// Columns for text on stdout: those of the terminal there, or COLUMNS, or usual_text_columns.
/// Never fewer than 40, which tables and help need.
int text_columns();

/// As much of the UTF-8 `text` as fits into `columns`, one column a character; where it does not
/// fit, it ends with "…".
std::string cut_to_columns(std::string_view text, int columns);

}  // namespace kvscope
