#include "analysis/layers/attention_statistic.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

constexpr int layers = 3;
constexpr int heads = 2;

/// Attention of every query spread over the sources with these weights, which it divides by their
/// sum.
template <typename Weight>
BatchStatistics batch_of(const ScaleSchedule& schedule, std::int64_t samples, Weight weight) {
  BatchStatistics batch;
  batch.samples = samples;
  const std::int64_t scales = schedule.scales();
  batch.mass_sum = NdArray<double>({layers, heads, scales, scales});
  for (int layer = 0; layer < layers; ++layer) {
    for (int head = 0; head < heads; ++head) {
      for (int target = 0; target < scales; ++target) {
        double total = 0;
        for (int source = 0; source <= target; ++source) total += weight(layer, target, source);
        for (int source = 0; source <= target; ++source) {
          batch.mass_sum(layer, head, target, source) =
              static_cast<double>(samples * schedule.tokens(target)) *
              weight(layer, target, source) / total;
        }
      }
    }
  }
  return batch;
}

TEST(AttentionStatistic, EvenAttentionHasDensityOneWhateverTheScales) {
  for (const std::vector<int>& patch_nums :
       {std::vector<int>{1, 2, 3, 4, 5}, std::vector<int>{1, 2, 3, 4, 5, 6, 8, 10, 13, 16}}) {
    const ScaleSchedule schedule(patch_nums);
    const std::vector<BatchStatistics> batches = {batch_of(schedule, 4, [&](int, int, int source) {
      return static_cast<double>(schedule.tokens(source));
    })};
    const LayerStatisticValues statistics =
        attention_statistic(batches, schedule, DistantAttention::density);
    for (const double value : statistics.mean) EXPECT_NEAR(value, -1, 1e-12);  // rounding
  }
}

// A user who reads the share must be able to count it by hand: sides 1 to 6, targets 4 and 5.
TEST(AttentionStatistic, TheShareIsOfScalesNeitherCondensedNorLocalNorOwn) {
  const ScaleSchedule schedule({1, 2, 3, 4, 5, 6});
  const auto share_of = [&](int target, int source, double share) {
    return [=](int, int at_target, int at_source) {
      if (at_target != target) return at_source == at_target ? 1.0 : 0.0;
      if (at_source == source) return share;
      return at_source == at_target ? 1 - share : 0.0;
    };
  };
  const auto value = [&](int target, int source) {
    const std::vector<BatchStatistics> batches = {
        batch_of(schedule, 2, share_of(target, source, 0.5))};
    return attention_statistic(batches, schedule, DistantAttention::mass).mean[0];
  };
  EXPECT_DOUBLE_EQ(value(4, 2), -0.25) << "half of the attention of one of two targets";
  EXPECT_DOUBLE_EQ(value(5, 2), -0.25);
  EXPECT_DOUBLE_EQ(value(5, 3), -0.25);
  EXPECT_EQ(value(4, 1), 0) << "condensed";
  EXPECT_EQ(value(4, 3), 0) << "local";
  EXPECT_EQ(value(5, 4), 0) << "local";
  EXPECT_EQ(value(3, 2), 0) << "target 3 has no distant source";
}

TEST(AttentionStatistic, DensityWeighsScalesAlikeAndMassByTokens) {
  // Layer 1 looks at the small distant scale 2, layer 2 as much at the large distant scale 3.
  const ScaleSchedule schedule({1, 2, 3, 4, 5, 6});
  const std::vector<BatchStatistics> batches = {
      batch_of(schedule, 1, [](int layer, int target, int source) {
        if (target == 5 && layer > 0 && source == layer + 1) return 0.5;
        return source == target ? 1.0 : 0.0;
      })};
  const LayerStatisticValues mass = attention_statistic(batches, schedule, DistantAttention::mass);
  const LayerStatisticValues density =
      attention_statistic(batches, schedule, DistantAttention::density);
  EXPECT_EQ(mass.mean[0], 0);
  EXPECT_DOUBLE_EQ(mass.mean[1], mass.mean[2]);
  EXPECT_DOUBLE_EQ(density.mean[1] / density.mean[2], 16.0 / 9) << "tokens of scales 3 and 2";
}

TEST(AttentionStatistic, MoreDistantAttentionIsLowerAndIntervalsComeFromBatches) {
  const ScaleSchedule schedule({1, 2, 3, 4, 5});
  std::vector<BatchStatistics> batches;
  for (int batch = 0; batch < 3; ++batch) {
    batches.push_back(batch_of(schedule, 2 + batch, [batch](int layer, int, int source) {
      return source == 2 ? 1.0 + layer + 0.1 * batch : 1.0;
    }));
  }
  for (const DistantAttention measure : {DistantAttention::mass, DistantAttention::density}) {
    const LayerStatisticValues statistics = attention_statistic(batches, schedule, measure);
    EXPECT_GT(statistics.mean[0], statistics.mean[1]);
    EXPECT_GT(statistics.mean[1], statistics.mean[2]);
    EXPECT_EQ(statistics.samples, 9);
    EXPECT_EQ(statistics.batches, 3);
    EXPECT_LT(statistics.low[0], statistics.mean[0]);
    EXPECT_GT(statistics.high[0], statistics.mean[0]);
  }
}

std::string error_of(const std::vector<BatchStatistics>& batches, const ScaleSchedule& schedule) {
  try {
    (void)attention_statistic(batches, schedule, DistantAttention::mass);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(AttentionStatistic, SaysWhatIsMissing) {
  EXPECT_THAT(error_of({}, ScaleSchedule({1, 2, 3, 4, 5})), HasSubstr("expected attention mass"));
  const ScaleSchedule four({1, 2, 3, 4});
  EXPECT_THAT(error_of({batch_of(four, 1, [](int, int, int) { return 1.0; })}, four),
              HasSubstr("expected at least 5 scales"));
  // No word of V or of what was kept of K: attention mass comes from the run itself.
  const ScaleSchedule five({1, 2, 3, 4, 5});
  BatchStatistics broken = batch_of(five, 1, [](int, int, int) { return 1.0; });
  broken.mass_sum(1, 0, 4, 2) = std::numeric_limits<double>::infinity();
  EXPECT_THAT(error_of({broken}, five),
              HasSubstr("layer 1: expected a finite statistic, got -inf in batch 0: the attention "
                        "weights of its Q and K were not finite"));
}

}  // namespace
}  // namespace kvscope
