#include "core/record/clocks.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

std::int64_t round_trip_ns(const ClockReading& reading) {
  return reading.host_after_ns - reading.host_before_ns;
}

}  // namespace

ClockOffset clock_offset(std::span<const ClockReading> readings) {
  const auto best = std::min_element(
      readings.begin(), readings.end(),
      [](const auto& a, const auto& b) { return round_trip_ns(a) < round_trip_ns(b); });
  if (best == readings.end() || round_trip_ns(*best) < 0) {
    throw Error(fmt::format("[clocks] readings: expected a clock that goes forward, got {}",
                            best == readings.end() ? "no reading" : "one that went back"));
  }
  const std::int64_t half = round_trip_ns(*best) / 2;
  const std::int64_t middle = best->host_before_ns + half;
  // The half that was rounded down may be one more.
  return {.host_ns = middle,
          .offset_ns = middle - best->other_ns,
          .residual_ns = round_trip_ns(*best) - half};
}

}  // namespace kvscope
