#pragma once

#include <cstdint>
#include <span>

namespace kvscope {

/// A reading of another clock between two of the host's steady clock, in ns of each.
struct ClockReading {
  std::int64_t host_before_ns = 0;
  std::int64_t other_ns = 0;
  std::int64_t host_after_ns = 0;
};

/// Brings times of another clock to the host's steady clock: host = other + offset_ns. Clocks
/// drift, so it holds at host_ns. The host's steady clock starts anywhere: only times of one run
/// compare.
struct ClockOffset {
  std::int64_t host_ns = 0;
  std::int64_t offset_ns = 0;
  std::int64_t residual_ns = 0;  ///< the offset is wrong by no more than that
  bool operator==(const ClockOffset&) const = default;
};

/// Of the reading with the shortest round trip, taken to lie in its middle; half the round trip is
/// the residual. The more readings, the likelier one that nothing interrupted. Throws Error without
/// a reading, and when the host's clock went backwards.
ClockOffset clock_offset(std::span<const ClockReading> readings);

/// Offsets of one clock at both ends of a batch: times between are interpolated.
struct BatchClock {
  ClockOffset begin;
  ClockOffset end;
  bool operator==(const BatchClock&) const = default;
};

}  // namespace kvscope
