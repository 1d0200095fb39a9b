#pragma once

#include <optional>
#include <string>

#include "core/budget/budget.h"

namespace kvscope {

/// What all efficient layers of a budget read at every target that does not read everything.
struct DroppedScales {
  int first = 0;             ///< scales 0 … first − 1
  int near = 0;              ///< scales target − near … target − 1
  bool everything = true;    ///< no target drops anything; first and near are then all scales
  bool nothing_else = true;  ///< whatever is neither first nor near is dropped
  bool whole_scales = true;  ///< false: some of them pick tokens by content
};

/// As the retention plan has it; nothing when no layer is efficient.
std::optional<DroppedScales> dropped_scales(const Budget& budget);

/// The same as a sentence that calls the budget `name`; empty when no layer is efficient.
std::string what_is_dropped(const Budget& budget, const std::string& name);

}  // namespace kvscope
