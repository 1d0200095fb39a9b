#pragma once

#include <string>
#include <vector>

#include "cli/common/command.h"

namespace kvscope::cli {

/// The subcommands of this program, in the order of its help.
std::vector<Command> kvscope_commands();

// One subcommand a file; the list is in command_list.cpp.
Command compare_command();
Command doctor_command();
Command export_command();
Command info_command();
Command plan_command();
Command report_command();

}  // namespace kvscope::cli
