#include "core/base/output_file.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/descriptor.h"
#include "core/base/error.h"
#include "core/base/file_names.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& path, std::string_view expected, std::string_view got) {
  throw Error(fmt::format("[output] {}: expected {}, got {}", path, expected, got));
}

fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

struct Target {
  int descriptor = -1;  // that the process has open
  fs::path file;        // no link, but for a loop of links
};

// N of /proc/self/fd/N, else -1. Its link leads to what the descriptor is open on, but a new file
// of that name would not be what whoever opened the descriptor reads.
int descriptor_of(const fs::path& path) {
  std::error_code failure;
  const fs::path own = fs::canonical("/proc/self/fd", failure);
  if (failure || fs::canonical(folder_of(path), failure) != own || failure) return -1;
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, mistake] = std::from_chars(name.data(), name.data() + name.size(), number);
  return mistake == std::errc() && end == name.data() + name.size() ? number : -1;
}

Target target_of(const std::string& path) {
  if (path == "-") return {.descriptor = STDOUT_FILENO, .file = {}};
  const std::vector<std::string> names = names_through_links(path);
  for (const std::string& name : names) {
    if (const int open = descriptor_of(name); open >= 0) return {.descriptor = open, .file = name};
  }
  return {.descriptor = -1, .file = names.back()};
}

// Status of what no link leads away from.
fs::file_type type_of(const fs::path& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type();
}

bool is_stream(fs::file_type type) {
  return type == fs::file_type::character || type == fs::file_type::fifo;
}

std::string_view name_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a folder";
    case fs::file_type::symlink:
      return "links that lead in a circle";
    case fs::file_type::block:
    case fs::file_type::character:
      return "a device";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "something else";
  }
}

bool may_be_replaced(fs::file_type type) {
  return type == fs::file_type::not_found || type == fs::file_type::none ||
         type == fs::file_type::regular;
}

void check_type(const std::string& path, fs::file_type type) {
  if (!may_be_replaced(type)) refuse(path, "the name of a regular file", name_of(type));
}

void check_folder(const std::string& path, const fs::path& file) {
  const fs::path folder = folder_of(file);
  std::error_code failure;
  const fs::file_status status = fs::status(folder, failure);
  if (fs::is_directory(status)) return;
  const bool is_missing = status.type() == fs::file_type::not_found;
  refuse(path, fmt::format("the folder {}", folder.string()),
         is_missing ? "no such folder"
                    : (failure ? failure.message() : std::string(name_of(status.type()))));
}

void check_regular_target(const std::string& path, const fs::path& file, bool force) {
  if (path.empty()) refuse("''", "the name of a file", "none");
  check_folder(path, file);
  const std::string partial = partial_path(file.string());
  check_type(path, type_of(file));
  check_type(partial, type_of(partial));
  if (force) return;
  if (type_of(file) == fs::file_type::regular) {
    refuse(path, "a new file", "an existing one (--force replaces it)");
  }
  if (type_of(partial) == fs::file_type::regular) refuse_unfinished(partial);
}

// Errors name the output `name`: what the user knows of, and not a file on the way to it.
void sync(const std::string& path, const std::string& name) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0) refuse(name, "to reach the disk", std::strerror(errno));
  // Some file systems cannot sync a folder.
  if (fsync(file.get()) != 0 && errno != EINVAL) {
    refuse(name, "to reach the disk", std::strerror(errno));
  }
}

void write_bytes(int descriptor, const std::string& name, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(name, "to be written", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void write_bytes(const std::string& path, int flags, const std::string& name,
                 std::string_view bytes) {
  Descriptor file(path, O_WRONLY | flags);
  if (file.get() < 0) refuse(name, "to be written", std::strerror(errno));
  write_bytes(file.get(), name, bytes);
  // Some file systems report a full disk only here.
  if (!file.close()) refuse(name, "to be written", std::strerror(errno));
}

void replace_file(const std::string& path, const fs::path& file, std::string_view bytes) {
  const std::string partial = partial_path(file.string());
  check_type(path, type_of(file));
  check_type(partial, type_of(partial));
  try {
    write_bytes(partial, O_CREAT | O_TRUNC | O_NOFOLLOW, path, bytes);
    publish(partial, file.string());
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
}

}  // namespace

namespace {

// Writers of several files end in any order: the last one gives the signal back.
std::mutex size_signal_mutex;
int size_signal_holders = 0;
void (*size_signal_before)(int) = SIG_DFL;

}  // namespace

IgnoreFileSizeSignal::IgnoreFileSizeSignal() {
  const std::scoped_lock lock(size_signal_mutex);
  if (size_signal_holders++ == 0) size_signal_before = std::signal(SIGXFSZ, SIG_IGN);
}

IgnoreFileSizeSignal::~IgnoreFileSizeSignal() {
  const std::scoped_lock lock(size_signal_mutex);
  if (--size_signal_holders == 0 && size_signal_before != SIG_ERR) {
    std::signal(SIGXFSZ, size_signal_before);
  }
}

std::string partial_path(const std::string& path) { return path + ".partial"; }

std::string link_target(const std::string& path) { return target_of(path).file.string(); }

std::string unfinished_file(const std::string& path) { return partial_path(link_target(path)); }

void refuse_unfinished(const std::string& partial, std::string_view way_out) {
  refuse(partial, "no unfinished file",
         fmt::format("one of an earlier run ({}{}move it away to keep what it holds, or --force "
                     "replaces it)",
                     way_out, way_out.empty() ? "" : "; "));
}

std::string check_target(const std::string& path, bool force) {
  const Target target = target_of(path);
  if (path == "-") {
    refuse(path, "the name of a file", "standard output, which only texts go to (see ./-)");
  }
  if (target.descriptor >= 0) refuse(path, "the name of a regular file", "an open descriptor");
  check_regular_target(path, target.file, force);
  return target.file.string();
}

void check_text_target(const std::string& path, bool force) {
  const Target target = target_of(path);
  if (target.descriptor >= 0 || is_stream(type_of(target.file))) return;
  check_regular_target(path, target.file, force);
}

bool is_standard_output(const std::string& path) {
  return target_of(path).descriptor == STDOUT_FILENO;
}

void make_output_folder(const std::string& path) {
  if (path.empty() || path == "-") {
    refuse(path.empty() ? "''" : path, "the name of a folder",
           path.empty() ? "none" : "standard output, which only texts go to (see ./-)");
  }
  std::error_code failure;
  fs::create_directories(path, failure);
  std::error_code unknown;
  const fs::file_status status = fs::status(path, unknown);
  if (fs::is_directory(status)) return;
  const bool is_there = fs::exists(status) && !unknown;
  refuse(path, "a folder",
         is_there && status.type() != fs::file_type::regular ? std::string(name_of(status.type()))
         : is_there                                          ? "a file"
                                                             : failure.message());
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
  const Target target = target_of(path);
  if (target.descriptor >= 0) {
    // What was printed before comes before it.
    std::fflush(stdout);
    write_bytes(target.descriptor, path, bytes);
  } else if (is_stream(type_of(target.file))) {
    write_bytes(target.file.string(), O_NOCTTY, path, bytes);
  } else {
    replace_file(path, target.file, bytes);
  }
}

}  // namespace kvscope
