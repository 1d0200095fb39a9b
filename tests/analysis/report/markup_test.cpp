#include "analysis/report/markup.h"

#include <gmock/gmock.h>

namespace kvscope {
namespace {

using ::testing::HasSubstr;

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(EscapeMarkup, LeavesNothingThatCouldOpenATag) {
  EXPECT_EQ(escape_markup("<a href=\"x\">&'\x01"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39; ");
}

TEST(Base64, FollowsTheVectorsOfRfc4648) {
  EXPECT_EQ(base64(bytes_of("")), "");
  EXPECT_EQ(base64(bytes_of("f")), "Zg==");
  EXPECT_EQ(base64(bytes_of("fo")), "Zm8=");
  EXPECT_EQ(base64(bytes_of("foo")), "Zm9v");
  EXPECT_EQ(base64(bytes_of("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64({0xfb, 0xff}), "+/8=");
}

TEST(HtmlTable, EscapesCellsAndAlignsNumbers) {
  const std::string html = html_table({{"name", "size"}, {{"<b>", "-1.5 %"}, {"c", "-"}}});
  EXPECT_THAT(html, HasSubstr("<td>&lt;b&gt;</td><td class=\"n\">-1.5 %</td>"));
  EXPECT_THAT(html, HasSubstr("<th class=\"n\">size</th>"));
}

// Breaking short words gave headings like "batc/h"; not breaking digests, tables of several pages.
TEST(HtmlTable, BreaksLongWordsOnly) {
  const std::string html =
      html_table({{"weights", "why"},
                  {{std::string(64, 'a'), "a sentence of many words, none of which is long"}}});
  EXPECT_THAT(html, HasSubstr("<td class=\"long\">aaaa"));
  EXPECT_THAT(html, HasSubstr("<td>a sentence"));
}

}  // namespace
}  // namespace kvscope
