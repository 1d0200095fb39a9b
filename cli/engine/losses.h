#pragma once

#include <string>

namespace kvscope::cli {

/// Warns on stderr of everything that the file `path` lost, with advice. Returns whether it lost
/// anything.
bool warn_of_losses(const std::string& path);

}  // namespace kvscope::cli
