#include "tests/core/capture/example_capture.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/base/module.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope::testing {
namespace {

constexpr std::int64_t batch_size = 2;

template <typename T>
std::vector<T> kept_or_all(const std::vector<T>& kept, std::int64_t all) {
  if (!kept.empty()) return kept;
  std::vector<T> everything(static_cast<std::size_t>(all));
  std::iota(everything.begin(), everything.end(), T{0});
  return everything;
}

// Small multiples of 1/8: exact in half, bfloat16 and float alike.
float kv_value(KvTensor tensor, int layer, std::int64_t sample, std::int64_t row, int head,
               std::int64_t token, std::int64_t channel) {
  const std::int64_t mixed = 3 * layer + 5 * sample + 7 * row + 11 * head + 13 * token + channel +
                             (tensor == KvTensor::value ? 17 : 0);
  return static_cast<float>(mixed % 31 - 15) / 8.0F;
}

// Normal numbers only, exactly representable.
std::uint16_t half_bits(float value) {
  if (value == 0.0F) return 0;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>(
      ((bits >> 16) & 0x8000U) | ((((bits >> 23) & 0xFFU) - 112U) << 10) | ((bits >> 13) & 0x3FFU));
}

void fill(NdArray<double>& array, double start) {
  for (std::size_t i = 0; i < array.data.size(); ++i) {
    array.data[i] = start + 0.001 * static_cast<double>(i);
  }
}

BatchStatistics example_statistics(std::int64_t first, std::int64_t count) {
  BatchStatistics statistics;
  statistics.samples = count;
  const auto start = static_cast<double>(first);
  for (NdArray<double>& sum : statistics.similarity_sum.arrays) {
    sum = NdArray<double>({2, 2, 3, 3}, std::numeric_limits<double>::quiet_NaN());
    for (int layer = 0; layer < 2; ++layer) {
      for (int head = 0; head < 2; ++head) {
        for (int target = 1; target < 3; ++target) {
          for (int source = 0; source < target; ++source) {
            sum(layer, head, target, source) = start / 3 + layer + 0.1 * head + target - source;
          }
        }
      }
    }
  }
  for (NdArray<double>& statistic : statistics.layer_statistic.arrays) {
    statistic = NdArray<double>({count, 2});
    fill(statistic, start / 7);
  }
  for (NdArray<double>& norm : statistics.norm_sum) {
    norm = NdArray<double>({2, 2, 3});
    fill(norm, start + 1);
  }
  statistics.mass_sum = NdArray<double>({2, 2, 3, 3});
  fill(statistics.mass_sum, start / 11);
  return statistics;
}

NdArray<std::int64_t> counted(std::vector<std::int64_t> shape, std::int64_t start) {
  NdArray<std::int64_t> array(std::move(shape));
  std::iota(array.data.begin(), array.data.end(), start);
  return array;
}

TimingRecord example_timing(std::int64_t first) {
  const auto modules = static_cast<std::int64_t>(module_count);
  TimingRecord timing;
  timing.layer_ns = counted({2, 2, 3, modules}, first);
  timing.model_ns = counted({2, 3, modules}, 1000 + first);
  timing.batch_ns = counted({2}, 2000 + first);
  return timing;
}

LedgerRecord example_ledger(std::int64_t count) {
  LedgerRecord ledger;
  ledger.logical_bytes = counted({2, 3}, 100 * count);
  ledger.resident_bytes = counted({2, 3}, 200 * count);
  ledger.transient_bytes = counted({2, 3}, 100 * count);
  ledger.shared_bytes = counted({3}, 300 * count);
  ledger.rows = GuidanceRows::of_samples(count).count();
  ledger.key_element_bytes = 4;
  ledger.value_element_bytes = 2;
  return ledger;
}

}  // namespace

ModelConfig example_model() {
  ModelConfig model;
  model.name = "example";
  model.depth = 2;
  model.width = 8;
  model.heads = 2;
  model.classes = 3;
  model.patch_nums = {1, 2, 3};
  model.vae_ch = 32;
  model.vae_ch_mult = {1, 2};
  model.vocab = 16;
  model.z_channels = 4;
  model.image_size = 6;
  model.class_names = {"disc", "ring", "stripes"};
  return model;
}

