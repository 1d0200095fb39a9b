#include "core/trace/trace_path.h"

#include <filesystem>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file_names.h"
#include "core/base/output_file.h"
#include "core/trace/trace_reader.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;

const std::string partial_suffix = partial_path("");
constexpr std::string_view usual_suffix = ".h5";
constexpr std::string_view trace_suffix = ".trace.h5";
// Never ends as the first one does: no two names share a trace.
constexpr std::string_view trace_suffix_of_others = "-trace.h5";

}  // namespace

std::string trace_path(const std::string& path) {
  if (path.ends_with(partial_suffix)) {
    return partial_path(trace_path(path.substr(0, path.size() - partial_suffix.size())));
  }
  const bool is_usual = fs::path(path).extension() == usual_suffix;
  const std::string stem = is_usual ? path.substr(0, path.size() - usual_suffix.size()) : path;
  return stem + std::string(is_usual ? trace_suffix : trace_suffix_of_others);
}

bool is_trace_name(const std::string& path) {
  return path.ends_with(trace_suffix) || path.ends_with(trace_suffix_of_others);
}

FoundTrace find_trace(const std::string& path, const std::string& capture_id) {
  FoundTrace result;
  for (const std::string& name : names_through_links(path)) {
    const std::string trace = trace_path(name);
    for (const std::string& candidate : {trace, partial_path(trace)}) {
      std::error_code ignored;
      if (!fs::exists(candidate, ignored)) continue;
      try {
        (void)TraceReader(candidate, capture_id);
        return {candidate, ""};
      } catch (const BadInput& mistake) {
        if (result.why_not.empty()) result.why_not = mistake.what();
      }
    }
  }
  return result;
}

}  // namespace kvscope
