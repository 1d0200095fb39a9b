#pragma once

#include <string_view>

#include "core/generate/observer.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// Gathers one part of a capture; a new one is one file and one line in collectors/session.cpp.
/// Hears of the first pass over a batch; later repeats only time.
class Collector : public Observer {
 public:
  /// Its name in settings.collectors.
  virtual std::string_view name() const = 0;

  /// Moves what the batch's passes gave into `record`. Called once per batch, after its last pass.
  virtual void fill(BatchRecord& record) = 0;
};

}  // namespace kvscope
