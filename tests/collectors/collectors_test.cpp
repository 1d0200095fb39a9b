#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>

#include "collectors/kv/kv_statistics.h"
#include "collectors/kv/mass_collector.h"
#include "collectors/kv/raw_kv.h"
#include "collectors/memory/ledger.h"
#include "collectors/memory/memory_collector.h"
#include "core/base/error.h"
#include "core/budget/policies/keep_local.h"
#include "tests/collectors/fake_generation.h"
#include "tests/support/keep_by_heads.h"

namespace kvscope {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

RunSettings raw_settings(KvDtype dtype) {
  RunSettings settings;
  settings.kv_dtype = dtype;
  return settings;
}

/// What `collector` gives for one batch of two samples, the samples 4 and 5 of the run.
BatchRecord record_of(Collector& collector, testing::FakeGenerator& generator) {
  generator.set_observers({&collector});
  generator.generate({0, 0, 4, {3, 7}, 2});
  BatchRecord record;
  collector.flush(record);
  return record;
}

float float_at(const std::vector<std::byte>& bytes, std::size_t index) {
  float value = 0;
  std::memcpy(&value, &bytes[index * sizeof(float)], sizeof value);
  return value;
}

// Position and row order are what every script outside reads.
TEST(RawKv, LiesAsSampleRowHeadTokenChannel) {
  testing::FakeGenerator generator;
  RawKvCollector collector(testing::tiny_model(), raw_settings(KvDtype::fp32));
  const BatchRecord record = record_of(collector, generator);
  ASSERT_THAT(record.raw, SizeIs(2));
  const NdArray<char> shape({2, 2, 2, 14, 20});
  for (int sample = 0; sample < 2; ++sample) {
    for (int row = 0; row < 2; ++row) {
      const auto index = shape.offset(sample, row, 1, 5 + 8, 19);
      // Rows of the model: conditional samples, then unconditional ones.
      EXPECT_EQ(float_at(record.raw[1].key, index),
                generator.last_key[row * 2 + sample][1][8][19].item<float>());
    }
  }
  EXPECT_THAT(record.losses.values, Each(0));
  EXPECT_THAT(record.raw[1].query, SizeIs(0)) << "nobody asked for it";
}

// The subset is one for all three: else no script could multiply them.
TEST(RawKv, KeepsQueriesLikeKeysAndValues) {
  testing::FakeGenerator generator;
  RunSettings settings = raw_settings(KvDtype::bf16);
  settings.first_sample = 4;
  settings.keep = {.layers = {1}, .heads = {1}, .scales = {0, 2}, .samples = {1}, .queries = true};
  RawKvCollector collector(testing::tiny_model(), settings);
  const BatchRecord record = record_of(collector, generator);
  ASSERT_THAT(record.raw, SizeIs(1));
  EXPECT_EQ(record.raw[0].query, record.raw[0].value) << "the fake generator's are the same";
  EXPECT_NE(record.raw[0].query, record.raw[0].key);
}

TEST(RawKv, KeepsTheSubsetAskedFor) {
  testing::FakeGenerator generator;
  RunSettings settings = raw_settings(KvDtype::fp32);
  settings.first_sample = 4;
  settings.keep = {.layers = {1}, .heads = {1}, .scales = {0, 2}, .samples = {1}};
  RawKvCollector collector(testing::tiny_model(), settings);
  const BatchRecord record = record_of(collector, generator);
  ASSERT_THAT(record.raw, SizeIs(1));
  EXPECT_EQ(record.raw[0].layer, 1);
  const NdArray<float> shape({1, 2, 1, 1 + 9, 20});
  ASSERT_EQ(record.raw[0].key.size(), shape.data.size() * sizeof(float));
  EXPECT_EQ(float_at(record.raw[0].key, shape.offset(0, 0, 0, 1 + 8, 3)),
            generator.last_key[1][1][8][3].item<float>());
}

TEST(RawKv, GivesNothingForABatchWithoutKeptSamples) {
  testing::FakeGenerator generator;
  RunSettings settings = raw_settings(KvDtype::fp16);
  settings.keep.samples = {0};
  RawKvCollector collector(testing::tiny_model(), settings);
  EXPECT_THAT(record_of(collector, generator).raw, SizeIs(0));
}

struct Spoiled {
  float value;
  KvDtype dtype;
  std::int64_t nonfinite;
  std::int64_t overflowed;
};

class SpoiledRawKv : public ::testing::TestWithParam<Spoiled> {};

// An infinity in the file is either the model's or the stored type's fault: the advice differs.
TEST_P(SpoiledRawKv, IsCounted) {
  testing::FakeGenerator generator;
  generator.spoil = GetParam().value;
  RawKvCollector collector(testing::tiny_model(), raw_settings(GetParam().dtype));
  const LossCounts losses = record_of(collector, generator).losses;
  EXPECT_EQ(losses[LossCounter::nonfinite_values], GetParam().nonfinite);
  EXPECT_EQ(losses[LossCounter::overflowed_values], GetParam().overflowed);
}

INSTANTIATE_TEST_SUITE_P(Values, SpoiledRawKv,
                         ::testing::Values(Spoiled{std::nanf(""), KvDtype::fp16, 1, 0},
                                           Spoiled{-std::numeric_limits<float>::infinity(),
                                                   KvDtype::fp32, 1, 0},
                                           Spoiled{70000.0F, KvDtype::fp16, 0, 1},
                                           Spoiled{-70000.0F, KvDtype::fp16, 0, 1},
                                           Spoiled{70000.0F, KvDtype::bf16, 0, 0},
                                           Spoiled{65504.0F, KvDtype::fp16, 0, 0}));

// `--store reduced` must give what `analyze` gives on the raw capture of the same run.
TEST(KvStatistics, EqualsTheSimilarityOfRawKv) {
  testing::FakeGenerator generator;
  const ModelConfig model = testing::tiny_model();
  KvStatisticsCollector reduced(model);
  RawKvCollector raw(model, raw_settings(KvDtype::fp32));
  const BatchStatistics statistics = record_of(reduced, generator).statistics.value();
  const BatchRecord raw_record = record_of(raw, generator);
  const InterScaleSimilarity similarity(model.schedule(), model.head_dim());
  const NdArray<char> shape({2, 2, 2, 14, 20});
  double expected = 0;
  for (int sample = 0; sample < 2; ++sample) {
    std::vector<float> rows(14 * 20);
    std::memcpy(rows.data(),
                &raw_record.raw[1].value[shape.offset(sample, 0, 1, 0, 0) * sizeof(float)],
                rows.size() * sizeof(float));
    expected += similarity.of_head(rows.data()).cosine[2 * 3 + 1];
  }
  EXPECT_EQ(statistics.samples, 2);
  EXPECT_EQ(statistics.similarity_sum(Metric::cosine, KvTensor::value)(1, 1, 2, 1), expected);
  EXPECT_TRUE(std::isfinite(statistics.layer_statistic(Metric::neg_l2, KvTensor::key)(1, 0)));
}

TEST(KvStatistics, CountsNonfiniteValuesAndKeepsThemVisible) {
  testing::FakeGenerator generator;
  generator.spoil = std::nanf("");
  KvStatisticsCollector collector(testing::tiny_model());
  const BatchRecord record = record_of(collector, generator);
  EXPECT_EQ(record.losses[LossCounter::nonfinite_values], 1);
  EXPECT_TRUE(std::isnan(record.statistics->norm_sum[0](1, 0, 1)));
}

TEST(AttentionMassCollector, SumsToTheTokensOfEveryTarget) {
  testing::FakeGenerator generator;
  const ModelConfig model = testing::tiny_model();
  const RetentionPlan plan(vanilla_budget(budget_model_of(model)));
  AttentionMassCollector collector(plan, model.heads);
  const BatchStatistics statistics = record_of(collector, generator).statistics.value();
  for (int target = 0; target < 3; ++target) {
    double row = 0;
    for (int source = 0; source < 3; ++source) row += statistics.mass_sum(1, 1, target, source);
    EXPECT_NEAR(row, 2.0 * static_cast<double>(model.schedule().tokens(target)), 1e-5);
  }
}

TEST(Ledger, HoldsLogicalResidentAndTransientBytes) {
  testing::FakeGenerator generator;
  const ModelConfig model = testing::tiny_model();
  const RetentionPlan plan(vanilla_budget(budget_model_of(model)));
  LedgerCollector collector(plan);
  const LedgerRecord ledger = record_of(collector, generator).ledger;
  // After scale 1: 5 tokens × width 40 × 4 rows × (4 + 4) bytes.
  EXPECT_EQ(ledger.logical_bytes(1, 1), 5 * 40 * 4 * 8);
  EXPECT_EQ(ledger.logical_bytes(1, 2), 0) << "nothing reads after the last scale";
  EXPECT_EQ(ledger.resident_bytes(1, 2), 101);
  EXPECT_EQ(ledger.transient_bytes(1, 2), 101);
  EXPECT_THAT(ledger.shared_bytes.data, ElementsAre(7, 7, 7));
  EXPECT_EQ(ledger.rows, 4);
  EXPECT_EQ(ledger.key_element_bytes, 4);
}

struct OtherPlan {
  LayerRule rule;  ///< of layer 1; the fake generator's cache keeps all
  const char* complaint;
};

class CacheOffThePlan : public ::testing::TestWithParam<OtherPlan> {};

// A cache that reads other tokens than planned would make every reduction in the file wrong.
TEST_P(CacheOffThePlan, IsRefusedOnceThePassIsOver) {
  const ModelConfig model = testing::tiny_model();
  Budget budget = vanilla_budget(budget_model_of(model));
  budget.layers[1].rule = GetParam().rule;
  const RetentionPlan plan(budget);
  LedgerCollector ledger(plan);
  AttentionMassCollector mass(plan, model.heads);
  for (Collector* collector : {static_cast<Collector*>(&ledger), static_cast<Collector*>(&mass)}) {
    testing::FakeGenerator generator;
    generator.set_observers({collector});
    EXPECT_NO_THROW(generator.generate({0, 0, 4, {3, 7}, 2})) << "a pass is no place to complain";
    BatchRecord record;
    EXPECT_THAT([&] { collector->flush(record); },
                ::testing::ThrowsMessage<Error>(::testing::AllOf(
                    ::testing::HasSubstr("layer 1"), ::testing::HasSubstr(GetParam().complaint))));
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, CacheOffThePlan,
                         ::testing::Values(OtherPlan{KeepLocal{1, 0}, "scale 2"},
                                           OtherPlan{testing::KeepByHeads{{1, 0}, {0, 1}},
                                                     "expected 2 head groups"}));

TEST(Memory, HasAProcessPeakAndNoAllocatorOnTheCpu) {
  testing::FakeGenerator generator;
  MemoryCollector collector(at::kCPU);
  const MemoryRecord memory = record_of(collector, generator).memory;
  EXPECT_GT(memory.process_peak_rss_bytes, 1 << 20);
  EXPECT_EQ(memory.allocator_peak_bytes, 0);
}

}  // namespace
}  // namespace kvscope
