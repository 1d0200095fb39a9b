#pragma once

#include "cli/common/command.h"

namespace kvscope::cli {

// One subcommand a file; the list is in main.cpp.
Command analyze_command();
Command capture_command();
Command devices_command();
Command run_command();
Command score_command();
Command sweep_command();

}  // namespace kvscope::cli
