#pragma once

#include <cstdint>
#include <vector>

#include "core/capture/capture_writer.h"
#include "core/record/batch_record.h"
#include "core/record/run_record.h"

namespace kvscope::testing {

/// A tiny model: 2 layers, 2 heads of 4 channels, scales of 1, 4 and 9 tokens.
ModelConfig example_model();

/// A record with every field set, for `samples` samples in batches of 2.
RunRecord example_record(std::int64_t samples);

/// Everything in the file, for as many batches of 2 as `record` needs.
FileLayout example_layout(const RunRecord& record);

/// A batch whose content follows from the sample indices alone, so that any reader can check what
/// it sees. Raw data follows record.settings.keep.
BatchRecord example_batch(const RunRecord& record, std::int64_t first, std::int64_t count);

/// Stored bytes of one kept sample of example_batch, [row, head, token, channel].
std::vector<std::byte> example_kv(const RunRecord& record, KvTensor tensor, int layer,
                                  std::int64_t sample);

/// The same as the floats a reader must return.
std::vector<float> example_kv_floats(const RunRecord& record, KvTensor tensor, int layer,
                                     std::int64_t sample);

/// Writes all of it; batches of 2.
void write_example(const std::string& path, const RunRecord& record, const FileLayout& layout);

}  // namespace kvscope::testing
