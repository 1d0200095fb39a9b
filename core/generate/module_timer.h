#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include "core/base/site.h"
#include "core/generate/timing_sink.h"

namespace kvscope {

/// Times modules and whole batches: by the steady clock on a CPU, by events in the stream on a
/// device, which are read only after the batch. Nothing waits for the device in between.
class ModuleTimer final : public SiteListener {
 public:
  /// `sink` is not owned.
  ModuleTimer(TimingSink& sink, at::Device device);

  void begin_batch(std::int64_t batch, int repeat) override;
  void begin(const Site& site) override;
  void end(const Site& site) noexcept override;

  /// Waits for the device and hands all timings of the batch to the sink.
  void end_batch(std::int64_t batch, int repeat) override;

  /// What was not handed over counts as lost.
  void abandon_batch(std::int64_t batch, int repeat) noexcept override;

 private:
  using Clock = std::chrono::steady_clock;

  // One stay at a site.
  struct Span {
    ModuleTiming timing;    // CPU: resolved at its end
    std::size_t event = 0;  // device: of events_ around it, the first of two
    bool is_resolved = false;
  };

  void record_event(std::size_t index);
  void synchronize() const;

  TimingSink* sink_;
  at::Device device_;
  Clock::time_point batch_start_;
  Clock::time_point module_start_;  // CPU
  std::vector<Span> spans_;
  std::vector<c10::Event> events_;  // device: kept for later batches
};

}  // namespace kvscope
