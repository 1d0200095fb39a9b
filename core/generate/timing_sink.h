#pragma once

#include <cstdint>

#include "core/base/site.h"

namespace kvscope {

/// How long the generator stayed at a site.
struct ModuleTiming {
  Site site;
  std::int64_t duration_ns = 0;
};

/// Receives the timings of a batch once the batch is done: after the last kernel has finished on a
/// device, never from inside the model. Several timings of one site add up.
class TimingSink {
 public:
  virtual ~TimingSink() = default;

  virtual void record(const ModuleTiming& timing) = 0;

  /// Wall time of a whole batch, from the labels to the image, device synchronised.
  virtual void record_batch(std::int64_t batch, int repeat, std::int64_t duration_ns) = 0;

  /// A timing that was opened and could not be resolved.
  virtual void record_lost() noexcept = 0;
};

}  // namespace kvscope
