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

void ModuleTimer::begin_batch(std::int64_t batch, int repeat) {
  current_ = {.batch = batch, .repeat = repeat};
  resolved_.clear();
  spans_.clear();
  events_used_ = 0;
  open_ = false;
  synchronize();
  batch_start_ = Clock::now();
}

void ModuleTimer::begin(Module module, int layer) {
  current_.module = module;
  current_.layer = layer;
  open_ = true;
  if (device_.is_cpu()) {
    module_start_ = Clock::now();
  } else {
    spans_.push_back({.timing = current_, .begin = record_event()});
  }
}

void ModuleTimer::end() {
  open_ = false;
  if (device_.is_cpu()) {
    current_.duration_ns = nanoseconds(Clock::now() - module_start_);
    resolved_.push_back(current_);
  } else {
    try {
      spans_.back().end = record_event();
    } catch (const c10::Error&) {
      // A scope also ends while an error of the device passes: a second one would end the process.
      spans_.back().end = unresolved;
    }
  }
}

void ModuleTimer::end_batch() {
  synchronize();
  const std::int64_t batch_ns = nanoseconds(Clock::now() - batch_start_);
  for (const ModuleTiming& timing : resolved_) sink_->record(timing);
  for (Span& span : spans_) {
    if (span.end == unresolved) {
      sink_->record_lost();
      continue;
    }
    const double milliseconds = events_[span.begin].elapsedTime(events_[span.end]);
    span.timing.duration_ns = std::llround(milliseconds * 1e6);
    sink_->record(span.timing);
  }
  sink_->record_batch(current_.batch, current_.repeat, batch_ns);
  resolved_.clear();
  spans_.clear();
}

void ModuleTimer::abandon_batch() {
  const std::size_t opened = resolved_.size() + spans_.size() + (open_ && device_.is_cpu() ? 1 : 0);
  for (std::size_t lost = 0; lost < opened; ++lost) sink_->record_lost();
  resolved_.clear();
  spans_.clear();
}

std::size_t ModuleTimer::record_event() {
  if (events_used_ == events_.size()) {
    // The backend's own default: with timing, which PyTorch's default leaves out.
    events_.emplace_back(device_.type(), c10::EventFlag::BACKEND_DEFAULT);
  }
  events_[events_used_].record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  return events_used_++;
}

void ModuleTimer::synchronize() const {
  if (device_.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device_.type());
  guard.synchronizeStream(guard.getStream(device_));
}

}  // namespace kvscope
