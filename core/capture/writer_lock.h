#pragma once

#include <string>

namespace kvscope {

/// Keeps a second process from writing a file; the system lets go of it when this one ends, however
/// it ends. Advisory, and nothing on a file system without locks.
class WriterLock {
 public:
  WriterLock() = default;
  /// Throws Error when another process has it.
  explicit WriterLock(const std::string& path);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&& other) noexcept;

 private:
  int descriptor_ = -1;
};

}  // namespace kvscope
