#include "core/image/image.h"

#include <limits>

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

TEST(FromFloat, RoundsClampsAndInterleaves) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  // Two pixels, planar: red, green, blue. 0.5 · 255 = 127.5 goes up.
  const float planar[6] = {0.5F, -1.0F, 1.0F, 2.0F, 100.4F / 255, nan};
  EXPECT_THAT(from_float(planar, 1, 2).rgb, ElementsAre(128, 255, 100, 0, 255, 0));
}

TEST(Downscale, AveragesAreas) {
  Image image(4, 2);
  for (int x = 0; x < 4; ++x) {
    for (int c = 0; c < 3; ++c) {
      image.at(x, 0, c) = static_cast<std::uint8_t>(10 * x);
      image.at(x, 1, c) = static_cast<std::uint8_t>(10 * x + 20);
    }
  }
  const Image small = downscale(image, 2);
  ASSERT_EQ(small.width, 2);
  ASSERT_EQ(small.height, 1);
  EXPECT_THAT(small.rgb, ElementsAre(15, 15, 15, 35, 35, 35));
}

TEST(Downscale, SplitsPixelsThatStraddleABorder) {
  Image image(3, 3);
  for (int c = 0; c < 3; ++c) image.at(1, 1, c) = 90;
  // Each of the four targets covers 1.5 × 1.5 pixels, a quarter of the middle one in it: 90/9 = 10.
  EXPECT_THAT(downscale(image, 2).rgb, ::testing::Each(10));
}

TEST(Downscale, LeavesSmallImagesAlone) {
  EXPECT_EQ(downscale(Image(8, 4, 3), 64), Image(8, 4, 3));
}

TEST(Difference, IsAbsoluteAmplifiedAndClamped) {
  Image a(1, 1);
  Image b(1, 1);
  a.rgb = {10, 200, 7};
  b.rgb = {13, 100, 7};
  EXPECT_THAT(difference(a, b).rgb, ElementsAre(12, 255, 0));
  EXPECT_THAT(difference(b, a).rgb, ElementsAre(12, 255, 0));
  EXPECT_THROW(difference(a, Image(2, 1)), Error);
}

TEST(Sheet, PlacesImagesOnAWhiteGrid) {
  const Image grid = sheet({{Image(2, 1, 10), Image(2, 1, 20)}, {Image(2, 1, 30)}}, 1);
  ASSERT_EQ(grid.width, 5);
  ASSERT_EQ(grid.height, 3);
  EXPECT_EQ(grid.at(1, 0, 0), 10);
  EXPECT_EQ(grid.at(2, 0, 0), 255);
  EXPECT_EQ(grid.at(3, 0, 0), 20);
  EXPECT_EQ(grid.at(0, 1, 1), 255);
  EXPECT_EQ(grid.at(1, 2, 2), 30);
  EXPECT_EQ(grid.at(4, 2, 0), 255);
  EXPECT_THROW(sheet({{Image(2, 1), Image(1, 1)}}), Error);
}

}  // namespace
}  // namespace kvscope
