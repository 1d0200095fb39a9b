// What a user would lose: a report whose commands kvscope refuses.

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>

#include "analysis/report/commands.h"
#include "cli/engine/commands.h"
#include "tests/cli/every_option.h"
#include "tests/cli/shell_words.h"
#include "tests/support/example_capture.h"

namespace kvscope::cli {
namespace {

using testing::example_run;
using testing::ExampleRun;
using ::testing::HasSubstr;

std::vector<std::string> commands_for(const std::string& path) {
  return commands_of(open_report_files({path}, {}));
}

void expect_taken(const std::string& line) {
  std::vector<std::string> words = shell_words(line);
  ASSERT_GE(words.size(), 2U) << line;
  for (const Command& command : engine_commands()) {
    if (command.name != words[1]) continue;
    words.erase(words.begin(), words.begin() + 2);
    EXPECT_EQ(refusal_of(command, words), "") << line;
    return;
  }
  ADD_FAILURE() << "no such command: " << line;
}

TEST(CommandsOfReports, OfARunAreTakenByKvscope) {
  const testing::TempDir folder;
  ExampleRun run = example_run({}, testing::example_budget(testing::example_model({}), {1}));
  testing::add_scores(run);
  run.record.settings.more_smooth = true;
  run.record.settings.labels = {3, 2, 1, 0};
  run.record.settings.first_sample = 4;
  run.record.weights_sha256 = "random:7";
  testing::write_run(run, folder / "run.h5");
  const std::vector<std::string> lines = commands_for(folder / "run.h5");
  EXPECT_THAT(lines.back(), HasSubstr("kvscope run --model MODEL_DIR --labels 3,2,1,0"));
  expect_taken(lines.back());
}

TEST(CommandsOfReports, OfAnAnalysisAreTakenByKvscope) {
  const testing::TempDir folder;
  ExampleRun run = example_run({}, testing::example_budget(testing::example_model({}), {}));
  testing::add_statistics(run);
  run.record.kind = FileKind::analysis;
  testing::write_run(run, folder / "a.analysis.h5");
  const std::vector<std::string> lines = commands_for(folder / "a.analysis.h5");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("kvscope capture"));
  EXPECT_THAT(lines[1], HasSubstr("kvscope analyze"));
  for (const std::string& line : lines) expect_taken(line);
}

// Everything is kept, by naming all of it.
TEST(CommandsOfReports, OfARawCaptureAreTakenByKvscope) {
  const testing::TempDir folder;
  RunRecord record = testing::tiny_record(2, 0);
  const auto all = [](int count) {
    std::vector<int> indices(static_cast<std::size_t>(count));
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
  };
  KeptSubset& keep = record.settings.keep;
  keep.layers = all(record.model.depth);
  keep.heads = all(record.model.heads);
  keep.scales = all(record.model.schedule().scales());
  keep.samples = {0, 1};
  CaptureWriter writer(folder / "raw.h5", record, testing::tiny_layout(record), false);
  writer.commit(testing::tiny_batch(record, 0));
  writer.finish();
  const std::vector<std::string> lines = commands_for(folder / "raw.h5");
  EXPECT_THAT(lines.back(), HasSubstr("--kv-dtype fp32 --keep-layers 0,"));
  expect_taken(lines.back());
}

}  // namespace
}  // namespace kvscope::cli
