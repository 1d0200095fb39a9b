// What a user would lose: what a trace holds and lacks, and that a capture has one.

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/kvscope/commands.h"
#include "core/base/output_file.h"
#include "core/trace/trace_writer.h"
#include "tests/support/example_files.h"

namespace kvscope::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Info : public kvscope::testing::ExampleFiles {
 protected:
  static std::string info_of(const std::string& path, std::vector<std::string> options = {}) {
    CLI::App app;
    const auto job = info_command().define(app);
    options.push_back(path);
    app.parse(std::vector<std::string>(options.rbegin(), options.rend()));
    ::testing::internal::CaptureStdout();
    const int exit_code = job();
    std::string text = ::testing::internal::GetCapturedStdout();
    EXPECT_EQ(exit_code, 0);
    return text;
  }

  /// Two kernels, of which the driver dropped three more.
  void write_trace(const std::string& capture_id, bool finish) {
    const trace::Table& kernels = trace::table_of<trace::KernelRow>();
    TraceWriter writer(trace_, capture_id, false);
    trace::KernelRow kernel;
    for (int row = 0; row < 2; ++row) writer.append(kernel);
    writer.lose(kernels, trace::LossReason::driver_dropped, 3, 1);
    finish ? writer.finish() : writer.commit();
  }

  std::string trace_ = folder_ / "a.trace.h5";
};

TEST_F(Info, SaysOfATraceWhatItHoldsAndLacks) {
  write_trace("an-id", true);
  std::filesystem::rename(partial_path(trace_), trace_);
  EXPECT_THAT(info_of(trace_),
              AllOf(HasSubstr("a.trace.h5: a trace\n"), HasSubstr("an-id"), HasSubstr("2 kernels"),
                    HasSubstr("skipped  none"), HasSubstr("3 kernels: driver_dropped")));
  const nlohmann::json json = nlohmann::json::parse(info_of(trace_, {"--json"}));
  EXPECT_EQ(json.at("kind"), "trace");
  EXPECT_EQ(json.at("capture_id"), "an-id");
  EXPECT_EQ(json.at("complete"), true);
  EXPECT_EQ(json.at("rows").at("kernels"), 2);
  EXPECT_EQ(json.at("rows").at("copies"), 0);
  EXPECT_EQ(json.at("losses").at(0).at("lost_rows"), 3);
  EXPECT_TRUE(json.at("skipped").empty());
  EXPECT_THAT(info_of(trace_, {"--all"}), HasSubstr("rows.kernels"));
}

TEST_F(Info, CallsATraceUnfinishedWhileItGrows) {
  write_trace("an-id", false);
  const std::string partial = partial_path(trace_);
  EXPECT_THAT(info_of(partial), HasSubstr("unfinished"));
  EXPECT_EQ(nlohmann::json::parse(info_of(partial, {"--json"})).at("complete"), false);
}

TEST_F(Info, SaysThatACaptureHasATraceOfItsOwn) {
  const kvscope::testing::ExampleRun run = run_under({});
  write_run(run, folder_ / "a.h5");
  write_trace("of another run", true);
  std::filesystem::rename(partial_path(trace_), trace_);
  EXPECT_THAT(info_of(folder_ / "a.h5"), Not(HasSubstr("trace")));
  std::filesystem::remove(trace_);
  write_trace(run.record.capture_id, true);
  std::filesystem::rename(partial_path(trace_), trace_);
  EXPECT_THAT(info_of(folder_ / "a.h5"), HasSubstr("a trace beside it"));
  EXPECT_EQ(nlohmann::json::parse(info_of(folder_ / "a.h5", {"--json"})).at("trace"), trace_);
}

}  // namespace
}  // namespace kvscope::cli
