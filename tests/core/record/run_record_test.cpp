#include "core/record/run_record.h"

#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

RunSettings all_fields_set() {
  RunSettings settings = testing::example_record(7).settings;
  settings.rng = RandomMode::per_sample;
  settings.more_smooth = true;
  settings.first_sample = 3;
  settings.warmup = 1;
  settings.kv_dtype = KvDtype::bf16;
  settings.keep = {.layers = {0}, .heads = {1}, .scales = {0, 2}, .samples = {1, 4}};
  settings.compression = "deflate:4";
  settings.scorer = {"demo-scorer", std::string(64, 'b'), {.resamples = 10, .seed = 5}};
  return settings;
}

// compare decides what is comparable from these.
TEST(RunSettings, SurviveJson) {
  const RunSettings settings = all_fields_set();
  EXPECT_EQ(parse_run_settings(to_json(settings).dump(), "x.h5"), settings);
}

TEST(RunSettings, NameTheWrongField) {
  nlohmann::json json = to_json(all_fields_set());
  json["keep"]["heads"] = {"two"};
  try {
    (void)parse_run_settings(json.dump(), "x.h5");
    FAIL();
  } catch (const BadInput& mistake) {
    EXPECT_THAT(mistake.what(), ::testing::HasSubstr("x.h5: expected keep.heads"));
  }
  json = to_json(all_fields_set());
  json["store"] = "everything";
  EXPECT_THROW((void)parse_run_settings(json.dump(), "x.h5"), BadInput);
  json = to_json(all_fields_set());
  json["surprise"] = 1;
  EXPECT_THROW((void)parse_run_settings(json.dump(), "x.h5"), BadInput);
}

TEST(Compression, HasALevel) {
  EXPECT_EQ(deflate_level("none"), 0);
  EXPECT_EQ(deflate_level("deflate:1"), 1);
  EXPECT_EQ(deflate_level("deflate:9"), 9);
  for (const char* wrong : {"", "deflate", "deflate:", "deflate:0", "deflate:10", "gzip:1"}) {
    EXPECT_THROW((void)deflate_level(wrong), UsageError) << wrong;
  }
}

TEST(Uuid, IsRandomAndOfVersionFour) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = make_uuid();
    EXPECT_THAT(uuid, ::testing::MatchesRegex(
                          "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(UtcNow, IsIso8601) {
  EXPECT_THAT(utc_now(),
              ::testing::MatchesRegex("20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"));
}

}  // namespace
}  // namespace kvscope
