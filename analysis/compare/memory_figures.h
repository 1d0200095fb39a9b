#pragma once

#include "analysis/compare/comparison.h"
#include "analysis/compare/loaded_capture.h"

namespace kvscope {

/// Shape behind the byte figures of a file.
KvShape kv_shape_of(const ModelConfig& model, const LedgerRecord& ledger);
KvShape kv_shape_of(const LoadedCapture& file);

/// Bytes of one file; reductions in `shape`, the baseline's.
MemoryFigures memory_figures(const RunRecord& record, const LedgerRecord& ledger,
                             const MemoryRecord& process, const KvShape& shape);
MemoryFigures memory_figures(const LoadedCapture& file, const KvShape& shape);

/// Whether the ledger holds at each scale what the budget's plan says.
bool ledger_follows_plan(const LoadedCapture& file);

}  // namespace kvscope
