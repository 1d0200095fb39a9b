#include "core/base/random_mode.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// Stream of SplitMix64 seeded with 1234567, as its authors' reference code prints it. A change here
// changes every sample anyone ever drew.
TEST(SplitMix64, IsThePublishedFunction) {
  EXPECT_EQ(splitmix64(1234567, 0), 6457827717110365317U);
  EXPECT_EQ(splitmix64(1234567, 1), 3203168211198807973U);
  EXPECT_EQ(splitmix64(1234567, 2), 9817491932198370423U);
}

TEST(BatchSeed, LeavesTheFirstBatchWithTheOfficialSeed) {
  EXPECT_EQ(batch_seed(7, 0), 7U);
  EXPECT_NE(batch_seed(7, 1), batch_seed(7, 2));
}

TEST(RandomModeName, GoesThereAndBack) {
  for (const RandomMode mode : {RandomMode::official, RandomMode::per_sample}) {
    EXPECT_EQ(parse_random_mode(name_of(mode)), mode);
  }
  EXPECT_THROW(parse_random_mode("dice"), UsageError);
}

}  // namespace
}  // namespace kvscope