RunRecord example_record(std::int64_t samples) {
  RunRecord record;
  record.capture_id = "0f8fad5b-d9cb-469f-a165-70867728950e";
  record.source_ids = {"7c9e6679-7425-40de-944b-e07fc1f90ae7"};
  record.tool_version = "0.1.0";
  record.git_commit = "0123456789ab";
  record.weights_sha256 = std::string(64, 'a');
  record.model = example_model();
  record.settings.seed = 0xFEDCBA9876543210U;
  record.settings.cfg = 1.5;
  record.settings.top_k = 10;
  record.settings.top_p = 0.96;
  record.settings.samples = samples;
  record.settings.batch = batch_size;
  record.settings.repeat = 2;
  record.settings.device = "cpu";
  record.settings.dtype = "fp32";
  record.settings.threads = 2;
  record.settings.store = KvStore::raw;
  record.settings.collectors = {"kv", "timing"};
  record.policy = "vanilla";
  record.budget = vanilla_budget(budget_model_of(record.model));
  record.torch_version = "2.11.0";
  record.device_name = "cpu";
  record.cpu_name = "a processor";
  record.start_time = "2026-01-02T03:04:05Z";
  return record;
}

FileLayout example_layout(const RunRecord& record) {
  return {.parts = {Part::raw, Part::similarity, Part::mass, Part::timing},
          .batches = (record.settings.samples + batch_size - 1) / batch_size,
          .preview_size = 4};
}

std::vector<float> example_kv_floats(const RunRecord& record, KvTensor tensor, int layer,
                                     std::int64_t sample) {
  const KeptSubset& keep = record.settings.keep;
  const ScaleSchedule schedule = record.model.schedule();
  std::vector<float> values;
  for (std::int64_t row = 0; row < GuidanceRows::per_sample; ++row) {
    for (const int head : kept_or_all(keep.heads, record.model.heads)) {
      for (const int scale : kept_or_all(keep.scales, schedule.scales())) {
        for (std::int64_t token = schedule.begin(scale); token < schedule.end(scale); ++token) {
          for (int channel = 0; channel < record.model.head_dim(); ++channel) {
            values.push_back(kv_value(tensor, layer, sample, row, head, token, channel));
          }
        }
      }
    }
  }
  return values;
}

std::vector<std::byte> example_kv(const RunRecord& record, KvTensor tensor, int layer,
                                  std::int64_t sample) {
  const std::vector<float> values = example_kv_floats(record, tensor, layer, sample);
  const KvDtype dtype = record.settings.kv_dtype;
  const auto width = static_cast<std::size_t>(element_bytes(dtype));
  std::vector<std::byte> bytes(values.size() * width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    const std::uint16_t narrow =
        dtype == KvDtype::fp16 ? half_bits(values[i]) : static_cast<std::uint16_t>(bits >> 16);
    if (dtype == KvDtype::fp32) {
      std::memcpy(&bytes[i * width], &bits, width);
    } else {
      std::memcpy(&bytes[i * width], &narrow, width);
    }
  }
  return bytes;
}

BatchRecord example_batch(const RunRecord& record, std::int64_t first, std::int64_t count) {
  BatchRecord batch;
  batch.token_ids = NdArray<std::int32_t>({count, 14});
  for (std::size_t i = 0; i < batch.token_ids.data.size(); ++i) {
    batch.token_ids.data[i] = static_cast<std::int32_t>((first * 14 + static_cast<int>(i)) % 16);
  }
  batch.preview = NdArray<std::uint8_t>({count, 4, 4, 3}, static_cast<std::uint8_t>(first));
  const KeptSubset& keep = record.settings.keep;
  for (const int layer : kept_or_all(keep.layers, record.model.depth)) {
    batch.raw.push_back({.layer = layer, .key = {}, .value = {}, .query = {}});
  }
  for (std::int64_t sample = first; sample < first + count; ++sample) {
    batch.labels.push_back(static_cast<std::int32_t>(sample % 3));
    batch.seeds.push_back(record.settings.seed + static_cast<std::uint64_t>(first));
    if (!keep.samples.empty() &&
        std::find(keep.samples.begin(), keep.samples.end(), sample) == keep.samples.end()) {
      continue;
    }
    for (RawKv& layer : batch.raw) {
      const auto append = [&](std::vector<std::byte>& out, KvTensor tensor) {
        const std::vector<std::byte> more = example_kv(record, tensor, layer.layer, sample);
        out.insert(out.end(), more.begin(), more.end());
      };
      append(layer.key, KvTensor::key);
      append(layer.value, KvTensor::value);
    }
  }
  batch.statistics = example_statistics(first, count);
  batch.timing = example_timing(first);
  batch.ledger = example_ledger(count);
  batch.memory = {.process_peak_rss_bytes = 1000 + first, .allocator_peak_bytes = 5000 - first};
  batch.losses[LossCounter::overflowed_values] = 1;
  return batch;
}

void write_example(const std::string& path, const RunRecord& record, const FileLayout& layout) {
  CaptureWriter writer(path, record, layout, false);
  for (std::int64_t first = 0; first < record.settings.samples; first += batch_size) {
    const std::int64_t count = std::min(batch_size, record.settings.samples - first);
    writer.commit(example_batch(record, first, count));
  }
  writer.finish();
}

}  // namespace kvscope::testing
