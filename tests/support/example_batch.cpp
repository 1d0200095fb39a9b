#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "core/geometry/guidance_rows.h"
#include "tests/support/example_capture.h"

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

void number(BatchStatistics& statistics, double start) {
  for (NdArray<double>& sum : statistics.similarity_sum.arrays) {
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
  for (NdArray<double>& statistic : statistics.layer_statistic.arrays) fill(statistic, start / 7);
  for (NdArray<double>& norm : statistics.norm_sum) fill(norm, start + 1);
  fill(statistics.mass_sum, start / 11);
}

void count_from(NdArray<std::int64_t>& array, std::int64_t start) {
  std::iota(array.data.begin(), array.data.end(), start);
}

void number(TimingRecord& timing, std::int64_t first) {
  count_from(timing.layer_ns, first);
  count_from(timing.model_ns, 1000 + first);
  count_from(timing.batch_ns, 2000 + first);
}

void number(LedgerRecord& ledger, std::int64_t count) {
  count_from(ledger.logical_bytes, 100 * count);
  count_from(ledger.resident_bytes, 200 * count);
  count_from(ledger.transient_bytes, 100 * count);
  count_from(ledger.shared_bytes, 300 * count);
  ledger.value_element_bytes = 2;
}

}  // namespace

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
  BatchRecord batch = empty_batch(record, example_layout(record), count);
  for (std::size_t i = 0; i < batch.token_ids.data.size(); ++i) {
    batch.token_ids.data[i] = static_cast<std::int32_t>((first * 14 + static_cast<int>(i)) % 16);
  }
  batch.preview.data.assign(batch.preview.data.size(), static_cast<std::uint8_t>(first));
  const KeptSubset& keep = record.settings.keep;
  for (const int layer : kept_or_all(keep.layers, record.model.depth)) {
    batch.raw.push_back({.layer = layer, .key = {}, .value = {}, .query = {}});
  }
  for (std::int64_t sample = first; sample < first + count; ++sample) {
    const auto place = static_cast<std::size_t>(sample - first);
    batch.labels[place] = static_cast<std::int32_t>(record.model.labels().in_turn(sample));
    batch.seeds[place] = record.settings.seed + static_cast<std::uint64_t>(first);
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
  number(*batch.statistics, static_cast<double>(first));
  number(*batch.timing, first);
  number(batch.ledger, count);
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
