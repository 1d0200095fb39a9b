#include "collectors/timing/clock_collector.h"

#include <chrono>
#include <cmath>
#include <utility>

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/generate/observer.h"
#include "core/record/batch_record.h"

namespace kvscope {
namespace {

// Enough that one of them is not interrupted; each takes some ten microseconds.
constexpr std::size_t readings_an_edge = 8;

class DeviceEvents final : public EventPair {
 public:
  explicit DeviceEvents(at::Device device)
      : device_(device),
        // The backend's own default: with timing, which PyTorch's default leaves out.
        events_{c10::Event(device.type(), c10::EventFlag::BACKEND_DEFAULT),
                c10::Event(device.type(), c10::EventFlag::BACKEND_DEFAULT)} {}

  void record(std::size_t event) override {
    events_[event].record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
    events_[event].synchronize();
  }

  double elapsed_ms(std::size_t from, std::size_t to) override {
    return events_[from].elapsedTime(events_[to]);
  }

 private:
  at::Device device_;
  std::array<c10::Event, 2> events_;
};

}  // namespace

std::unique_ptr<EventPair> device_events(at::Device device) {
  return std::make_unique<DeviceEvents>(device);
}

std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

ClockCollector::ClockCollector(std::unique_ptr<EventPair> events,
                               std::function<std::int64_t()> host_ns)
    : events_(std::move(events)), host_ns_(std::move(host_ns)) {}

void ClockCollector::start(const Generator& /*generator*/) {
  last_device_ns_ = 0;
  events_->record(last_);
}

void ClockCollector::on_batch_begin(const BatchInfo& /*info*/) { clock_.begin = measure(); }

void ClockCollector::on_batch_end(const BatchInfo& /*info*/, const BatchOutput& /*output*/) {
  clock_.end = measure();
}

// Counted from one event to the next: a float has an hour only to a quarter of a millisecond.
ClockOffset ClockCollector::measure() {
  std::array<ClockReading, readings_an_edge> readings;
  for (ClockReading& reading : readings) {
    const std::size_t next = 1 - last_;
    reading.host_before_ns = host_ns_();
    events_->record(next);
    reading.host_after_ns = host_ns_();
    last_device_ns_ += std::llround(1e6 * events_->elapsed_ms(last_, next));
    reading.other_ns = last_device_ns_;
    last_ = next;
  }
  return clock_offset(readings);
}

void ClockCollector::flush(BatchRecord& record) { record.clocks = {std::exchange(clock_, {})}; }

CollectorEntry clock_collector() {
  return {
      .name = "clocks",
      .help = "Offset of the device's clock to the host's at both ends of every batch",
      .takes_part = [](const RunRecord& record) { return device_type(record.settings) != "cpu"; },
      .lay_out = [](const RunRecord&,
                    FileLayout& layout) { layout.clocks.emplace_back(device_event_clock); },
      .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
        return std::make_unique<ClockCollector>(device_events(setup.device));
      }};
}

}  // namespace kvscope
