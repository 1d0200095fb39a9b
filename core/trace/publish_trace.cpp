#include "core/trace/publish_trace.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/capture/capture_reader.h"
#include "core/trace/trace_path.h"
#include "core/trace/trace_reader.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

// The trace that a run replaces, while its capture takes its final name.
std::string replaced_path(const std::string& path) { return trace_path(path) + ".replaced"; }

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void require(const std::error_code& failure, const std::string& path, std::string_view expected) {
  if (!failure) return;
  throw Error(fmt::format("[trace] {}: expected {}, got '{}'", path, expected, failure.message()));
}

void remove_trace(const std::string& path) {
  std::error_code failure;
  fs::remove(path, failure);
  require(failure, path, "an old trace that can be removed");
}

void rename_trace(const std::string& from, const std::string& to) {
  std::error_code failure;
  fs::rename(from, to, failure);
  require(failure, from, fmt::format("to become {}", to));
}

bool is_whole_trace_of(const std::string& path, const std::string& capture_id) {
  if (!exists(path)) return false;
  try {
    return TraceReader(path, capture_id).complete();
  } catch (const BadInput&) {
    return false;
  }
}

}  // namespace

void check_trace_output(const std::string& path, bool force) {
  if (is_trace_name(path)) {
    throw Error(fmt::format(
        "[trace] {}: expected a name that is not that of another file's trace, got one", path));
  }
  if (force) return;
  for (const std::string& trace : {trace_path(path), partial_path(trace_path(path))}) {
    if (!exists(trace)) continue;
    throw Error(
        fmt::format("[trace] {}: expected no trace there, got one (--force replaces it)", trace));
  }
}

void publish_trace_left_behind(const std::string& path) {
  const std::string trace = trace_path(path);
  if (!exists(path) || exists(trace)) return;
  const std::string unfinished = partial_path(trace);
  if (!exists(unfinished) && !exists(replaced_path(path))) return;
  std::string capture_id;
  try {
    capture_id = CaptureReader(path).record().capture_id;
  } catch (const BadInput&) {
    return;
  }
  if (is_whole_trace_of(unfinished, capture_id)) {
    publish(unfinished, trace);
    remove_trace(replaced_path(path));
  } else if (is_whole_trace_of(replaced_path(path), capture_id)) {
    rename_trace(replaced_path(path), trace);
  }
}

void publish_trace(const std::string& path, const std::string& capture_id,
                   const std::function<void()>& finish_file) {
  const std::string trace = trace_path(path);
  const std::string unfinished = partial_path(trace);
  const std::string replaced = replaced_path(path);
  remove_trace(replaced);
  // The capture changes its name while no trace is there: neither the old nor the new one can be
  // seen with that of the other.
  const bool replaces = exists(trace);
  if (replaces) rename_trace(trace, replaced);
  try {
    finish_file();
  } catch (...) {
    std::error_code ignored;
    if (replaces) fs::rename(replaced, trace, ignored);
    throw;
  }
  if (is_whole_trace_of(unfinished, capture_id)) publish(unfinished, trace);
  remove_trace(replaced);
}

}  // namespace kvscope
