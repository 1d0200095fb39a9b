#pragma once

#include <csignal>
#include <string>
#include <string_view>

namespace kvscope {

/// While it lives, a file size limit fails a write instead of killing the process.
class IgnoreFileSizeSignal {
 public:
  IgnoreFileSizeSignal() : before_(std::signal(SIGXFSZ, SIG_IGN)) {}
  ~IgnoreFileSizeSignal() {
    if (before_ != SIG_ERR) std::signal(SIGXFSZ, before_);
  }
  IgnoreFileSizeSignal(const IgnoreFileSizeSignal&) = delete;
  IgnoreFileSizeSignal& operator=(const IgnoreFileSizeSignal&) = delete;

 private:
  void (*before_)(int);
};

/// Name of the unfinished file of `path`.
std::string partial_path(const std::string& path);

/// Throws Error when `path` cannot become a new file: its folder is missing, a folder has its name,
/// or it or its partial file exists and `force` is not set.
void check_target(const std::string& path, bool force);

/// Waits until the disk has `path`, then gives it the name `final_path`. Throws Error.
void publish(const std::string& path, const std::string& final_path);

/// Writes a whole file that replaces one at `path` only when the disk has all of it. What is there
/// and no regular file, a link or a device, is written through. Throws Error, and leaves what was
/// at `path` as it was.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace kvscope
