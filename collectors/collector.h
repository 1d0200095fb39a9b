#pragma once

#include <string_view>

#include "core/generate/observer.h"
#include "core/record/batch_record.h"

namespace kvscope {

/// Gathers one part of a capture; a new one is one file and one line in collectors/session.cpp.
/// Data comes from the first pass over a batch (repeat 0); later repeats only time, so that they
/// are timed without the copies.
class Collector : public Observer {
 public:
  /// Its name in settings.collectors.
  virtual std::string_view name() const = 0;

  /// Moves what the batch's passes gave into `record`. Called once per batch, after its last pass.
  virtual void fill(BatchRecord& record) = 0;

  void on_batch_begin(const BatchInfo& info) final {
    active_ = info.repeat == 0;
    if (active_) begin(info);
  }

 protected:
  /// Whether this pass is the one whose data is kept.
  bool active() const { return active_; }

 private:
  virtual void begin(const BatchInfo& info) = 0;

  bool active_ = false;
};

}  // namespace kvscope
