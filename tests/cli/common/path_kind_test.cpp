#include "cli/common/path_kind.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/trace_writer.h"
#include "tests/support/temp_dir.h"

namespace kvscope::cli {
namespace {

using ::testing::HasSubstr;

// A trace lies beside its capture and is easily taken for it.
TEST(PathKind, NamesATraceForWhatItIs) {
  const testing::TempDir folder;
  const std::string path = folder / "a.trace.h5";
  {
    TraceWriter writer(path, "an id", false);
    EXPECT_EQ(kind_of(partial_path(path)), PathKind::trace) << "while it grows";
    writer.finish();
  }
  std::filesystem::rename(partial_path(path), path);
  EXPECT_EQ(kind_of(path), PathKind::trace);
  EXPECT_THAT([&] { expect_kind("plan", path, "an analysis", {PathKind::analysis}); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("got the trace of a capture or run")));
}

}  // namespace
}  // namespace kvscope::cli
