#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/record/forced_agreement.h"

namespace kvscope::cli {

/// A budget held against the vanilla cache on the tokens of a vanilla run.
struct ForcedJobOptions {
  std::string file;     ///< a budget, or a run whose budget it is
  std::string vanilla;  ///< the run whose tokens are forced
  std::string model;
  std::optional<std::uint64_t> random_weights;
  std::optional<std::int64_t> samples;  ///< the first ones; all without
  std::optional<int> batch;             ///< that of the vanilla run without
  std::string device = "cpu";
};

/// Guidance and dtype are those of the vanilla run. Throws UsageError or BadInput.
ForcedAgreement run_forced_job(const ForcedJobOptions& options);

}  // namespace kvscope::cli
