// What a user would lose: a grid that shows scales which the run does not read.

#include "analysis/views/kept_scales.h"

#include <cmath>

#include <gmock/gmock.h>

#include "core/budget/policies/keep_local.h"
#include "tests/support/example_capture.h"
#include "tests/support/keep_by_heads.h"
#include "tests/support/keep_strongest.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

/// 4 scales of 1, 4, 9 and 16 tokens; layer 0 keeps all, layer 1 the first and the nearest.
class KeptScalesTest : public ::testing::Test {
 protected:
  KeptScalesTest() { keep_in_layer_1(KeepLocal{1, 1}); }

  void keep_in_layer_1(const LayerRule& rule) {
    Budget budget = testing::example_budget(
        testing::example_model({.depth = 2, .patch_nums = {1, 2, 3, 4}}), {1});
    budget.layers[1].rule = rule;
    kept_ = kept_scales(budget);
  }

  std::vector<double> sources_of(int layer, int target) const {
    std::vector<double> read;
    for (int source = 0; source < target; ++source) {
      read.push_back(kept_.read(layer, target, source));
    }
    return read;
  }

  KeptScales kept_;
};

TEST_F(KeptScalesTest, SayWhatEachTargetReads) {
  EXPECT_THAT(sources_of(0, 3), ElementsAre(1, 1, 1));
  EXPECT_THAT(sources_of(1, 1), ElementsAre(1));
  EXPECT_THAT(sources_of(1, 2), ElementsAre(1, 1));
  EXPECT_THAT(sources_of(1, 3), ElementsAre(1, 0, 1));
  EXPECT_TRUE(std::isnan(kept_.read(1, 2, 2)));
  EXPECT_TRUE(std::isnan(kept_.read(1, 0, 3)));
}

TEST_F(KeptScalesTest, ShareIsOverLaterTargets) {
  EXPECT_EQ(kept_.share.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_THAT(kept_.share.data, ElementsAre(1, 1, 1, 1, 0.5, 1));
}

TEST_F(KeptScalesTest, CountTokensAndNameClasses) {
  EXPECT_THAT(kept_.read_tokens.data, ElementsAre(0, 1, 5, 14, 0, 1, 5, 10));
  EXPECT_THAT(kept_.classes, ElementsAre(LayerClass::demanding, LayerClass::efficient));
  EXPECT_THAT(kept_.whole_scales, ElementsAre(true, true));
}

// Two heads, of which one reads the neighbour.
TEST_F(KeptScalesTest, SayWhichPartOfTheHeadsReadsASource) {
  keep_in_layer_1(testing::KeepByHeads{.even = {1, 1}, .odd = {1, 0}});
  EXPECT_THAT(sources_of(1, 3), ElementsAre(1, 0, 0.5));
  EXPECT_THAT(kept_.whole_scales, ElementsAre(true, true));
}

// 6 of the 14 tokens before target 3 in one head, 3 in the other: which ones is not known.
TEST_F(KeptScalesTest, SayHowMuchIsPickedByContent) {
  keep_in_layer_1(testing::KeepStrongest{.tokens = 3});
  EXPECT_THAT(kept_.whole_scales, ElementsAre(true, false));
  EXPECT_THAT(sources_of(1, 3), ElementsAre(4.5 / 14, 4.5 / 14, 4.5 / 14));
  EXPECT_EQ(kept_.share(1, 0), 4.5 / 14);
  EXPECT_EQ(kept_.read_tokens(1, 3), 4);
}

}  // namespace
}  // namespace kvscope
