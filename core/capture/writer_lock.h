#pragma once

#include <string>

#include "core/base/descriptor.h"

namespace kvscope {

/// Keeps a second process from writing a file; the system lets go of it when this one ends, however
/// it ends. Advisory, and nothing on a file system without locks.
class WriterLock {
 public:
  WriterLock() = default;
  /// Throws Error when another process has it.
  explicit WriterLock(const std::string& path);

 private:
  Descriptor file_;
};

}  // namespace kvscope
