#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/record/run_record.h"

namespace kvscope {

/// Something that two jobs do not have in common, and what each has.
struct JobDifference {
  std::string field;  ///< its path: "seed", "keep.layers", "budget.layers[3].capacity_tokens"
  std::string asked;
  std::string given;
};

/// The first setting of the JSON `given` that is not the asked one; nothing when all are. What
/// watched a run is the session's own, and not looked at.
std::optional<JobDifference> different_setting(const nlohmann::json& given,
                                               const RunSettings& asked);

/// The first thing in which the run `given` is not the job `asked`, but for its id and start: then
/// one cannot go on with the other's file. Builds and machines count, since its times and bytes are
/// stated to be of one.
std::optional<JobDifference> different_job(const RunRecord& given, const RunRecord& asked);

}  // namespace kvscope
