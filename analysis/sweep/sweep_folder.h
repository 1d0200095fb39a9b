#pragma once

#include <string>

#include "analysis/sweep/sweep_cells.h"
#include "core/record/run_record.h"

namespace kvscope {

/// How far the run of a cell is.
enum class CellState {
  missing,
  unfinished,  ///< of a sweep that was stopped
  finished,
};

/// The files of a sweep: DIR/CELL.json (budget), DIR/CELL.h5 (run) and DIR/results.json. A file
/// that is there and not of this sweep is refused. Where it may be replaced, it is taken for
/// missing.
class SweepFolder {
 public:
  /// `job`: what the file of every run says, but for id, start and budget.
  SweepFolder(std::string path, RunRecord job, bool force);

  std::string budget_file(const SweepCell& cell) const;
  std::string run_file(const SweepCell& cell) const;
  std::string results_file() const;

  /// Throws Error when results are there and of another model, of other settings, of another
  /// analysis, or of single layers where these are not.
  void check_results(const std::string& analysis_capture_id, bool single_layers) const;

  /// Throws Error when the cell's budget or its run, finished or not, is there as another one.
  CellState state_of(const SweepCell& cell) const;

 private:
  void check_budget(const SweepCell& cell) const;
  bool is_run(const std::string& file, const SweepCell& cell) const;
  void refuse_unless_forced(const std::string& file, const std::string& expected,
                            const std::string& difference) const;

  std::string path_;
  RunRecord job_;
  bool force_;
};

}  // namespace kvscope
