#include "core/base/version.h"

#include "git_commit.h"

namespace kvscope {

std::string_view tool_version() { return KVSCOPE_VERSION; }

std::string_view git_commit() { return KVSCOPE_GIT_COMMIT; }

}  // namespace kvscope
