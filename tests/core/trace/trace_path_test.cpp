#include "core/trace/trace_path.h"

#include <filesystem>
#include <set>
#include <string>

#include <gmock/gmock.h>

#include "core/base/output_file.h"
#include "tests/core/trace/example_trace.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(TracePath, IsNoOtherFiles) {
  EXPECT_EQ(trace_path("runs.d/base.h5"), "runs.d/base.trace.h5");
  EXPECT_EQ(trace_path("runs.d/base"), "runs.d/base-trace.h5");
  EXPECT_EQ(trace_path("base.h5.partial"), "base.trace.h5.partial");
  std::set<std::string> traces;
  for (const char* const name : {"a", "a.h5", "a.hdf5", "a.b", "a.b.h5", "a.trace", "a.h5.h5"}) {
    EXPECT_TRUE(traces.insert(trace_path(name)).second) << name;
    EXPECT_TRUE(traces.insert(trace_path(partial_path(name))).second) << name;
    EXPECT_FALSE(is_trace_name(name));
    EXPECT_TRUE(is_trace_name(trace_path(name)));
  }
}

TEST(FindTrace, TellsByTheIdWhoseItIs) {
  const testing::TempDir folder;
  const std::string capture = folder / "a.h5";
  EXPECT_EQ(find_trace(capture, testing::example_id).path, "");
  testing::write_example_trace(trace_path(capture), 10);
  // Stopped before the trace took its name.
  EXPECT_EQ(find_trace(capture, testing::example_id).path, partial_path(trace_path(capture)));
  fs::rename(partial_path(trace_path(capture)), trace_path(capture));
  EXPECT_EQ(find_trace(capture, testing::example_id).path, trace_path(capture));
  const FoundTrace foreign = find_trace(capture, "another");
  EXPECT_EQ(foreign.path, "");
  EXPECT_THAT(foreign.why_not, HasSubstr("expected the trace of capture another"));
}

TEST(FindTrace, FollowsALinkToTheCapture) {
  const testing::TempDir folder;
  fs::create_directory(folder / "disk");
  testing::write_example_trace(folder / "disk/a.trace.h5", 10);
  fs::create_symlink("disk/a.h5", folder / "latest.h5");
  EXPECT_EQ(find_trace(folder / "latest.h5", testing::example_id).path,
            folder / "disk/a.trace.h5.partial");
}

}  // namespace
}  // namespace kvscope
