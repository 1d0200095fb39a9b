#pragma once

#include <vector>

#include "cli/common/command.h"

namespace kvscope::cli {

/// The subcommands of this program, in the order of its help.
std::vector<Command> engine_commands();

// One subcommand a file; the list is in command_list.cpp.
Command analyze_command();
Command capture_command();
Command devices_command();
Command run_command();
Command score_command();
Command sweep_command();

}  // namespace kvscope::cli
