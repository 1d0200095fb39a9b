#include "collectors/collector_list.h"

#include <algorithm>

#include "collectors/kv/kv_statistics.h"
#include "collectors/kv/mass_collector.h"
#include "collectors/kv/raw_kv.h"
#include "collectors/memory/ledger.h"
#include "collectors/memory/memory_collector.h"
#include "collectors/score/score_collector.h"
#include "collectors/timing/clock_collector.h"
#include "collectors/timing/timing_collector.h"

namespace kvscope {

const CollectorList& all_collectors() {
  static const CollectorList list = {
      clock_collector(),  ledger_collector(),        memory_collector(), attention_mass_collector(),
      raw_kv_collector(), kv_statistics_collector(), score_collector(),  timing_collector(),
  };
  return list;
}

std::vector<std::string> collector_names(const CollectorList& list, const RunRecord& record) {
  std::vector<std::string> names;
  for (const CollectorEntry& entry : list) {
    if (entry.takes_part(record)) names.emplace_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void lay_out_parts(const CollectorList& list, const RunRecord& record, FileLayout& layout) {
  for (const CollectorEntry& entry : list) {
    if (entry.lay_out && entry.takes_part(record)) entry.lay_out(record, layout);
  }
}

std::vector<std::unique_ptr<Collector>> make_collectors(const CollectorList& list,
                                                        const CollectorSetup& setup) {
  std::vector<std::unique_ptr<Collector>> collectors;
  for (const CollectorEntry& entry : list) {
    if (entry.takes_part(setup.record)) collectors.push_back(entry.make(setup));
  }
  return collectors;
}

}  // namespace kvscope
