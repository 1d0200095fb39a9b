#include "analysis/compare/image_sheet.h"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/compare/loaded_capture.h"
#include "analysis/compare/same_draws.h"
#include "core/base/error.h"

namespace kvscope {

namespace {

/// The position of a sample of the baseline in every file; empty when one lacks it.
std::vector<std::int64_t> positions_of(std::int64_t baseline,
                                       const std::vector<std::vector<CommonSample>>& common) {
  std::vector<std::int64_t> positions;
  for (const std::vector<CommonSample>& samples : common) {
    const auto found = std::find_if(
        samples.begin(), samples.end(),
        [baseline](const CommonSample& sample) { return sample.baseline == baseline; });
    if (found == samples.end()) return {};
    positions.push_back(found->file);
  }
  return positions;
}

}  // namespace

Image image_sheet(const std::vector<LoadedCapture>& files, int samples) {
  std::vector<std::vector<CommonSample>> common;
  for (const LoadedCapture& file : files) {
    const std::string why = why_draws_differ(files.front(), file);
    if (!why.empty()) throw UsageError(fmt::format("{}: not the same draws: {}", file.path, why));
    common.push_back(common_samples(files.front(), file));
  }
  std::vector<std::vector<Image>> sheet_rows;
  for (const CommonSample& sample : common.front()) {
    if (std::ssize(sheet_rows) == samples) break;
    const std::vector<std::int64_t> positions = positions_of(sample.baseline, common);
    if (positions.empty()) continue;
    std::vector<Image>& row = sheet_rows.emplace_back();
    row.push_back(files.front().images.read(positions.front()));
    for (std::size_t file = 1; file < files.size(); ++file) {
      Image image = files[file].images.read(positions[file]);
      row.push_back(image);
      row.push_back(difference(row.front(), image));
    }
  }
  if (sheet_rows.empty()) throw UsageError("no sample is in all files: no sheet can be made");
  return sheet(sheet_rows);
}

}  // namespace kvscope
