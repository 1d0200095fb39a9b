#include "core/image/fidelity.h"

#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

constexpr int window = 11;

void check_sizes(const char* where, const Image& a, const Image& b, int smallest) {
  if (a.width != b.width || a.height != b.height) {
    throw Error(fmt::format("[{}] images: expected two of one size, got {}×{} and {}×{}", where,
                            a.width, a.height, b.width, b.height));
  }
  if (a.width < smallest || a.height < smallest) {
    throw Error(fmt::format("[{}] images: expected at least {}×{} pixels, got {}×{}", where,
                            smallest, smallest, a.width, a.height));
  }
}

std::array<double, window> gaussian() {
  constexpr double sigma = 1.5;
  std::array<double, window> weights{};
  double sum = 0;
  for (int i = 0; i < window; ++i) {
    const int distance = i - window / 2;
    weights[static_cast<std::size_t>(i)] = std::exp(-distance * distance / (2 * sigma * sigma));
    sum += weights[static_cast<std::size_t>(i)];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// One channel as doubles, row-major.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<double> values;

  Plane(int width_of, int height_of)
      : width(width_of),
        height(height_of),
        values(static_cast<std::size_t>(width_of) * static_cast<std::size_t>(height_of)) {}
  double* row(int y) { return values.data() + std::ptrdiff_t{y} * width; }
  const double* row(int y) const { return values.data() + std::ptrdiff_t{y} * width; }
};

Plane product(const Image& a, const Image& b, int channel) {
  Plane plane(a.width, a.height);
  for (std::size_t i = 0; i < plane.values.size(); ++i) {
    const std::size_t at = i * 3 + static_cast<std::size_t>(channel);
    plane.values[i] = double(a.rgb[at]) * double(b.rgb[at]);
  }
  return plane;
}

Plane channel_of(const Image& image, int channel) {
  Plane plane(image.width, image.height);
  for (std::size_t i = 0; i < plane.values.size(); ++i) {
    plane.values[i] = image.rgb[i * 3 + static_cast<std::size_t>(channel)];
  }
  return plane;
}

/// Gaussian mean over every window that lies inside: (w − 10) × (h − 10).
Plane blur(const Plane& plane) {
  static const std::array<double, window> weights = gaussian();
  Plane across(plane.width - window + 1, plane.height);
  for (int y = 0; y < across.height; ++y) {
    for (int x = 0; x < across.width; ++x) {
      double sum = 0;
      for (int k = 0; k < window; ++k) {
        sum += weights[static_cast<std::size_t>(k)] * plane.row(y)[x + k];
      }
      across.row(y)[x] = sum;
    }
  }
  Plane both(across.width, plane.height - window + 1);
  for (int y = 0; y < both.height; ++y) {
    for (int k = 0; k < window; ++k) {
      const double weight = weights[static_cast<std::size_t>(k)];
      for (int x = 0; x < both.width; ++x) both.row(y)[x] += weight * across.row(y + k)[x];
    }
  }
  return both;
}

double channel_ssim(const Image& a, const Image& b, int channel) {
  constexpr double c1 = (0.01 * 255) * (0.01 * 255);
  constexpr double c2 = (0.03 * 255) * (0.03 * 255);
  const Plane mean_a = blur(channel_of(a, channel));
  const Plane mean_b = blur(channel_of(b, channel));
  const Plane square_a = blur(product(a, a, channel));
  const Plane square_b = blur(product(b, b, channel));
  const Plane cross = blur(product(a, b, channel));
  double sum = 0;
  for (std::size_t i = 0; i < mean_a.values.size(); ++i) {
    const double ma = mean_a.values[i];
    const double mb = mean_b.values[i];
    const double variance_a = square_a.values[i] - ma * ma;
    const double variance_b = square_b.values[i] - mb * mb;
    const double covariance = cross.values[i] - ma * mb;
    sum += (2 * ma * mb + c1) * (2 * covariance + c2) /
           ((ma * ma + mb * mb + c1) * (variance_a + variance_b + c2));
  }
  return sum / static_cast<double>(mean_a.values.size());
}

}  // namespace

std::optional<double> psnr(const Image& a, const Image& b) {
  check_sizes("psnr", a, b, 1);
  double squares = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const double error = double(a.rgb[i]) - double(b.rgb[i]);
    squares += error * error;
  }
  if (squares == 0) return std::nullopt;
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / squares);
}

double ssim(const Image& a, const Image& b) {
  check_sizes("ssim", a, b, window);
  return (channel_ssim(a, b, 0) + channel_ssim(a, b, 1) + channel_ssim(a, b, 2)) / 3;
}

}  // namespace kvscope
