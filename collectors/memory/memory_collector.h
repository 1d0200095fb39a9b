#pragma once

#include "collectors/collector.h"

namespace kvscope {

/// Peaks of the process and of the allocator of the device. The allocator's peak starts over with
/// every batch; the process's cannot.
class MemoryCollector final : public Collector {
 public:
  explicit MemoryCollector(at::Device device) : device_(device) {}

  std::string_view name() const override { return "memory"; }
  ObserverNeeds needs() const override { return {}; }
  void on_batch_begin(const BatchInfo& info) override;
  void on_batch_end(const BatchInfo& info, const BatchOutput& output) override;
  void fill(BatchRecord& record) override { record.memory = memory_; }

 private:
  at::Device device_;
  MemoryRecord memory_;
};

}  // namespace kvscope
