#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "analysis/compare/loaded_capture.h"
#include "core/base/job_control.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// A budget that files of the report were made under.
struct ReportBudget {
  std::string name;  ///< as a file: "budget.json", or "budget-2.json" where there are several
  Budget budget;
  std::vector<std::string> files;  ///< names of those under it
};

/// The files of a report, sorted by what they supply.
struct ReportFiles {
  std::vector<CaptureReader> compared;      ///< the baseline first; never empty
  std::vector<LoadedCapture> loaded;        ///< what a comparison looks at of each of them
  std::optional<CaptureReader> statistics;  ///< the file with statistics, when not among `compared`
  std::optional<Comparison> comparison;     ///< nothing for a single file
  std::vector<ReportBudget> budgets;        ///< each distinct one, in the order of the files

  /// `compared`, then `statistics`.
  std::vector<const CaptureReader*> all() const;
  /// The file whose statistics the charts show; nullptr when none has any.
  const CaptureReader* statistics_file() const;
  /// The budget that a file was made under; nullptr for the vanilla cache.
  const ReportBudget* budget_of(const CaptureReader& file) const;
};

/// Opens and sorts them. An analysis file is compared only when there is no capture or run.
ReportFiles open_report_files(const std::vector<std::string>& paths, const JobControl& control);

/// Without its folder.
std::string file_name(const CaptureReader& file);

/// Whether statistics of `file` are those of the capture with that id, alone or merged with others.
bool holds_capture(const CaptureReader& file, const std::string& capture_id);

/// Ids of the captures behind an analysis; a capture's own.
std::vector<std::string> captures_behind(const CaptureReader& file);

}  // namespace kvscope
