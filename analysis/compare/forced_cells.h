#pragma once

#include <string>
#include <vector>

#include "analysis/compare/figure_writer.h"
#include "core/record/forced_agreement.h"

namespace kvscope {

/// What teacher-forced figures are of, and how to read them.
std::string describe_forced(const ForcedAgreement& agreement);

/// Columns of the figures over all tokens: samples, KL, NLL rise, top-1 agreement.
std::vector<std::string> forced_columns(const FigureWriter& write);

/// The cells under forced_columns.
std::vector<std::string> forced_cells(const ForcedAgreement& agreement, const FigureWriter& write);

}  // namespace kvscope
