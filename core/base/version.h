#pragma once

#include <string_view>

namespace kvscope {

/// Version of the tool, e.g. "0.1.0".
std::string_view tool_version();

/// Short git commit the binary was built from, with "-dirty" behind it when the tree had changes,
/// or "unknown" outside a git checkout.
std::string_view git_commit();

}  // namespace kvscope
