#pragma once

#include <string>
#include <string_view>

namespace kvscope::cli {

/// Throws Error, headed by the command's name, when `path` exists and `force` is not set.
void check_new_output(std::string_view command, const std::string& path, bool force);

/// Writes a whole text file. Throws Error when it cannot be written or the disk is full.
void write_text_output(std::string_view command, const std::string& path, std::string_view text);

}  // namespace kvscope::cli
