#pragma once

#include <string>
#include <vector>

#include "analysis/sweep/sweep_results.h"
#include "cli/engine/generation_options.h"

namespace kvscope::cli {

struct SweepOptions {
  GenerationOptions generation;  ///< of every cell; its budget and output are the cells'
  std::string analysis;
  std::vector<double> ratios;           ///< of `read`; empty: the usual ones
  std::vector<std::string> statistics;  ///< as sweep_statistics takes them
  std::vector<std::string> budgets;     ///< files; alone, in place of ratios and statistics
  std::string damage;                   ///< results of a sweep over single layers
  bool single_layers = false;           ///< in place of ratios and statistics
  std::int64_t forced_samples = 0;      ///< of vanilla, for teacher-forced agreement; 0: none
  std::string output;                   ///< folder
  bool force = false;                   ///< replace files of other sweeps
};

/// Runs the vanilla cache and every cell that the folder does not hold yet, compares them and
/// writes the results, see SweepFolder. Throws Error, before anything runs, when a file of the
/// folder is not of this sweep and `force` is not set.
SweepResults run_sweep(const SweepOptions& options);

}  // namespace kvscope::cli
