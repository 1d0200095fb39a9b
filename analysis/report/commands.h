#pragma once

#include <string>
#include <vector>

#include "analysis/report/report_files.h"

namespace kvscope {

/// The commands that make the files of a report, and the captures and budgets behind them, in an
/// order in which each finds its inputs, ready for a POSIX shell. Lines that start with # say what
/// the files do not tell.
std::vector<std::string> commands_of(const ReportFiles& files);

}  // namespace kvscope
