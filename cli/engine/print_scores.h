#pragma once

#include "core/capture/scores.h"

namespace kvscope::cli {

/// One line on stdout: figures, intervals and how many samples they are of.
void print_scores(const Scores& scores);

}  // namespace kvscope::cli
