#pragma once

#include <cstdint>
#include <vector>

namespace kvscope {

/// An 8-bit RGB picture, row-major, three bytes a pixel. Plain data; the size of `rgb` is
/// width · height · 3.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;

  Image() = default;
  Image(int width_of, int height_of, std::uint8_t fill = 0);

  std::uint8_t& at(int x, int y, int channel) { return rgb[offset(x, y, channel)]; }
  std::uint8_t at(int x, int y, int channel) const { return rgb[offset(x, y, channel)]; }

  bool operator==(const Image&) const = default;

 private:
  std::size_t offset(int x, int y, int channel) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
            static_cast<std::size_t>(x)) *
               3 +
           static_cast<std::size_t>(channel);
  }
};

/// From planar values [3, height, width] in [0, 1]: 255·v rounded to the nearest, halves up, as
/// torchvision's save_image does. Values outside are clamped, NaN becomes 0.
Image from_float(const float* planar, int height, int width);

/// Shrinks to at most `longest_side` pixels by averaging over areas, with the sides in proportion.
/// Smaller pictures come back as they are.
Image downscale(const Image& image, int longest_side);

/// |a − b| · gain per channel, clamped to 255. Throws Error when the sizes differ.
Image difference(const Image& a, const Image& b, int gain = 4);

/// A grid of pictures rows[r][c] of one size, with white between them. Throws Error when a row is
/// longer than the first, or a picture of another size.
Image sheet(const std::vector<std::vector<Image>>& rows, int gap = 2);

}  // namespace kvscope
