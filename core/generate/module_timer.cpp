#include "core/generate/module_timer.h"

#include <cmath>

#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

namespace kvscope {
namespace {

std::int64_t nanoseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
}

}  // namespace

ModuleTimer::ModuleTimer(TimingSink& sink, at::Device device) : sink_(&sink), device_(device) {}

void ModuleTimer::begin_batch(std::int64_t /*batch*/, int /*repeat*/) {
  spans_.clear();
  synchronize();
  batch_start_ = Clock::now();
}

// What an end needs is made here: it must not fail.
void ModuleTimer::begin(const Site& site) {
  const std::size_t event = 2 * spans_.size();
  spans_.push_back({.timing = {.site = site}, .event = event});
  if (device_.is_cpu()) {
    module_start_ = Clock::now();
    return;
  }
  while (events_.size() < event + 2) {
    // The backend's own default: with timing, which PyTorch's default leaves out.
    events_.emplace_back(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
  }
  record_event(event);
}

void ModuleTimer::end(const Site& /*site*/) noexcept {
  Span& span = spans_.back();
  if (device_.is_cpu()) {
    span.timing.duration_ns = nanoseconds(Clock::now() - module_start_);
    span.is_resolved = true;
    return;
  }
  try {
    record_event(span.event + 1);
    span.is_resolved = true;
  } catch (const c10::Error&) {
    span.is_resolved = false;  // an error of the device passes: the time counts as lost
  }
}

void ModuleTimer::end_batch(std::int64_t batch, int repeat) {
  synchronize();
  const std::int64_t batch_ns = nanoseconds(Clock::now() - batch_start_);
  for (Span& span : spans_) {
    if (!span.is_resolved) {
      sink_->record_lost();
      continue;
    }
    if (!device_.is_cpu()) {
      const double milliseconds = events_[span.event].elapsedTime(events_[span.event + 1]);
      span.timing.duration_ns = std::llround(milliseconds * 1e6);
    }
    sink_->record(span.timing);
  }
  sink_->record_batch(batch, repeat, batch_ns);
  spans_.clear();
}

void ModuleTimer::abandon_batch(std::int64_t /*batch*/, int /*repeat*/) noexcept {
  for (std::size_t lost = 0; lost < spans_.size(); ++lost) sink_->record_lost();
  spans_.clear();
}

void ModuleTimer::record_event(std::size_t index) {
  events_[index].record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
}

void ModuleTimer::synchronize() const {
  if (device_.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device_.type());
  guard.synchronizeStream(guard.getStream(device_));
}

}  // namespace kvscope
