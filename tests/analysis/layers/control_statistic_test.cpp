#include "analysis/layers/control_statistic.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/layers/layer_classes.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

TEST(ControlStatistic, FirstAndLastStartAtTheirEnd) {
  EXPECT_THAT(demand_order(first_layers(4).mean), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(demand_order(last_layers(4).mean), ElementsAre(3, 2, 1, 0));
}

TEST(ControlStatistic, ASeedIsOneOrderOfAllLayers) {
  std::set<std::vector<double>> orders;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    std::vector<double> ranks = random_layers(12, seed).mean;
    EXPECT_EQ(ranks, random_layers(12, seed).mean);
    orders.insert(ranks);
    std::sort(ranks.begin(), ranks.end());
    EXPECT_EQ(ranks, first_layers(12).mean);
  }
  EXPECT_EQ(orders.size(), 5U) << "five seeds are five controls";
}

// 3000 seeds: each layer is the most demanding one with chance 1/6. Six standard deviations of
// √(3000·1/6·5/6) ≈ 20 leave no room for chance, only for a lopsided shuffle.
TEST(ControlStatistic, NoLayerIsFavoured) {
  std::vector<int> first(6, 0);
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    ++first[demand_order(random_layers(6, seed).mean).front()];
  }
  for (const int count : first) EXPECT_NEAR(count, 500, 122);
}

}  // namespace
}  // namespace kvscope
