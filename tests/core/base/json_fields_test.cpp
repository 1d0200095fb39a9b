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

TEST_F(Fields, NamesTheKeyThatAMisspeltOneIsNearTo) {
  JsonFields root =
      fields(R"({"local_scales": 1, "layers": [{"clas": "x"}], "capacity_token": 2})");
  root.integer("local_scales", 0);
  JsonFields layer = root.element("layers", 0);
  EXPECT_EQ(message_of([&] { layer.text("class"); }),
            "[budget] b.json: expected layers[0].class to be a value, got nothing; is 'clas' meant "
            "for 'class'?");
  EXPECT_FALSE(root.has("capacity_tokens"));
  EXPECT_EQ(message_of([&] { root.refuse_unknown(); }),
            "[budget] b.json: expected no unknown key, got 'capacity_token'; did you mean "
            "'capacity_tokens'?");
}

// It may be one of the next that will be asked for.
TEST_F(Fields, SuggestsNoKeyThatIsOnlyAlike) {
  JsonFields root = fields(R"({"value_element_bytes": 2})");
  EXPECT_THAT(message_of([&] { root.integer("key_element_bytes", 1); }),
              ::testing::EndsWith("got nothing"));
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

// The last one would win in silence.
TEST(ParseJson, RefusesAKeyTwiceInOneObject) {
  const auto refusal = [](const char* text) {
    return message_of([&] { parse_json(text, "budget", "b.json"); });
  };
  EXPECT_EQ(refusal(R"({"layers": [{"layer": 0, "keep": "all"},
                                   {"layer": 1, "capacity_tokens": 5, "capacity_tokens": 30}]})"),
            "[budget] b.json: expected every key once, got 'layers[1].capacity_tokens' twice");
  EXPECT_EQ(refusal(R"({"a": {"b": [[1, 2], [{"c": 1, "d": {}, "c": 1}]]}})"),
            "[budget] b.json: expected every key once, got 'a.b[1][0].c' twice");
  EXPECT_EQ(refusal(R"({"a": 1, "b": {"a": 1}, "a": 1})"),
            "[budget] b.json: expected every key once, got 'a' twice");
  EXPECT_EQ(refusal(R"([{"a": 1}, {"a": 1, "b": {"a": 2}}])"), "");
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
