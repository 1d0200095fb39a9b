#include "collectors/memory/memory_collector.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <sys/resource.h>

namespace kvscope {
namespace {

std::int64_t process_peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;  // Linux counts KiB
}

/// The caching allocator of a device that has one and is in use, else null.
at::DeviceAllocator* allocator_of(at::Device device) {
  if (device.is_cpu()) return nullptr;
  at::DeviceAllocator* allocator = at::getDeviceAllocator(device.type());
  return allocator->initialized() ? allocator : nullptr;
}

at::DeviceIndex index_of(at::Device device) {
  return device.has_index() ? device.index() : at::DeviceIndex{0};
}

}  // namespace

void MemoryCollector::on_batch_begin(const BatchInfo& /*info*/) {
  if (auto* allocator = allocator_of(device_)) allocator->resetPeakStats(index_of(device_));
}

void MemoryCollector::on_batch_end(const BatchInfo& /*info*/, const BatchOutput& /*output*/) {
  memory_.process_peak_rss_bytes = process_peak_rss_bytes();
  if (auto* allocator = allocator_of(device_)) {
    const auto stats = allocator->getDeviceStats(index_of(device_));
    const auto aggregate = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    memory_.allocator_peak_bytes = stats.allocated_bytes[aggregate].peak;
  }
}

CollectorEntry memory_collector() {
  return {.name = "memory",
          .help = "Peak memory of the process and of the device's allocator",
          .takes_part = [](const RunRecord&) { return true; },
          .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
            return std::make_unique<MemoryCollector>(setup.device);
          }};
}

}  // namespace kvscope
