#include "core/geometry/guidance_rows.h"

#include <gtest/gtest.h>

namespace kvscope {
namespace {

// Whoever takes the wrong half watches the cache of the unconditional pass, or guides backwards.
TEST(GuidanceRows, PutsAllConditionalRowsBeforeTheUnconditionalOnes) {
  const GuidanceRows rows = GuidanceRows::of_samples(3);
  EXPECT_EQ(rows.count(), 6);
  EXPECT_EQ(rows.conditional().first, 0);
  EXPECT_EQ(rows.conditional().count, 3);
  EXPECT_EQ(rows.unconditional().first, 3);
  EXPECT_EQ(rows.unconditional().count, 3);
}

TEST(GuidanceRows, TellsTheSamplesOfATensorFromItsRows) {
  EXPECT_EQ(GuidanceRows::of_rows(6).samples(), 3);
  EXPECT_EQ(GuidanceRows::of_rows(6).count(), 6);
}

}  // namespace
}  // namespace kvscope
