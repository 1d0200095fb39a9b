#pragma once

#include <cstdint>
#include <vector>

#include "core/base/site.h"
#include "core/generate/generator.h"
#include "core/generate/observer.h"
#include "core/image/image.h"
#include "core/record/batch_record.h"

namespace kvscope {

class CaptureWriter;

/// What a file holds of a batch that an earlier session on it committed.
struct CommittedBatch {
  std::vector<std::int32_t> labels;  ///< of the images
  std::vector<Image> images;         ///< those that are finite
};

/// Gathers one part of a file during a run. Which collectors there are, and which of them take part
/// in a run, says collector_list.h.
///
/// Its life: take_up for every batch that is in the file already; start; for every batch the calls
/// of an observer and of its listener, then flush; stop; conclude. A session that breaks off stops
/// its collectors, started or not, and concludes nothing. All calls come on the generating thread.
class Collector : public Observer {
 public:
  ObserverNeeds needs() const override { return {}; }

  virtual void take_up(const CommittedBatch& /*batch*/) {}

  /// Before the first pass that is collected, once warm-up is over. `generator` makes all passes.
  virtual void start(const Generator& /*generator*/) {}

  /// Who follows the passes from site to site, from start to stop; none unless it says so.
  virtual SiteListener* listener() { return nullptr; }

  /// After the last pass over a batch: moves what its passes gave into `record`.
  virtual void flush(BatchRecord& record) = 0;

  /// Nothing is collected from here on.
  virtual void stop() noexcept {}

  /// Writes what is of the whole run. Every batch is in `file`.
  virtual void conclude(CaptureWriter& /*file*/) {}
};

}  // namespace kvscope
