#include "analysis/compare/file_forced.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file_names.h"

namespace kvscope {
namespace {

Comparable<ForcedAgreement> against(const std::string& capture_id,
                                    Comparable<ForcedAgreement> forced, const std::string& path) {
  if (!forced || forced->against_capture_id == capture_id) return forced;
  return {std::nullopt,
          fmt::format("{} is against the tokens of capture {}, not of {}",
                      file_beside(path, forced_path), forced->against_capture_id, capture_id)};
}

}  // namespace

Comparable<ForcedAgreement> forced_of(const CaptureReader& file) {
  const std::string path = file_beside(file.path(), forced_path);
  if (path.empty()) return {};
  try {
    ForcedAgreement agreement = load_forced_agreement(path);
    if (agreement.capture_id == file.record().capture_id) return {std::move(agreement), ""};
    return {std::nullopt, fmt::format("{} is of capture {}, not of {}", path, agreement.capture_id,
                                      file.record().capture_id)};
  } catch (const BadInput& error) {
    return {std::nullopt, error.what()};
  }
}

Comparable<ForcedAgreement> forced_against(const CaptureReader& baseline,
                                           const CaptureReader& file) {
  return against(baseline.record().capture_id, forced_of(file), file.path());
}

Comparable<ForcedAgreement> forced_against(const LoadedCapture& baseline,
                                           const LoadedCapture& file) {
  return against(baseline.record.capture_id, file.forced, file.path);
}

nlohmann::json to_json(const Comparable<ForcedAgreement>& forced) {
  if (forced) return to_json(*forced);
  if (forced.reason.empty()) return {};
  return {{"not_comparable", forced.reason}};
}

}  // namespace kvscope
