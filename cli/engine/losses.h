#pragma once

#include <string>

namespace kvscope::cli {

/// Warns on stderr of what the file `path` lost, with advice. Returns whether data was lost, which
/// is exit code 5.
bool warn_of_losses(const std::string& path);

}  // namespace kvscope::cli
