#include "collectors/timing/timing_collector.h"

#include <utility>

namespace kvscope {

TimingCollector::TimingCollector(int repeats, int layers, int scales)
    : repeats_(repeats), layers_(layers), scales_(scales), times_(empty()) {}

TimingRecord TimingCollector::empty() const {
  constexpr auto modules = static_cast<std::int64_t>(module_count);
  return {NdArray<std::int64_t>({repeats_, layers_, scales_, modules}),
          NdArray<std::int64_t>({repeats_, scales_, modules}), NdArray<std::int64_t>({repeats_})};
}

void TimingCollector::record(const ModuleTiming& timing) {
  const Site& site = timing.site;
  const auto module = static_cast<std::size_t>(site.module);
  if (site.layer == no_layer) {
    times_.model_ns(site.repeat, site.scale, module) += timing.duration_ns;
  } else {
    times_.layer_ns(site.repeat, site.layer, site.scale, module) += timing.duration_ns;
  }
}

void TimingCollector::record_batch(std::int64_t /*batch*/, int repeat, std::int64_t duration_ns) {
  times_.batch_ns(repeat) = duration_ns;
}

void TimingCollector::flush(BatchRecord& record) {
  record.timing = std::exchange(times_, empty());
  record.losses[LossCounter::dropped_timings] += std::exchange(lost_, 0);
}

CollectorEntry timing_collector() {
  return {
      .name = "timing",
      .help = "Times of modules by layer and scale, and of whole batches",
      .takes_part = [](const RunRecord&) { return true; },
      .lay_out = [](const RunRecord&, FileLayout& layout) { layout.parts.insert(Part::timing); },
      .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
        const RunRecord& record = setup.record;
        return std::make_unique<TimingCollector>(record.settings.repeat, record.model.depth,
                                                 setup.plan.schedule().scales());
      }};
}

}  // namespace kvscope
