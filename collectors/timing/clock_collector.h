#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "collectors/collector_list.h"
#include "core/record/clocks.h"

namespace kvscope {

/// The clock that times of events in a device's stream are on, as FileLayout::clocks names it.
inline constexpr std::string_view device_event_clock = "device_events";

/// Two events in a device's stream, which tests stand in for.
class EventPair {
 public:
  virtual ~EventPair() = default;

  /// Puts event 0 or 1 into the stream, again if it was there, and waits until the device passed
  /// it.
  virtual void record(std::size_t event) = 0;

  /// From one event's passing to the other's. PyTorch counts in milliseconds, CUDA in floats.
  virtual double elapsed_ms(std::size_t from, std::size_t to) = 0;
};

/// Events of PyTorch in the stream that is current on `device`, not a CPU.
std::unique_ptr<EventPair> device_events(at::Device device);

/// The host's steady clock, in ns.
std::int64_t steady_ns();

/// Measures how far a device's clock is from the host's, at both ends of every observed pass. An
/// observer hears of a pass before its timer starts and after that has stopped, so that no time
/// has a reading in it. The device's clock starts at 0 with the collector.
class ClockCollector final : public Collector {
 public:
  explicit ClockCollector(std::unique_ptr<EventPair> events,
                          std::function<std::int64_t()> host_ns = steady_ns);

  void start(const Generator& generator) override;
  void on_batch_begin(const BatchInfo& info) override;
  void on_batch_end(const BatchInfo& info, const BatchOutput& output) override;
  void flush(BatchRecord& record) override;

 private:
  ClockOffset measure();

  std::unique_ptr<EventPair> events_;
  std::function<std::int64_t()> host_ns_;
  std::size_t last_ = 0;             // which event was recorded last …
  std::int64_t last_device_ns_ = 0;  // … and when
  BatchClock clock_;
};

CollectorEntry clock_collector();

}  // namespace kvscope
