#pragma once

#include <string_view>

#include "core/generate/timing_sink.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// Sorts the timings of a batch's passes into the arrays of a TimingRecord.
class TimingCollector final : public TimingSink {
 public:
  TimingCollector(int repeats, int layers, int scales);

  /// Its name in settings.collectors.
  static std::string_view name() { return "timing"; }

  void record(const ModuleTiming& timing) override;
  void record_batch(std::int64_t batch, int repeat, std::int64_t duration_ns) override;
  void record_lost() noexcept override { ++lost_; }

  /// Moves the timings of the batch into `record` and starts over.
  void fill(BatchRecord& record);

 private:
  TimingRecord empty() const;

  int repeats_;
  int layers_;
  int scales_;
  TimingRecord times_;
  std::int64_t lost_ = 0;
};

}  // namespace kvscope
