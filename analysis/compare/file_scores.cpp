#include "analysis/compare/file_scores.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file_names.h"

namespace kvscope {

Comparable<Scores> scores_of(const CaptureReader& file) {
  if (std::optional<Scores> own = file.scores()) return {std::move(own), ""};
  const std::string path = file_beside(file.path(), scores_path);
  if (path.empty()) return {};
  try {
    Scores scores = load_scores(path);
    if (scores.capture_id == file.record().capture_id) return {std::move(scores), ""};
    return {std::nullopt, fmt::format("{} is of capture {}, not of {}", path, scores.capture_id,
                                      file.record().capture_id)};
  } catch (const BadInput& error) {
    return {std::nullopt, error.what()};
  }
}

nlohmann::json to_json(const Comparable<Scores>& scores) {
  if (scores) return to_json(*scores);
  if (scores.reason.empty()) return {};
  return {{"not_available", scores.reason}};
}

bool distances_compare(std::optional<std::int64_t> samples, std::optional<std::int64_t> others) {
  return samples == others;
}

std::string why_scores_differ(const Scores& first, const Scores& scores) {
  const ScorerRecord& a = first.scorer;
  const ScorerRecord& b = scores.scorer;
  if (a.name != b.name) return fmt::format("different scorers: {} and {}", a.name, b.name);
  if (a.sha256 != b.sha256) {
    return fmt::format("different weights of the scorer: {} and {}", a.sha256, b.sha256);
  }
  if (!distances_compare(first.samples, scores.samples)) {
    return fmt::format(
        "different numbers of samples: {} and {}; the demo Fréchet distance falls as they grow",
        first.samples, scores.samples);
  }
  return "";
}

}  // namespace kvscope
