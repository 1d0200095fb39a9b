#include "core/record/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

const std::vector<std::int64_t> tokens = {1, 4, 9};

BatchStatistics batch_at(std::int64_t first, std::int64_t count) {
  return *testing::example_batch(testing::example_record(8), first, count).statistics;
}

TEST(StatisticsSums, DividesTheSumsByAllSamples) {
  const BatchStatistics a = batch_at(0, 2);
  const BatchStatistics b = batch_at(2, 1);
  StatisticsSums sums;
  sums.add(a);
  sums.add(b);
  const Statistics merged = sums.means(tokens);
  EXPECT_EQ(merged.samples, 3);
  EXPECT_EQ(merged.mass(1, 0, 2, 1), (a.mass_sum(1, 0, 2, 1) + b.mass_sum(1, 0, 2, 1)) / 3);
  EXPECT_EQ(merged.density(1, 0, 2, 1), merged.mass(1, 0, 2, 1) / 4);
  const auto& similarity = merged.similarity(Metric::neg_l2, KvTensor::value);
  EXPECT_EQ(similarity(0, 1, 2, 0),
            (a.similarity_sum(Metric::neg_l2, KvTensor::value)(0, 1, 2, 0) +
             b.similarity_sum(Metric::neg_l2, KvTensor::value)(0, 1, 2, 0)) /
                3);
  EXPECT_TRUE(std::isnan(similarity(0, 1, 1, 1)));
  EXPECT_EQ(merged.norm[0](1, 1, 2), (a.norm_sum[0](1, 1, 2) + b.norm_sum[0](1, 1, 2)) / 3);
}

TEST(StatisticsSums, LeavesOutWhatWasNotCollected) {
  BatchStatistics mass_only;
  mass_only.samples = 2;
  mass_only.mass_sum = batch_at(0, 2).mass_sum;
  StatisticsSums sums;
  sums.add(mass_only);
  sums.add(mass_only);
  const Statistics merged = sums.means(tokens);
  EXPECT_TRUE(merged.has_mass());
  EXPECT_FALSE(merged.has_similarity());
  EXPECT_THROW(sums.add(batch_at(0, 2)), Error);
}

TEST(StatisticNames, AreReadBack) {
  for (const Metric metric : all_metrics) EXPECT_EQ(parse_metric(name_of(metric)), metric);
  for (const KvTensor tensor : all_kv_tensors) {
    EXPECT_EQ(parse_kv_tensor(name_of(tensor)), tensor);
  }
  EXPECT_THROW((void)parse_metric("euclid"), UsageError);
  EXPECT_THROW((void)parse_kv_tensor("query"), UsageError);
}

}  // namespace
}  // namespace kvscope
