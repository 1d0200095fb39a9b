#pragma once

#include <string>

#include "analysis/report/report_files.h"

namespace kvscope {

/// What the efficient layers of a budget do not read, as its retention plan has it; a sentence.
/// Empty when no layer is efficient.
std::string what_is_dropped(const ReportBudget& budget);

}  // namespace kvscope
