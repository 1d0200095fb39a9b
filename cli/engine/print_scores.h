#pragma once

#include "core/record/forced_agreement.h"
#include "core/record/scores.h"

namespace kvscope::cli {

/// One line on stdout: figures, intervals and how many samples they are of.
void print_scores(const Scores& scores);

/// The same of teacher-forced figures over all tokens.
void print_forced(const ForcedAgreement& agreement);

}  // namespace kvscope::cli
