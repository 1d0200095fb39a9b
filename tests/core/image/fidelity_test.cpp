#include "core/image/fidelity.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

Image pattern(bool disturbed) {
  Image image(24, 20);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 24; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int value = x * 7 + y * 13 + c * 29 + (disturbed ? (x * y) % 17 : 0);
        image.at(x, y, c) = static_cast<std::uint8_t>(value % 256);
      }
    }
  }
  return image;
}

TEST(Psnr, FollowsTheFormula) {
  // One value of twelve off by 10: MSE = 100/12, 10·log10(65025·12/100) = 38.9225… dB.
  const Image a(2, 2, 100);
  Image b = a;
  b.at(1, 0, 2) = 110;
  EXPECT_NEAR(psnr(a, b).value(), 10 * std::log10(65025.0 * 12 / 100), 1e-12);
}

TEST(Psnr, IsNothingForIdenticalImages) { EXPECT_FALSE(psnr(Image(4, 4, 7), Image(4, 4, 7))); }

TEST(Psnr, RefusesDifferentSizes) { EXPECT_THROW(psnr(Image(4, 4), Image(4, 5)), Error); }

// Constants of the two patterns from numpy, in float64 (1e-12: another order of summation):
//   y, x, c = np.mgrid[:20, :24, :3]; t = x*7 + y*13 + c*29
//   a = (t % 256).astype(np.uint8); b = ((t + (x*y) % 17) % 256).astype(np.uint8)
//   g = np.exp(-(np.arange(11) - 5)**2 / 4.5); w = np.outer(g, g) / g.sum()**2
//   f = lambda p: (np.lib.stride_tricks.sliding_window_view(p, (11, 11)) * w).sum((2, 3))
//   per channel p, q as float64: m, n = f(p), f(q)
//   ((2*m*n + 6.5025) * (2*(f(p*q) - m*n) + 58.5225) /
//    ((m*m + n*n + 6.5025) * (f(p*p) - m*m + f(q*q) - n*n + 58.5225))).mean()
TEST(Ssim, AgreesWithNumpy) {
  EXPECT_NEAR(ssim(pattern(false), pattern(true)), 0.7411849474864102, 1e-12);
}

TEST(Psnr, AgreesWithNumpy) {
  EXPECT_NEAR(psnr(pattern(false), pattern(true)).value(), 15.588779865840594, 1e-12);
}

TEST(Ssim, IsOneForIdenticalImages) { EXPECT_DOUBLE_EQ(ssim(pattern(true), pattern(true)), 1.0); }

TEST(Ssim, OfTwoFlatImagesIsTheLuminanceTerm) {
  // No variance: (2·100·120 + c1) / (100² + 120² + c1), c1 = 6.5025. 1e-9: variances cancel.
  EXPECT_NEAR(ssim(Image(11, 11, 100), Image(11, 11, 120)), 24006.5025 / 24406.5025, 1e-9);
}

TEST(Ssim, RefusesAnImageSmallerThanItsWindow) {
  try {
    ssim(Image(16, 10), Image(16, 10));
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[ssim] images: expected at least 11×11 pixels, got 16×10");
  }
}

}  // namespace
}  // namespace kvscope
