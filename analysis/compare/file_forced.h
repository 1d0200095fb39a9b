#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analysis/compare/comparison.h"
#include "analysis/compare/loaded_capture.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// The teacher-forced agreement beside a file (see forced_path) when it is of this capture. Without
/// one there is no reason: nobody measured it.
Comparable<ForcedAgreement> forced_of(const CaptureReader& file);

/// The same, when the tokens were those of `baseline`.
Comparable<ForcedAgreement> forced_against(const CaptureReader& baseline,
                                           const CaptureReader& file);
Comparable<ForcedAgreement> forced_against(const LoadedCapture& baseline,
                                           const LoadedCapture& file);

/// The JSON of a teacher-forced agreement file, or why there is none; null when nobody measured it.
nlohmann::json to_json(const Comparable<ForcedAgreement>& forced);

}  // namespace kvscope
