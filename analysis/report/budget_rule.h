#pragma once

#include <string>

#include "analysis/report/report_files.h"

namespace kvscope {

/// Why the statistic that told the layers of a budget apart cannot be shown from `file`, so that
/// neither its θ nor its classes belong there; a sentence. Empty when it can.
std::string why_rule_is_elsewhere(const ReportBudget& budget, const CaptureReader& file);

/// What told the layers of each budget apart, beside a picture of `file` that shows what the
/// statistics in `shown` read; a sentence for each budget with a rule.
std::string who_read(const ReportFiles& files, const CaptureReader& file,
                     const std::vector<std::string>& shown);

}  // namespace kvscope
