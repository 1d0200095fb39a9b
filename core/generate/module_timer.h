#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <c10/core/Device.h>
#include <c10/core/Event.h>

#include "core/generate/timing_sink.h"
#include "core/model/module_scope.h"

namespace kvscope {

/// Times modules and whole batches: by the steady clock on a CPU, by events in the stream on a
/// device, which are read only after the batch. Nothing waits for the device in between.
class ModuleTimer : public ModuleClock {
 public:
  /// `sink` is not owned.
  ModuleTimer(TimingSink& sink, at::Device device);

  void begin_batch(std::int64_t batch, int repeat);
  void set_scale(int scale) { current_.scale = scale; }
  void begin(Module module, int layer) override;
  void end() override;

  /// Waits for the device and hands all timings of the batch to the sink.
  void end_batch();

  /// The batch failed: what was opened and not handed over counts as lost.
  void abandon_batch();

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t unresolved = static_cast<std::size_t>(-1);

  // Events around one module; indices into events_.
  struct Span {
    ModuleTiming timing;
    std::size_t begin = 0;
    std::size_t end = unresolved;
  };

  std::size_t record_event();
  void synchronize() const;

  TimingSink* sink_;
  at::Device device_;
  ModuleTiming current_;
  Clock::time_point batch_start_;
  Clock::time_point module_start_;
  bool open_ = false;
  std::vector<ModuleTiming> resolved_;  // CPU
  std::vector<Span> spans_;             // device
  std::vector<c10::Event> events_;      // kept for later batches
  std::size_t events_used_ = 0;
};

}  // namespace kvscope
