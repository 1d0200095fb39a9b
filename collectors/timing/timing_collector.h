#pragma once

#include <memory>

#include "collectors/collector_list.h"
#include "core/generate/timing_sink.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// Sorts the timings of a batch's passes, which the generator's own timer gives, into the arrays of
/// a TimingRecord.
class TimingCollector final : public Collector, public TimingSink {
 public:
  TimingCollector(int repeats, int layers, int scales);

  void start(const Generator& generator) override { timer_ = generator.make_timer(*this); }
  SiteListener* listener() override { return timer_.get(); }
  void record(const ModuleTiming& timing) override;
  void record_batch(std::int64_t batch, int repeat, std::int64_t duration_ns) override;
  void record_lost() noexcept override { ++lost_; }

  void flush(BatchRecord& record) override;

 private:
  TimingRecord empty() const;

  int repeats_;
  int layers_;
  int scales_;
  TimingRecord times_;
  std::int64_t lost_ = 0;
  std::unique_ptr<SiteListener> timer_;
};

CollectorEntry timing_collector();

}  // namespace kvscope
