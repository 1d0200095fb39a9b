#include "core/base/json_fields.h"

#include <functional>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

class Fields : public ::testing::Test {
 protected:
  JsonFields fields(const char* text) {
    json_ = parse_json(text, "budget", "b.json");
    return {json_, "budget", "b.json"};
  }

 private:
  nlohmann::json json_;
};

TEST_F(Fields, NamesThePathOfAWrongFieldInsideLists) {
  JsonFields root = fields(R"({"layers": [{"n": 1}, {"n": "two"}]})");
  const std::string message = message_of([&] { root.element("layers", 1).integer("n", 0); });
  EXPECT_EQ(message, "[budget] b.json: expected layers[1].n to be a whole number ≥ 0, got \"two\"");
}

TEST_F(Fields, RefusesTheFirstKeyNobodyAskedFor) {
  JsonFields root = fields(R"({"known": 1, "unknwon": 2})");
  root.integer("known", 0);
  EXPECT_THAT(message_of([&] { root.refuse_unknown(); }), HasSubstr("'unknwon'"));
}

TEST_F(Fields, TakesNoNumberThatWouldWrap) {
  EXPECT_THAT(message_of([&] { fields(R"({"n": 18446744073709551615})").integer("n", 0); }),
              HasSubstr("whole number"));
  EXPECT_THAT(message_of([&] { fields(R"({"n": 1.5})").integer("n", 0); }), HasSubstr("1.5"));
  EXPECT_THAT(message_of([&] { fields(R"({"n": [2147483648]})").integers("n", 0); }),
              HasSubstr("2147483648"));
}

TEST_F(Fields, SaysWhatIsMissing) {
  EXPECT_THAT(message_of([&] { fields("{}").text("name"); }), HasSubstr("name"));
}

TEST(ParseJson, NamesTheLineOfAMistake) {
  EXPECT_THAT(message_of([] { parse_json("{\n\"a\": 1,\n]", "config", "c.json"); }),
              HasSubstr("line 3"));
}

// Copying or printing it would overflow the stack.
TEST(ParseJson, RefusesAMillionBracketsInOneShortLine) {
  const std::string nested = std::string(1000000, '[') + std::string(1000000, ']');
  const std::string text = R"({"n": )" + nested + "}";
  EXPECT_EQ(message_of([&] { parse_json(text, "config", "c.json"); }),
            "[config] c.json: expected at most 32 nested levels, got more");
}

TEST(ParseJson, RefusesNumbersBeyondADouble) {
  EXPECT_THAT(message_of([] { parse_json("{\"a\": 1e999}", "config", "c.json"); }),
              HasSubstr("c.json"));
}

TEST(ReadJsonFile, NamesAFileThatIsNotThere) {
  EXPECT_THAT(message_of([] { read_json_file("/nonexistent/x.json", "config"); }),
              HasSubstr("/nonexistent/x.json"));
}

TEST(ReadJsonFile, RefusesAFolder) {
  const testing::TempDir folder;
  EXPECT_THAT(message_of([&] { read_json_file(folder.path().string(), "config"); }),
              HasSubstr("got a folder"));
}

}  // namespace
}  // namespace kvscope
