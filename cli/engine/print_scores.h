#pragma once

#include <string>

#include "core/record/forced_agreement.h"
#include "core/record/scores.h"

namespace kvscope::cli {

/// A sentence on stdout: figures, intervals and how many samples they are of. `file` stands in
/// front, where it is not empty.
void print_scores(const Scores& scores, const std::string& file = "");

/// The same of teacher-forced figures over all tokens.
void print_forced(const ForcedAgreement& agreement, const std::string& file = "");

}  // namespace kvscope::cli
