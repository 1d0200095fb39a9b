#pragma once

#include "analysis/compare/comparison.h"
#include "analysis/compare/titled_table.h"

namespace kvscope {

/// The few figures that matter most, for people: bytes of the cache, times, tokens and scores, one
/// row a file. Figures that no file has are left out.
TitledTable brief_table(const Comparison& comparison);

}  // namespace kvscope
