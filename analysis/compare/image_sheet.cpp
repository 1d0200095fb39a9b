#include "analysis/compare/image_sheet.h"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/compare/same_draws.h"
#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "core/image/png.h"

namespace kvscope {

Image image_sheet(const std::vector<CaptureReader>& files, int samples) {
  std::int64_t rows = samples;
  for (const CaptureReader& file : files) {
    const std::string why = why_draws_differ(files.front(), file);
    if (!why.empty()) throw UsageError(fmt::format("{}: not the same draws: {}", file.path(), why));
    rows = std::min(rows, file.committed_samples());
  }
  std::vector<std::vector<Image>> sheet_rows;
  for (std::int64_t sample = 0; sample < rows; ++sample) {
    std::vector<Image>& row = sheet_rows.emplace_back();
    row.push_back(read_png(files.front().image_file(sample)));
    for (std::size_t file = 1; file < files.size(); ++file) {
      Image image = read_png(files[file].image_file(sample));
      row.push_back(image);
      row.push_back(difference(row.front(), image));
    }
  }
  return sheet(sheet_rows);
}

}  // namespace kvscope
