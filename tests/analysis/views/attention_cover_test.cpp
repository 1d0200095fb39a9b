// What a user would lose: a budget that is said to cover attention which it throws away.

#include "analysis/views/attention_cover.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/budget/policies/keep_local.h"
#include "core/record/statistics.h"
#include "tests/support/example_capture.h"
#include "tests/support/keep_strongest.h"

namespace kvscope {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;

/// 4 scales of 1, 4, 9 and 16 tokens, 2 layers of 2 heads.
class CoveredAttention : public ::testing::Test {
 protected:
  CoveredAttention() {
    budget_ = testing::example_budget(model_, {});
    // Halves for itself and for the first scale in head 0; head 1 looks at itself alone.
    mass_ = NdArray<double>({2, 2, 4, 4});
    for (std::int64_t layer = 0; layer < 2; ++layer) {
      for (std::int64_t target = 0; target < 4; ++target) {
        const double tokens = model_.schedule().tokens(static_cast<int>(target));
        mass_(layer, 0, target, 0) += tokens / 2;
        mass_(layer, 0, target, target) += tokens / 2;
        mass_(layer, 1, target, target) += tokens;
      }
    }
  }

  NdArray<double> covered(HeadChoice head = std::nullopt) const {
    return covered_attention(attention_share(mass_, model_.schedule().tokens_by_scale()),
                             RetentionPlan(budget_), head);
  }

  ModelConfig model_ = testing::example_model({.depth = 2, .patch_nums = {1, 2, 3, 4}});
  Budget budget_;
  NdArray<double> mass_;
};

TEST_F(CoveredAttention, IsAllOfItWhereEverythingIsKept) {
  EXPECT_THAT(covered().data, Each(DoubleEq(1)));
}

// With one local scale and no condensed one, target 1 still reads scale 0.
TEST_F(CoveredAttention, LeavesOutWhatABudgetDrops) {
  budget_.layers[1].rule = KeepLocal{0, 1};
  EXPECT_THAT(covered(0).data, ElementsAre(1, 1, 1, 1, 1, 1, 0.5, 0.5));
  EXPECT_THAT(covered(1).data, Each(DoubleEq(1)));
  EXPECT_EQ(covered()(1, 3), 0.75);
}

// A number would be a guess.
TEST_F(CoveredAttention, IsUnknownWhereTokensArePickedByContent) {
  budget_.layers[1].rule = testing::KeepStrongest{.tokens = 3};
  EXPECT_EQ(covered()(0, 3), 1);
  EXPECT_TRUE(std::isnan(covered()(1, 3)));
  EXPECT_TRUE(std::isnan(covered(0)(1, 3)));
}

TEST_F(CoveredAttention, CountsTheCondensedScales) {
  for (LayerBudget& layer : budget_.layers) layer.rule = KeepLocal{1, 0};
  EXPECT_THAT(covered().data, Each(DoubleEq(1)));
}

}  // namespace
}  // namespace kvscope
