#pragma once

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "core/capture/capture_writer.h"
#include "tests/support/small_model.h"

namespace kvscope::testing {

/// 20 channels a head: no multiple of what a vector instruction takes.
inline ModelConfig tiny_model() {
  ModelConfig model = small_model({1, 2, 3});
  model.width = 40;
  return model;
}

inline RunRecord tiny_record(std::int64_t samples, std::int64_t first_sample) {
  RunRecord record;
  record.capture_id = make_uuid();
  record.tool_version = "test";
  record.git_commit = "test";
  record.weights_sha256 = "random:1";
  record.model = tiny_model();
  record.settings.samples = samples;
  record.settings.first_sample = first_sample;
  record.settings.batch = 2;
  record.settings.device = "cpu";
  record.settings.dtype = "fp32";
  record.settings.store = KvStore::raw;
  record.settings.kv_dtype = KvDtype::fp32;
  record.settings.compression = "none";
  record.policy = "vanilla";
  record.budget = vanilla_budget(budget_model_of(record.model));
  record.torch_version = record.device_name = record.cpu_name = "test";
  record.start_time = utc_now();
  return record;
}

/// Floats that only depend on `seed`, as stored bytes.
inline std::vector<std::byte> noise(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::byte> bytes(count * sizeof(float));
  for (std::size_t k = 0; k < count; ++k) {
    const float value = normal(random);
    std::memcpy(&bytes[k * sizeof(float)], &value, sizeof value);
  }
  return bytes;
}

/// Two samples whose content only depends on the batch's index in the whole run.
inline BatchRecord tiny_batch(const RunRecord& record, std::int64_t index) {
  const ModelConfig& model = record.model;
  const std::int64_t tokens = model.schedule().total_tokens();
  const int scales = model.schedule().scales();
  BatchRecord batch;
  batch.token_ids = NdArray<std::int32_t>({2, tokens}, static_cast<std::int32_t>(index));
  batch.labels = {3, 7};
  batch.seeds = {static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(index)};
  batch.preview = NdArray<std::uint8_t>({2, 6, 6, 3}, static_cast<std::uint8_t>(index));
  batch.ledger.logical_bytes = NdArray<std::int64_t>({model.depth, scales}, 8);
  batch.ledger.resident_bytes = batch.ledger.logical_bytes;
  batch.ledger.transient_bytes = NdArray<std::int64_t>({model.depth, scales});
  batch.ledger.shared_bytes = NdArray<std::int64_t>({scales});
  batch.ledger.rows = 4;
  batch.ledger.key_element_bytes = batch.ledger.value_element_bytes = 4;
  batch.statistics.emplace();
  batch.statistics->samples = 2;
  batch.statistics->mass_sum = NdArray<double>({model.depth, model.heads, scales, scales},
                                               0.1 * static_cast<double>(index + 1));
  const auto floats = static_cast<std::size_t>(2 * 2 * model.heads * tokens * model.head_dim());
  for (int layer = 0; layer < model.depth; ++layer) {
    const auto seed = static_cast<std::uint64_t>(100 * index + 10 * layer);
    batch.raw.push_back({layer, noise(floats, seed), noise(floats, seed + 1), {}});
  }
  return batch;
}

/// A finished raw capture of batches [first, first + count) of one imaginary run.
inline void write_tiny_capture(const std::string& path, std::int64_t first, std::int64_t count) {
  const RunRecord record = tiny_record(2 * count, 2 * first);
  FileLayout layout;
  layout.parts = {Part::raw, Part::mass};
  layout.batches = count;
  layout.preview_size = 6;
  CaptureWriter writer(path, record, layout, false);
  for (std::int64_t index = first; index < first + count; ++index)
    writer.commit(tiny_batch(record, index));
  writer.finish();
}

}  // namespace kvscope::testing
