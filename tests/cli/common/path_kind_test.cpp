// What a user would lose: being told which file was given in place of the one that is expected.

#include "cli/common/path_kind.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/trace_writer.h"
#include "tests/support/temp_dir.h"

namespace kvscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class PathKinds : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  kvscope::testing::TempDir folder_;
};

TEST_F(PathKinds, AreToldByContentWhateverTheName) {
  const std::string length_of_header("\x02\0\0\0\0\0\0\0", 8);
  const struct {
    std::string content;
    PathKind kind;
  } cases[] = {
      {"", PathKind::empty},
      {"three words here", PathKind::text},
      {std::string("\x01\x02\x03"), PathKind::other},
      {"PK\x03\x04 and more", PathKind::zip},
      {"\x89PNG\r\n\x1a\n", PathKind::png},
      {"\x89HDF\r\n\x1a\n", PathKind::hdf5},
      {length_of_header + "{}", PathKind::safetensors},
      {"version https://git-lfs.github.com/spec/v1\n", PathKind::git_lfs_pointer},
      {"\n <html>", PathKind::html},
      {R"({"schema": "kvscope.budget/1"})", PathKind::budget},
      {R"({"schema": "kvscope.sweep/1"})", PathKind::sweep_results},
      {R"({"schema": "kvscope.plan/1"})", PathKind::plan},
      {R"({"schema": "kvscope.scores/1"})", PathKind::scores},
      {R"({"schema": "kvscope.forced/1"})", PathKind::forced_agreement},
      {R"({"schema": 3})", PathKind::json},
      {"{ cut off", PathKind::json},
  };
  for (const auto& [content, kind] : cases) {
    EXPECT_EQ(kind_of(file("file.png", content)), kind) << content;
  }
}

TEST_F(PathKinds, TellFoldersByWhatLiesInThem) {
  const std::string inner = folder_ / "inner";
  std::filesystem::create_directory(inner);
  EXPECT_EQ(kind_of(inner), PathKind::folder);
  (void)file("inner/a.png", "");
  EXPECT_EQ(kind_of(inner), PathKind::images_folder);
  (void)file("inner/results.json", "");
  EXPECT_EQ(kind_of(inner), PathKind::sweep_folder);
  (void)file("inner/scorer.json", "");
  EXPECT_EQ(kind_of(inner), PathKind::scorer_folder);
  (void)file("inner/config.json", "");
  EXPECT_EQ(kind_of(inner), PathKind::model_folder);
}

TEST_F(PathKinds, KnowTheNamesOfSizesThatAreNotThere) {
  EXPECT_EQ(kind_of("d30"), PathKind::model_size);
  EXPECT_EQ(kind_of(folder_ / "d30"), PathKind::missing);
}

TEST_F(PathKinds, RefuseAnotherKindButLeaveDamageToTheReader) {
  const std::string budget = file("budget.json", R"({"schema": "kvscope.budget/1"})");
  EXPECT_NO_THROW(expect_budget("run", budget));
  EXPECT_NO_THROW(expect_budget("run", file("damaged.json", "{ cut off")));
  EXPECT_NO_THROW(expect_budget("run", folder_ / "missing.json"));
  EXPECT_THAT([&] { expect_sweep_results("plan", budget); },
              ThrowsMessage<BadInput>(HasSubstr(
                  "budget.json: expected the results.json of 'kvscope sweep', got a budget")));
  EXPECT_THAT([&] { expect_scorer_folder("score", folder_ / "missing"); },
              ThrowsMessage<BadInput>(HasSubstr("got nothing there")));
}

// A trace lies beside its capture and is easily taken for it.
TEST_F(PathKinds, NameATraceForWhatItIs) {
  const std::string path = folder_ / "a.trace.h5";
  {
    TraceWriter writer(path, "an id", false);
    EXPECT_EQ(kind_of(partial_path(path)), PathKind::trace) << "while it grows";
    writer.finish();
  }
  std::filesystem::rename(partial_path(path), path);
  EXPECT_EQ(kind_of(path), PathKind::trace);
  EXPECT_THAT([&] { expect_kind("plan", path, "an analysis", {PathKind::analysis}); },
              ThrowsMessage<BadInput>(HasSubstr("got the trace of a capture or run")));
}

}  // namespace
}  // namespace kvscope::cli
