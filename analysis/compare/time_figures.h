#pragma once

#include <optional>
#include <string>

#include "analysis/compare/comparison.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// Times of one file, or why it has none.
Comparable<TimeFigures> time_figures(const CaptureReader& file);

/// Nothing where a file timed no control.
std::optional<ControlCheck> check_controls(const TimeFigures& baseline, const TimeFigures& file);

/// Why latencies of two files cannot be compared: other collectors, device, dtype, threads or
/// batch. Empty when they can.
std::string why_latency_differs(const RunRecord& baseline, const RunRecord& file);

}  // namespace kvscope
