#include "core/image/image.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

std::uint8_t to_byte(float value) {
  if (!(value > 0)) return 0;  // NaN as well
  return static_cast<std::uint8_t>(std::floor(std::min(value, 1.0F) * 255.0F + 0.5F));
}

/// Source pixels [first, last) under one target pixel and how much of each is covered.
struct Cover {
  int first = 0;
  std::vector<double> shares;
};

std::vector<Cover> covers_of(int source, int target) {
  std::vector<Cover> covers(static_cast<std::size_t>(target));
  const double step = static_cast<double>(source) / target;
  for (int i = 0; i < target; ++i) {
    const double begin = i * step;
    const double end = std::min((i + 1) * step, static_cast<double>(source));
    Cover& cover = covers[static_cast<std::size_t>(i)];
    cover.first = static_cast<int>(begin);
    for (int j = cover.first; j < end && j < source; ++j) {
      cover.shares.push_back((std::min(end, j + 1.0) - std::max(begin, double(j))) / step);
    }
  }
  return covers;
}

void paste(const Image& piece, int left, int top, Image& onto) {
  for (int y = 0; y < piece.height; ++y) {
    std::copy_n(piece.rgb.begin() + std::ptrdiff_t{y} * piece.width * 3, piece.width * 3,
                onto.rgb.begin() + (std::ptrdiff_t{top + y} * onto.width + left) * 3);
  }
}

}  // namespace

Image::Image(int width_of, int height_of, std::uint8_t fill)
    : width(width_of),
      height(height_of),
      rgb(static_cast<std::size_t>(width_of) * static_cast<std::size_t>(height_of) * 3, fill) {}

Image from_float(const float* planar, int height, int width) {
  Image image(width, height);
  const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      image.rgb[pixel * 3 + channel] = to_byte(planar[channel * pixels + pixel]);
    }
  }
  return image;
}

Image downscale(const Image& image, int longest_side) {
  const int longest = std::max(image.width, image.height);
  if (longest <= longest_side) return image;
  const auto shrink = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(double(side) * longest_side / longest)));
  };
  Image small(shrink(image.width), shrink(image.height));
  const std::vector<Cover> columns = covers_of(image.width, small.width);
  const std::vector<Cover> rows = covers_of(image.height, small.height);
  for (int y = 0; y < small.height; ++y) {
    const Cover& row = rows[static_cast<std::size_t>(y)];
    for (int x = 0; x < small.width; ++x) {
      const Cover& column = columns[static_cast<std::size_t>(x)];
      double sums[3] = {0, 0, 0};
      for (std::size_t j = 0; j < row.shares.size(); ++j) {
        for (std::size_t i = 0; i < column.shares.size(); ++i) {
          const double share = row.shares[j] * column.shares[i];
          for (int channel = 0; channel < 3; ++channel) {
            sums[channel] += share * image.at(column.first + static_cast<int>(i),
                                              row.first + static_cast<int>(j), channel);
          }
        }
      }
      for (int channel = 0; channel < 3; ++channel) {
        small.at(x, y, channel) =
            static_cast<std::uint8_t>(std::clamp(std::floor(sums[channel] + 0.5), 0.0, 255.0));
      }
    }
  }
  return small;
}

Image difference(const Image& a, const Image& b, int gain) {
  if (a.width != b.width || a.height != b.height) {
    throw Error(fmt::format("[image] difference: expected two images of {}×{}, got {}×{}", a.width,
                            a.height, b.width, b.height));
  }
  Image result(a.width, a.height);
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    result.rgb[i] = static_cast<std::uint8_t>(std::min(255, gain * std::abs(a.rgb[i] - b.rgb[i])));
  }
  return result;
}

Image sheet(const std::vector<std::vector<Image>>& rows, int gap) {
  if (rows.empty() || rows[0].empty()) throw Error("[image] sheet: expected images, got none");
  const int width = rows[0][0].width;
  const int height = rows[0][0].height;
  const int columns = static_cast<int>(rows[0].size());
  const int lines = static_cast<int>(rows.size());
  Image result(columns * width + (columns - 1) * gap, lines * height + (lines - 1) * gap, 255);
  for (int r = 0; r < lines; ++r) {
    const std::vector<Image>& row = rows[static_cast<std::size_t>(r)];
    if (static_cast<int>(row.size()) > columns) {
      throw Error(fmt::format("[image] sheet: expected {} images in row {}, got {}", columns, r,
                              row.size()));
    }
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row[c].width != width || row[c].height != height) {
        throw Error(fmt::format("[image] sheet: expected images of {}×{}, got {}×{}", width, height,
                                row[c].width, row[c].height));
      }
      paste(row[c], static_cast<int>(c) * (width + gap), r * (height + gap), result);
    }
  }
  return result;
}

}  // namespace kvscope
