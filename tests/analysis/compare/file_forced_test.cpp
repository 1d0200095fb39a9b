// What a user would lose: teacher-forced figures of a file that is reached through a link.

#include "analysis/compare/file_forced.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using testing::ExampleRun;
using ::testing::HasSubstr;

class FileForced : public testing::ExampleFiles {};

TEST_F(FileForced, IsThatBesideTheFileBehindALink) {
  const ExampleRun run = run_under({});
  std::filesystem::create_directory(folder_ / "runs");
  const std::string file = folder_ / "runs/ams.h5";
  const std::string link = folder_ / "latest.h5";
  write_run(run, file);
  std::filesystem::create_symlink("runs/ams.h5", link);
  EXPECT_FALSE(forced_of(CaptureReader(link)));
  EXPECT_EQ(forced_of(CaptureReader(link)).reason, "") << "nobody measured it";

  ForcedAgreement agreement;
  agreement.against_capture_id = "vanilla-id";
  agreement.capture_id = run.record.capture_id;
  agreement.model = "example";
  agreement.weights_sha256 = std::string(64, 'c');
  agreement.policy = "ams-kv";
  agreement.dtype = "fp32";
  agreement.device = "cpu";
  agreement.batch = 2;
  agreement.samples = 4;
  agreement.overall = {{0.5, 0.4, 0.6}, {5, 4, 6}, {0.4, -0.1, 0.9}, {0.75, 0.5, 1}};
  agreement.scales = {agreement.overall};
  std::ofstream(forced_path(file)) << to_json(agreement);
  const Comparable<ForcedAgreement> found = forced_of(CaptureReader(link));
  ASSERT_TRUE(found) << found.reason;
  EXPECT_EQ(found->overall.kl_nats.value, 0.5);

  const Comparable<ForcedAgreement> against =
      forced_against(CaptureReader(file), CaptureReader(link));
  EXPECT_THAT(against.reason, HasSubstr("runs/ams.h5.forced.json is against the tokens of"));
}

}  // namespace
}  // namespace kvscope
