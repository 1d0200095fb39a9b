#pragma once

#include "collectors/collector_list.h"

namespace kvscope {

/// Peaks of the process and of the allocator of the device. The allocator's peak starts over with
/// every batch; the process's cannot.
class MemoryCollector final : public Collector {
 public:
  explicit MemoryCollector(at::Device device) : device_(device) {}

  void on_batch_begin(const BatchInfo& info) override;
  void on_batch_end(const BatchInfo& info, const BatchOutput& output) override;
  void flush(BatchRecord& record) override { record.memory = memory_; }

 private:
  at::Device device_;
  MemoryRecord memory_;
};

CollectorEntry memory_collector();

}  // namespace kvscope
