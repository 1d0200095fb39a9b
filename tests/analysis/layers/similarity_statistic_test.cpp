#include "analysis/layers/similarity_statistic.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SimilarityStatistic, TakesTheMetricAndTensorAskedFor) {
  Statistics statistics;
  statistics.samples = 1;
  NdArray<double>& values = statistics.layer_statistic(Metric::neg_l2, KvTensor::value);
  values = NdArray<double>({1, 2});
  values.data = {-3, -4};
  const LayerStatisticValues layers =
      similarity_statistic(statistics, Metric::neg_l2, KvTensor::value);
  EXPECT_THAT(layers.mean, ElementsAre(-3, -4));
  EXPECT_EQ(layers.name, "neg_l2-value");
  EXPECT_THROW((void)similarity_statistic(statistics, Metric::cosine, KvTensor::key), Error);
}

TEST(SimilarityStatistic, SaysWhyALayerHasNone) {
  Statistics statistics;
  NdArray<double>& values = statistics.layer_statistic(Metric::cosine, KvTensor::key);
  values = NdArray<double>({1, 2});
  values.data = {0.5, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_THAT([&] { (void)similarity_statistic(statistics, Metric::cosine, KvTensor::key); },
              ::testing::ThrowsMessage<Error>(
                  AllOf(HasSubstr("layer 1: expected a finite"), HasSubstr("or was not kept"))));
}

// The report finds the heat map of a budget by this name.
TEST(SimilarityStatistic, NamesReadBack) {
  for (const Metric metric : all_metrics) {
    for (const KvTensor tensor : all_kv_tensors) {
      EXPECT_EQ(parse_similarity_statistic(similarity_statistic_name(metric, tensor)),
                std::pair(metric, tensor));
    }
  }
  EXPECT_FALSE(parse_similarity_statistic("first").has_value());
}

}  // namespace
}  // namespace kvscope
