#pragma once

#include <cstdint>

#include "core/base/module.h"

namespace kvscope {

/// Where and when a module ran.
struct ModuleTiming {
  std::int64_t batch = 0;  ///< index of the batch in the run
  int repeat = 0;
  int scale = 0;  ///< the last scale for the decoder
  int layer = no_layer;
  Module module = Module::other;
  std::int64_t duration_ns = 0;
};

/// Receives the timings of a batch once the batch is done: after the last kernel has finished on a
/// device, never from inside the model. Several timings of one key add up.
class TimingSink {
 public:
  virtual ~TimingSink() = default;

  virtual void record(const ModuleTiming& timing) = 0;

  /// Wall time of a whole batch, from the labels to the image, device synchronised.
  virtual void record_batch(std::int64_t batch, int repeat, std::int64_t duration_ns) = 0;

  /// A timing that was opened and could not be resolved.
  virtual void record_lost() = 0;
};

}  // namespace kvscope
