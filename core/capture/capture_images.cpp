#include "core/capture/capture_images.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/capture/image_files.h"
#include "core/image/png.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

/// What the PNG `path` says it is, when that is not the image of `sample`; else empty.
std::string unfit_as(const std::string& path, const std::string& capture_id, std::int64_t sample) {
  const PngTexts texts = read_png_texts(path);
  const auto id = texts.find(capture_id_text);
  if (id != texts.end() && id->second != capture_id) return "that of capture " + id->second;
  const auto number = texts.find(sample_text);
  if (number != texts.end() && number->second != std::to_string(sample)) {
    return "that of sample " + number->second;
  }
  return "";
}

}  // namespace

CaptureImages::CaptureImages(const CaptureReader& file)
    : CaptureImages(file.path(), file.record(), file.samples()) {}

CaptureImages::CaptureImages(const std::string& path, const RunRecord& record,
                             std::vector<std::int64_t> samples)
    : capture_id_(record.capture_id),
      folders_(image_folders(path, record.numbering)),
      samples_(std::move(samples)),
      named_by_position_(record.numbering == SampleNumbering::file) {}

CaptureImages::Found CaptureImages::find(std::int64_t position) const {
  const std::int64_t sample = samples_.at(static_cast<std::size_t>(position));
  const std::string name = image_name(named_by_position_ ? position : sample);
  Found unfit;
  for (const std::string& folder : folders_) {
    Found found{(fs::path(folder) / name).string(), ""};
    std::error_code ignored;
    if (!fs::is_regular_file(found.path, ignored)) continue;
    found.unfit_as = unfit_as(found.path, capture_id_, sample);
    if (found.unfit_as.empty()) return found;
    if (unfit.path.empty()) unfit = std::move(found);
  }
  return unfit;
}

BadInput CaptureImages::refusal(const Found& found, std::int64_t position) const {
  const std::int64_t sample = samples_.at(static_cast<std::size_t>(position));
  if (!found.path.empty()) {
    return {"images", found.path,
            fmt::format("the image of sample {} of capture {}", sample, capture_id_),
            found.unfit_as};
  }
  const std::string name = image_name(named_by_position_ ? position : sample);
  return {"images", (fs::path(folders_.front()) / name).string(),
          fmt::format("the image of sample {}", sample),
          folders_.size() == 1
              ? "no such file"
              : fmt::format("no such file, nor in {}",
                            fmt::join(folders_.begin() + 1, folders_.end(), ", "))};
}

std::string CaptureImages::path(std::int64_t position) const {
  Found found = find(position);
  if (found.path.empty() || !found.unfit_as.empty()) throw refusal(found, position);
  return std::move(found.path);
}

Image CaptureImages::read(std::int64_t position) const { return read_png(path(position)); }

MissingImages CaptureImages::missing(const std::function<void()>& on_image) const {
  MissingImages missing;
  for (std::size_t position = 0; position < samples_.size(); ++position) {
    if (on_image) on_image();
    const auto at = static_cast<std::int64_t>(position);
    const Found found = find(at);
    if (!found.path.empty() && found.unfit_as.empty()) continue;
    if (!missing.any()) missing.why = refusal(found, at).what();
    ++(found.path.empty() ? missing.absent : missing.foreign);
  }
  return missing;
}

}  // namespace kvscope
