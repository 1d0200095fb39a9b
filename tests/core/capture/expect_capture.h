#pragma once

#include "core/capture/capture_reader.h"

namespace kvscope::testing {

/// The means that the sums of all its batches give.
Statistics means_of_batches(const CaptureReader& reader);

/// Expects every committed sample of a file made by example_capture to be what was written.
void expect_committed_samples(const CaptureReader& reader);

/// The same for the samples [first, first + count) alone: all tensors, tokens, labels and seeds.
void expect_samples(const CaptureReader& reader, std::int64_t first, std::int64_t count);

}  // namespace kvscope::testing
