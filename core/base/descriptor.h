#pragma once

#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace kvscope {

/// Owns a file descriptor. Where opening failed it is negative, and errno says why.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  /// `flags` are those of open(2); a new file gets the modes that the umask leaves.
  Descriptor(const std::string& path, int flags)
      : value_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }

  int get() const { return value_; }
  /// False with errno when the system could not write what it had taken.
  bool close() { return value_ < 0 || ::close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

}  // namespace kvscope
