#include "core/record/clocks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

/// A clock that started elsewhere and runs too fast, as a device's does.
class FastClock {
 public:
  std::int64_t at(std::int64_t host_ns) const {
    return start_ns + host_ns + std::llround(drift * static_cast<double>(host_ns));
  }
  /// What is to be added to a reading at that time.
  std::int64_t offset_at(std::int64_t host_ns) const { return host_ns - at(host_ns); }

  static constexpr std::int64_t start_ns = 1'700'000'000'000'000'000;
  static constexpr double drift = 40e-6;
};

// The times of kernels and of the host must meet on one axis, or a gap is shown where none is.
TEST(ClockOffset, IsWithinItsResidualOfTheTruth) {
  const FastClock clock;
  std::mt19937 random(20260101);
  std::uniform_int_distribution<std::int64_t> delay(500, 200000);
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{3'600'000'000'000}}) {
    std::vector<ClockReading> readings;
    std::int64_t shortest = 400000;
    for (std::int64_t now = start; readings.size() < 20; now += 1'000'000) {
      const std::int64_t read = now + delay(random);
      const std::int64_t after = read + delay(random);
      readings.push_back({now, clock.at(read), after});
      shortest = std::min(shortest, after - now);
    }
    const ClockOffset found = clock_offset(readings);
    EXPECT_EQ(found.residual_ns, shortest - shortest / 2);
    // 40 ppm over half a round trip of at most 0.2 ms are 8 ns more.
    EXPECT_LE(std::abs(found.offset_ns - clock.offset_at(found.host_ns)), found.residual_ns + 8);
  }
}

// An hour of drift is 144 ms: one offset for a whole run would shift every kernel out of its batch.
TEST(ClockOffset, FollowsTheDrift) {
  const FastClock clock;
  const auto measured = [&](std::int64_t now) {
    return clock_offset(std::vector<ClockReading>{{now - 500, clock.at(now), now + 500}});
  };
  const ClockOffset begin = measured(1000);
  const ClockOffset end = measured(3'600'000'001'000);
  EXPECT_EQ(begin.host_ns, 1000);
  EXPECT_EQ(begin.residual_ns, 500);
  EXPECT_EQ(begin.offset_ns - end.offset_ns, 144'000'000);
}

TEST(ClockOffset, RoundsItsResidualUp) {
  const ClockOffset found = clock_offset(std::vector<ClockReading>{{10, 1000, 13}});
  EXPECT_EQ(found, (ClockOffset{.host_ns = 11, .offset_ns = -989, .residual_ns = 2}));
}

TEST(ClockOffset, NeedsReadingsThatGoForward) {
  EXPECT_THROW((void)clock_offset({}), Error);
  EXPECT_THROW((void)clock_offset(std::vector<ClockReading>{{5, 0, 4}}), Error);
}

}  // namespace
}  // namespace kvscope
