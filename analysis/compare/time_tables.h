#pragma once

#include <vector>

#include "analysis/compare/comparison.h"
#include "analysis/compare/figure_writer.h"
#include "analysis/compare/titled_table.h"

namespace kvscope {

/// One row a module, then the controls together and the whole job; no rows when nothing was timed.
TitledTable module_time_table(const Comparison& comparison, const FigureWriter& write);

/// One row a scale, the times of one module. No rows when no file timed it.
TitledTable scale_time_table(const Comparison& comparison, const std::string& module,
                             const FigureWriter& write);

/// One row a layer. No rows when no file timed it, or when it belongs to no layer.
TitledTable layer_time_table(const Comparison& comparison, const std::string& module,
                             const FigureWriter& write);

/// Modules of all files in the order of the first that has them, self-attention last.
std::vector<std::string> timed_modules(const Comparison& comparison);

}  // namespace kvscope
