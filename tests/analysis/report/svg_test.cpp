#include "analysis/report/svg.h"

#include <gmock/gmock.h>

namespace kvscope {
namespace {

using ::testing::HasSubstr;

TEST(ColorMap, RunsFromEndToEndAndClamps) {
  const ColorMap scale(0, 9);
  EXPECT_EQ(scale.color(0), "#440154");
  EXPECT_EQ(scale.color(9), "#fde725");
  EXPECT_EQ(scale.color(1), "#482878");
  EXPECT_EQ(scale.color(-5), scale.color(0));
  EXPECT_EQ(scale.color(50), scale.color(9));
}

TEST(ColorMap, TakesAnEmptyRange) { EXPECT_EQ(ColorMap(2, 2).color(2), "#440154"); }

TEST(Svg, EscapesTextAndTips) {
  Svg svg(10, 10, "a < b");
  svg.text(0, 0, "<x>");
  svg.rect(0, 0, 1, 1, "#fff", "1 & 2");
  EXPECT_THAT(svg.str(), HasSubstr("aria-label=\"a &lt; b\""));
  EXPECT_THAT(svg.str(), HasSubstr("&lt;x&gt;</text>"));
  EXPECT_THAT(svg.str(), HasSubstr("<title>1 &amp; 2</title></rect>"));
}

}  // namespace
}  // namespace kvscope
