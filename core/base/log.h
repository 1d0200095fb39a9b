#pragma once

#include <spdlog/logger.h>

namespace kvscope {

/// The logger of the process: stderr, level info. Results go to stdout, never here.
spdlog::logger& log();

}  // namespace kvscope
