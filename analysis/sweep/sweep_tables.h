#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/compare/titled_table.h"
#include "analysis/sweep/sweep_results.h"

namespace kvscope {

/// The tables: what was lost, the cells, the mean over the seeds of each ratio, for single layers
/// their damage and what predicts it, and what was out of reach. Empty ones are left out.
std::vector<TitledTable> to_tables(const SweepResults& results, Numbers numbers);

/// Schema "kvscope.sweep/1"; bytes as numbers, shares as fractions, null where nothing is known.
nlohmann::json to_json(const SweepResults& results);

}  // namespace kvscope
