#pragma once

#include "analysis/compare/comparison.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// Shape behind a file's byte figures, from its model and ledger.
KvShape kv_shape_of(const CaptureReader& file);

/// Bytes of one file; reductions in `shape`, the baseline's.
MemoryFigures memory_figures(const CaptureReader& file, const KvShape& shape);

/// Whether the ledger holds at each scale what the budget's plan says.
bool ledger_follows_plan(const CaptureReader& file);

}  // namespace kvscope
