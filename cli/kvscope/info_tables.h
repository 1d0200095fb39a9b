#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/compare/titled_table.h"

namespace kvscope::cli {

/// Everything that `described` says: one table of names and values, then one for each list of
/// objects, a row an object. Names of inner values are joined by dots; an estimate is one cell,
/// "0.992 (0.957 … 1)".
std::vector<TitledTable> to_tables(const nlohmann::json& described);

}  // namespace kvscope::cli
