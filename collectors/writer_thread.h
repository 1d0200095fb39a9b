#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include <ATen/core/Tensor.h>

#include "core/record/batch_record.h"

namespace kvscope {

/// A generated batch on its way into the file.
struct PendingBatch {
  BatchRecord record;
  at::Tensor image;               ///< [sample, 3, y, x] float32 in [0, 1], on the host
  std::int64_t first_sample = 0;  ///< index of its first sample in the run
};

/// Writes batches in order on one thread. It takes one batch at a time, so that with the one being
/// generated at most two are in memory.
class WriterThread {
 public:
  explicit WriterThread(std::function<void(PendingBatch&)> write);
  /// Lets the batch at work be written; its failure is lost unless finish() asked for it.
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  /// Hands a batch over, once the one before it is written. Rethrows what the writing threw; after
  /// a failure nothing more is written.
  void push(PendingBatch batch);

  /// Waits until everything is written. Rethrows what the writing threw.
  void wait();

 private:
  void work();
  void wait_idle(std::unique_lock<std::mutex>& lock);

  std::function<void(PendingBatch&)> write_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<PendingBatch> batch_;  // waiting or at work
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kvscope
