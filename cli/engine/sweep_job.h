#pragma once

#include <string>
#include <vector>

#include "analysis/sweep/sweep_results.h"
#include "cli/engine/generation_options.h"

namespace kvscope::cli {

struct SweepOptions {
  GenerationOptions generation;  ///< of every cell; its budget and output are the cells'
  std::string analysis;
  std::vector<double> ratios = {0.4, 0.25, 0.2, 0.15};  ///< of `read`
  std::vector<std::string> policies;                    ///< empty: default_policies
  std::string damage;                                   ///< results of a sweep over single layers
  bool single_layers = false;                           ///< in place of ratios and policies
  std::string output;                                   ///< folder
  bool force = false;                                   ///< replace cells of other settings
};

struct SweepOutcome {
  SweepResults results;
  bool lost_data = false;  ///< in a cell that was run now
};

/// Runs the vanilla cache and every cell that the folder does not hold yet into
/// FOLDER/<cell>.json (budget) and FOLDER/<cell>.h5, then compares them. Throws Error when a file
/// of the folder is of another run and `force` is not set, before anything runs.
SweepOutcome run_sweep(const SweepOptions& options);

}  // namespace kvscope::cli
