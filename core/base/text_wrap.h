#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvscope {

/// UTF-8 `text` in lines of at most `columns` characters, broken at spaces, but not before a
/// percent sign. A word that is longer stands alone on its line: paths and commands stay whole for
/// those who copy them.
std::vector<std::string> wrapped_lines(std::string_view text, int columns);

/// Every line of `text` wrapped like that, each with its newline. What a line goes on with is
/// indented as its text is: by its leading spaces and, where a gap of two spaces or more sets off a
/// name in front, to behind that gap.
std::string wrap_text(std::string_view text, int columns);

/// `names` as a left column of `left` characters, `text` wrapped at its right; below the names
/// where they are wider, whose own further lines are indented by `names_indent`.
std::string wrap_beside(std::string_view names, std::string_view text, int names_indent, int left,
                        int columns);

}  // namespace kvscope
