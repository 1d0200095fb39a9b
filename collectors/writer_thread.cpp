#include "collectors/writer_thread.h"

#include <utility>

namespace kvscope {

WriterThread::WriterThread(std::function<void(PendingBatch&)> write)
    : write_(std::move(write)), thread_([this] { work(); }) {}

WriterThread::~WriterThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void WriterThread::wait_idle(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [this] { return !batch_; });
  if (failure_) std::rethrow_exception(failure_);
}

void WriterThread::push(PendingBatch batch) {
  std::unique_lock lock(mutex_);
  wait_idle(lock);
  batch_ = std::move(batch);
  changed_.notify_all();
}

void WriterThread::wait() {
  std::unique_lock lock(mutex_);
  wait_idle(lock);
}

void WriterThread::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return batch_ || stopping_; });
    if (!batch_) return;
    lock.unlock();
    std::exception_ptr failure;
    try {
      write_(*batch_);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    batch_.reset();
    changed_.notify_all();
  }
}

}  // namespace kvscope
