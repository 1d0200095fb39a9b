#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// The files of a report, sorted by what they supply.
struct ReportFiles {
  std::vector<CaptureReader> compared;      ///< the baseline first; never empty
  std::optional<CaptureReader> statistics;  ///< the file with statistics, when not among `compared`
  std::optional<Comparison> comparison;     ///< nothing for a single file

  /// The file whose statistics the charts show; nullptr when none has any.
  const CaptureReader* statistics_file() const;
  /// The first file under a budget; nullptr when all are vanilla.
  const CaptureReader* budget_file() const;
};

/// Opens and sorts them. An analysis file is compared only when there is no capture or run.
ReportFiles open_report_files(const std::vector<std::string>& paths);

/// The command that makes such a file again.
std::string command_of(const CaptureReader& file);

}  // namespace kvscope
