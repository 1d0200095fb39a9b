#pragma once

#include <vector>

#include "cli/common/command.h"

namespace kvscope::cli {

// One subcommand a file; the list is in main.cpp.
Command compare_command();
Command doctor_command();
Command export_command();
Command info_command();
Command plan_command();
Command report_command();

/// Path of the engine, which lies beside this program.
std::string engine_path();

}  // namespace kvscope::cli
