#include <cstring>
#include <limits>
#include <random>

#include "core/base/module.h"
#include "core/geometry/guidance_rows.h"
#include "tests/support/example_capture.h"
#include "tests/support/small_model.h"

namespace kvscope::testing {
namespace {

constexpr int pixels_per_patch = 4;
constexpr int batch_size = 2;

/// Floats that only depend on `seed`, as stored bytes.
std::vector<std::byte> noise(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::byte> bytes(count * sizeof(float));
  for (std::size_t k = 0; k < count; ++k) {
    const float value = normal(random);
    std::memcpy(&bytes[k * sizeof(float)], &value, sizeof value);
  }
  return bytes;
}

BatchStatistics empty_statistics(const ModelConfig& model, const FileLayout& layout,
                                 std::int64_t samples) {
  const std::int64_t scales = model.schedule().scales();
  BatchStatistics statistics;
  statistics.samples = samples;
  if (layout.has(Part::mass)) {
    statistics.mass_sum = NdArray<double>({model.depth, model.heads, scales, scales});
  }
  if (!layout.has(Part::similarity)) return statistics;
  for (NdArray<double>& sum : statistics.similarity_sum.arrays) {
    sum = NdArray<double>({model.depth, model.heads, scales, scales},
                          std::numeric_limits<double>::quiet_NaN());
  }
  for (NdArray<double>& norm : statistics.norm_sum) {
    norm = NdArray<double>({model.depth, model.heads, scales});
  }
  for (NdArray<double>& statistic : statistics.layer_statistic.arrays) {
    statistic = NdArray<double>({samples, model.depth});
  }
  return statistics;
}

TimingRecord empty_timing(const RunRecord& record) {
  const std::int64_t scales = record.model.schedule().scales();
  const auto modules = static_cast<std::int64_t>(module_count);
  const std::int64_t repeats = record.settings.repeat;
  return {.layer_ns = NdArray<std::int64_t>({repeats, record.model.depth, scales, modules}),
          .model_ns = NdArray<std::int64_t>({repeats, scales, modules}),
          .batch_ns = NdArray<std::int64_t>({repeats})};
}

LedgerRecord empty_ledger(const ModelConfig& model, std::int64_t samples) {
  const std::int64_t scales = model.schedule().scales();
  LedgerRecord ledger;
  ledger.logical_bytes = NdArray<std::int64_t>({model.depth, scales});
  ledger.resident_bytes = ledger.transient_bytes = ledger.logical_bytes;
  ledger.shared_bytes = NdArray<std::int64_t>({scales});
  ledger.rows = GuidanceRows::of_samples(samples).count();
  ledger.key_element_bytes = ledger.value_element_bytes = 4;
  return ledger;
}

}  // namespace

ModelConfig example_model(const ExampleSize& size) {
  ModelConfig model = small_model(size.patch_nums);
  model.name = "example";
  model.depth = size.depth;
  model.width = 8;
  model.classes = 4;
  model.vae_ch_mult = {1, 1, 2};
  model.image_size = pixels_per_patch * size.patch_nums.back();
  return model;
}

ModelConfig example_model() {
  ModelConfig model = small_model({1, 2, 3});
  model.name = "example";
  model.width = 8;
  model.classes = 3;
  model.vae_ch_mult = {1, 2};
  model.vae_num_res_blocks = 2;
  model.vocab = 16;
  model.z_channels = 4;
  model.class_names = {"disc", "ring", "stripes"};
  return model;
}

ModelConfig tiny_model() {
  ModelConfig model = small_model({1, 2, 3});
  model.width = 40;
  return model;
}

RunRecord plain_record(const ModelConfig& model, std::int64_t samples) {
  RunRecord record;
  record.tool_version = "0.1.0";
  record.git_commit = "0123456789ab";
  record.weights_sha256 = std::string(64, 'a');
  record.model = model;
  record.settings.cfg = 1.5;
  record.settings.samples = samples;
  record.settings.batch = batch_size;
  record.settings.device = "cpu";
  record.settings.dtype = "fp32";
  record.settings.threads = 2;
  record.settings.compression = "none";
  record.budget = vanilla_budget(budget_model_of(model));
  record.policy = record.budget.policy;
  record.torch_version = "2.11.0";
  record.device_name = "cpu";
  record.cpu_name = "Example CPU";
  record.start_time = "2026-01-02T03:04:05Z";
  return record;
}

RunRecord example_record(std::int64_t samples) {
  RunRecord record = plain_record(example_model(), samples);
  record.capture_id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  record.source_ids = {"7c9e6679-7425-40de-944b-e07fc1f90ae7"};
  record.settings.seed = 0xFEDCBA9876543210U;
  record.settings.top_k = 10;
  record.settings.top_p = 0.96;
  record.settings.repeat = 2;
  record.settings.store = KvStore::raw;
  record.settings.collectors = {"kv", "timing"};
  return record;
}

BatchRecord empty_batch(const RunRecord& record, const FileLayout& layout, std::int64_t count) {
  const ModelConfig& model = record.model;
  const std::int64_t pixels = layout.preview_size;
  BatchRecord batch;
  batch.token_ids = NdArray<std::int32_t>({count, model.schedule().total_tokens()});
  batch.labels.resize(static_cast<std::size_t>(count));
  batch.seeds.resize(static_cast<std::size_t>(count));
  if (pixels > 0) batch.preview = NdArray<std::uint8_t>({count, pixels, pixels, 3});
  if (layout.has_statistics()) batch.statistics = empty_statistics(model, layout, count);
  if (layout.has(Part::timing)) batch.timing = empty_timing(record);
  batch.ledger = empty_ledger(model, count);
  return batch;
}

RunRecord tiny_record(std::int64_t samples, std::int64_t first_sample) {
  RunRecord record = plain_record(tiny_model(), samples);
  record.capture_id = make_uuid();
  record.settings.first_sample = first_sample;
  record.settings.store = KvStore::raw;
  record.settings.kv_dtype = KvDtype::fp32;
  return record;
}

FileLayout tiny_layout(const RunRecord& record) {
  return {.parts = {Part::raw, Part::mass},
          .batches = (record.settings.samples + batch_size - 1) / batch_size,
          .preview_size = record.model.image_size};
}

BatchRecord tiny_batch(const RunRecord& record, std::int64_t index) {
  const ModelConfig& model = record.model;
  BatchRecord batch = empty_batch(record, tiny_layout(record), batch_size);
  batch.token_ids.data.assign(batch.token_ids.data.size(), static_cast<std::int32_t>(index));
  batch.labels = {3, 7};
  batch.seeds = {static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(index)};
  batch.preview.data.assign(batch.preview.data.size(), static_cast<std::uint8_t>(index));
  batch.ledger.logical_bytes.data.assign(batch.ledger.logical_bytes.data.size(), 8);
  batch.ledger.resident_bytes = batch.ledger.logical_bytes;
  std::vector<double>& mass = batch.statistics->mass_sum.data;
  mass.assign(mass.size(), 0.1 * static_cast<double>(index + 1));
  const auto floats =
      static_cast<std::size_t>(GuidanceRows::of_samples(batch_size).count() * model.heads *
                               model.schedule().total_tokens() * model.head_dim());
  for (int layer = 0; layer < model.depth; ++layer) {
    const auto seed = static_cast<std::uint64_t>(100 * index + 10 * layer);
    batch.raw.push_back({layer, noise(floats, seed), noise(floats, seed + 1), {}});
  }
  return batch;
}

void write_tiny_capture(const std::string& path, std::int64_t first, std::int64_t count) {
  const RunRecord record = tiny_record(batch_size * count, batch_size * first);
  CaptureWriter writer(path, record, tiny_layout(record), false);
  for (std::int64_t index = first; index < first + count; ++index) {
    writer.commit(tiny_batch(record, index));
  }
  writer.finish();
}

}  // namespace kvscope::testing
