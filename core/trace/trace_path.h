#pragma once

#include <string>

namespace kvscope {

/// The trace of the capture `path`, no other file's: base.h5 → base.trace.h5, any other name with
/// -trace.h5 behind it. That of an unfinished file ends in .partial: base.h5.partial →
/// base.trace.h5.partial.
std::string trace_path(const std::string& path);

/// Whether the name could be that of another file's trace.
bool is_trace_name(const std::string& path);

struct FoundTrace {
  std::string path;     ///< empty: the capture has none
  std::string why_not;  ///< of the first file of that name that is not its trace; else empty
};

/// The trace of the capture `path` with that id: beside it, beside what it links to, or under its
/// unfinished name where a run was stopped between the two names.
FoundTrace find_trace(const std::string& path, const std::string& capture_id);

}  // namespace kvscope
