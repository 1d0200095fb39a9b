#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"

namespace kvscope::cli {

/// What plan asks the results of a sweep.
struct SweepQuestion {
  std::string best;   ///< results whose best cell is the budget; empty: none
  std::string shown;  ///< results that measured statistics; empty: none
  std::string by;     ///< measure; empty: tokens
};

/// The best cell's budget, with what to say of it.
struct SweepChoice {
  Budget budget;
  std::string why;
};

/// Throws like best_cell.
SweepChoice choose_best(const SweepQuestion& question, double ratio, Denominator of);

/// The budget as plan prints it: the sentence and tables, or JSON.
std::string to_text(const SweepChoice& choice);
nlohmann::json to_json(const SweepChoice& choice);

/// One line that says which other statistic measured better in the sweep that was shown. Throws
/// BadInput when it is one of other weights than `weights_sha256`.
std::string what_measured_better(const SweepQuestion& question, const std::string& statistic,
                                 double share_of_read, const std::string& weights_sha256);

}  // namespace kvscope::cli
