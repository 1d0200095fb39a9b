#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/generate/observer.h"
#include "core/generate/timing_sink.h"
#include "core/model/sampling.h"

namespace kvscope {

/// One batch to generate.
struct BatchRequest {
  std::int64_t index = 0;
  int repeat = 0;
  std::int64_t first_sample = 0;
  /// One label per sample; `classes` itself is the unconditional class. Empty draws `batch` labels
  /// uniformly with the batch's generator, before anything else.
  std::vector<std::int64_t> labels;
  std::int64_t batch = 0;  ///< only read when labels is empty
};

/// Draws images. Implementations share one contract: the same tokens from the same logits, and the
/// same calls to the same observers.
class Generator {
 public:
  virtual ~Generator() = default;

  /// Throws Interrupted between scales after SIGINT, Error(out_of_memory) when the device is full.
  virtual BatchOutput generate(const BatchRequest& request) = 0;

  /// Observers and sink are not owned and must outlive the generator. A null sink switches timing
  /// off.
  virtual void set_observers(std::vector<Observer*> observers) = 0;
  virtual void set_timing_sink(TimingSink* sink) = 0;
};

}  // namespace kvscope
