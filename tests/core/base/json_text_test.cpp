#include "core/base/json_text.h"

#include <gtest/gtest.h>

namespace kvscope {
namespace {

// A file name in Latin-1 must not be the end of a finished job.
TEST(JsonText, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(json_text({{"file", "caf\xE9.h5"}}), "{\"file\":\"caf\xEF\xBF\xBD.h5\"}");
}

TEST(JsonText, KeepsUtf8AndIndents) { EXPECT_EQ(json_text({{"θ", 0.5}}, 2), "{\n  \"θ\": 0.5\n}"); }

}  // namespace
}  // namespace kvscope
