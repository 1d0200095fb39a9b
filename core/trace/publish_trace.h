#pragma once

#include <functional>
#include <string>

/// How a trace takes its name together with its capture, whose path is always `path`.
namespace kvscope {

/// Throws Error when a trace or an unfinished one is already beside `path` and `force` is not set,
/// and for a name that could be that of another capture's trace.
void check_trace_output(const std::string& path, bool force);

/// Gives the trace of the finished capture `path` its final name where a run was stopped while the
/// two took theirs: the new one, or the one that was not replaced after all. Throws Error.
void publish_trace_left_behind(const std::string& path);

/// Calls `finish_file`, which gives the capture with the id `capture_id` its final name, and the
/// trace of that id that TraceWriter finished its own. Without one the capture has none afterwards.
/// Stopped at any moment, no capture has the trace of another one. When `finish_file` throws, the
/// trace of an earlier run is back. Throws Error.
void publish_trace(const std::string& path, const std::string& capture_id,
                   const std::function<void()>& finish_file);

}  // namespace kvscope
