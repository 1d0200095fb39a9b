// What a user would lose: the table and the JSON that say what each layer of a budget keeps.

#include "analysis/planner/kept_tokens.h"

#include <vector>

#include <gmock/gmock.h>

#include "core/budget/policies/keep_local.h"
#include "tests/support/keep_by_heads.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

class KeptTokensOfABudget : public ::testing::Test {
 protected:
  KeptTokens of_last_layer() const { return kept_tokens(budget_, shape_).at(1); }

  Budget budget_ = vanilla_budget({.depth = 2, .heads = 2, .head_dim = 4, .patch_nums = {1, 2, 3}});
  KvShape shape_ = kv_shape(budget_.model, 3, 4, 2);
};

TEST_F(KeptTokensOfABudget, AreCountedLayerByLayer) {
  budget_.layers[1] = {LayerClass::efficient, KeepLocal{1, 0}};
  const KeptTokens vanilla = kept_tokens(budget_, shape_).at(0);
  ASSERT_EQ(vanilla.groups.size(), 1U);
  EXPECT_EQ(vanilla.groups[0].kept_tokens, 5) << "the last scale is never read, so it is not held";
  EXPECT_THAT(vanilla.groups[0].read_tokens, ElementsAre(0, 1, 5));
  // 5 tokens · 2 heads · 4 channels · 6 rows · (4 + 2) bytes
  EXPECT_EQ(vanilla.held_peak_bytes, 5 * 2 * 4 * 6 * 6);
  const KeptTokens condensed = of_last_layer();
  EXPECT_EQ(condensed.layer, 1);
  EXPECT_EQ(condensed.layer_class, LayerClass::efficient);
  EXPECT_EQ(condensed.rule, LayerRule(KeepLocal{1, 0}));
  EXPECT_EQ(condensed.groups.at(0).kept_tokens, 1);
  EXPECT_THAT(condensed.groups.at(0).read_tokens, ElementsAre(0, 1, 1));
  EXPECT_EQ(condensed.held_peak_bytes, 2 * 4 * 6 * 6);
}

TEST_F(KeptTokensOfABudget, AreCountedForHeadsThatKeepUnequalOnes) {
  budget_.layers[1].rule =
      testing::KeepByHeads{.even = {.condensed_scales = 1}, .odd = {.condensed_scales = 2}};
  const KeptTokens kept = of_last_layer();
  ASSERT_EQ(kept.groups.size(), 2U);
  EXPECT_THAT(kept.groups[0].heads.indices(), ElementsAre(0));
  EXPECT_EQ(kept.groups[0].kept_tokens, 1);
  EXPECT_THAT(kept.groups[1].heads.indices(), ElementsAre(1));
  EXPECT_THAT(kept.groups[1].read_tokens, ElementsAre(0, 1, 5));
  // One token of one head and five of the other.
  EXPECT_EQ(kept.held_peak_bytes, (1 + 5) * 4 * 6 * 6);
}

}  // namespace
}  // namespace kvscope
