#include "tests/core/capture/expect_capture.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/example_capture.h"

namespace kvscope::testing {
namespace {

void expect_raw(const CaptureReader& reader, std::int64_t first, std::int64_t count) {
  const RunRecord& record = reader.record();
  for (const int layer : reader.raw_layers()) {
    for (const KvTensor tensor : all_kv_tensors) {
      std::vector<float> expected;
      for (std::int64_t sample = first; sample < first + count; ++sample) {
        const std::vector<float> more = example_kv_floats(record, tensor, layer, sample);
        expected.insert(expected.end(), more.begin(), more.end());
      }
      EXPECT_EQ(reader.raw_kv(tensor, layer, first, count).data, expected);
    }
  }
}

}  // namespace

Statistics means_of_batches(const CaptureReader& reader) {
  StatisticsSums sums;
  const auto batches = static_cast<std::int64_t>(reader.batch_samples().size());
  for (std::int64_t index = 0; index < batches; ++index) sums.add(*reader.batch(index).statistics);
  return sums.means(reader.record().model.schedule().tokens_by_scale());
}

void expect_samples(const CaptureReader& reader, std::int64_t first, std::int64_t count) {
  const NdArray<std::int32_t> token_ids = reader.token_ids();
  const std::vector<std::int32_t> labels = reader.labels();
  const std::vector<std::uint64_t> seeds = reader.seeds();
  ASSERT_GE(static_cast<std::int64_t>(labels.size()), first + count);
  for (std::int64_t sample = first; sample < first + count; ++sample) {
    EXPECT_EQ(labels[static_cast<std::size_t>(sample)], sample % 3);
    EXPECT_EQ(seeds[static_cast<std::size_t>(sample)],
              reader.record().settings.seed + static_cast<std::uint64_t>(sample / 2 * 2));
    for (std::int64_t token = 0; token < 14; ++token) {
      EXPECT_EQ(token_ids(sample, token), (sample * 14 + token) % 16);
    }
  }
  if (reader.has_raw_kv()) expect_raw(reader, first, count);
}

void expect_committed_samples(const CaptureReader& reader) {
  expect_samples(reader, 0, reader.committed_samples());
  const auto batches = static_cast<std::int64_t>(reader.batch_samples().size());
  std::int64_t first = 0;
  for (std::int64_t index = 0; index < batches; ++index) {
    const BatchStatistics batch = *reader.batch(index).statistics;
    const BatchStatistics expected =
        *example_batch(reader.record(), first, batch.samples).statistics;
    EXPECT_EQ(batch.mass_sum, expected.mass_sum);
    EXPECT_EQ(batch.norm_sum, expected.norm_sum);
    for (std::size_t i = 0; i < batch.layer_statistic.arrays.size(); ++i) {
      EXPECT_EQ(batch.layer_statistic.arrays[i], expected.layer_statistic.arrays[i]);
    }
    first += batch.samples;
  }
  EXPECT_EQ(first, reader.committed_samples());
}

}  // namespace kvscope::testing
