#pragma once

#include <string>
#include <string_view>

namespace kvscope {

/// Throws BadInput with the system's reason when `path` cannot be opened for reading or is no
/// regular file: libraries that open a file themselves lose that reason.
void check_readable(const std::string& path, std::string_view where);

/// The bytes of a whole file or pipe. Throws BadInput with the system's reason.
std::string read_input(const std::string& path, std::string_view where);

}  // namespace kvscope
