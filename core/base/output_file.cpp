#include "core/base/output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, std::string_view expected, std::string_view got) {
  throw Error(fmt::format("[output] {}: expected {}, got {}", path, expected, got));
}

fs::path folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// Errors name the output `name`: what the user knows of, and not a file on the way to it.
void sync(const std::string& path, const std::string& name) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) refuse(name, "to reach the disk", std::strerror(errno));
  const bool failed = fsync(descriptor) != 0;
  const int reason = errno;
  close(descriptor);
  // Some file systems cannot sync a folder.
  if (failed && reason != EINVAL) refuse(name, "to reach the disk", std::strerror(reason));
}

void write_bytes(const std::string& path, const std::string& name, std::string_view bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) refuse(name, "to be written", std::strerror(errno));
}

}  // namespace

std::string partial_path(const std::string& path) { return path + ".partial"; }

void check_target(const std::string& path, bool force) {
  std::error_code ignored;
  const fs::path folder = folder_of(path);
  if (!fs::is_directory(folder, ignored)) {
    refuse(path, fmt::format("the folder {}", folder.string()), "no such folder");
  }
  for (const std::string& name : {path, partial_path(path)}) {
    if (fs::is_directory(name, ignored)) refuse(name, "the name of a file", "a folder");
  }
  if (force) return;
  if (fs::exists(path, ignored)) {
    refuse(path, "a new file", "an existing one (--force replaces it)");
  }
  if (fs::exists(partial_path(path), ignored)) {
    refuse(partial_path(path), "no unfinished file",
           "one of an earlier run (move it away to keep what it holds, or --force replaces it)");
  }
}

void publish(const std::string& path, const std::string& final_path) {
  sync(path, final_path);
  if (std::rename(path.c_str(), final_path.c_str()) != 0) {
    refuse(final_path, "to take its final name", std::strerror(errno));
  }
  sync(folder_of(final_path).string(), final_path);
}

void write_file(const std::string& path, std::string_view bytes) {
  const IgnoreFileSizeSignal signal;
  std::error_code ignored;
  const fs::file_status status = fs::symlink_status(path, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    write_bytes(path, path, bytes);
    return;
  }
  const std::string partial = partial_path(path);
  try {
    write_bytes(partial, path, bytes);
    publish(partial, path);
  } catch (...) {
    fs::remove(partial, ignored);
    throw;
  }
}

}  // namespace kvscope
