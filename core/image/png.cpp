#include "core/image/png.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <png.h>

#include "core/base/error.h"
#include "core/base/input_file.h"

namespace kvscope {
namespace {

constexpr unsigned largest_side = 16384;

/// libpng's simplified API: one control structure, freed on every way out.
class PngImage {
 public:
  PngImage() {
    std::memset(&image_, 0, sizeof image_);
    image_.version = PNG_IMAGE_VERSION;
  }
  ~PngImage() { png_image_free(&image_); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;

  png_image* get() { return &image_; }
  png_image* operator->() { return &image_; }

 private:
  png_image image_;
};

}  // namespace

Image read_png(const std::string& path) {
  check_readable(path, "png");
  PngImage png;
  if (png_image_begin_read_from_file(png.get(), path.c_str()) == 0) {
    throw BadInput("png", path, "a PNG file", png->message);
  }
  if (png->width > largest_side || png->height > largest_side) {
    throw BadInput("png", path, fmt::format("at most {0}×{0} pixels", largest_side),
                   fmt::format("{}×{}", png->width, png->height));
  }
  png->format = PNG_FORMAT_RGB;
  Image image(static_cast<int>(png->width), static_cast<int>(png->height));
  const png_color black = {0, 0, 0};
  if (png_image_finish_read(png.get(), &black, image.rgb.data(), 0, nullptr) == 0) {
    throw BadInput("png", path, "a whole PNG file", png->message);
  }
  return image;
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  PngImage png;
  png->width = static_cast<png_uint_32>(image.width);
  png->height = static_cast<png_uint_32>(image.height);
  png->format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(*png.get());
  std::vector<std::uint8_t> bytes(size);
  if (png_image_write_to_memory(png.get(), bytes.data(), &size, 0, image.rgb.data(), 0, nullptr) ==
      0) {
    throw Error(fmt::format("[png] {}×{} image: {}", image.width, image.height, png->message));
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::string& path, const Image& image, const PngTexts& texts) {
  const std::vector<std::uint8_t> bytes = with_png_texts(encode_png(image), texts);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) {
    throw Error(
        fmt::format("[png] {}: expected a writable file, got {}", path, std::strerror(errno)));
  }
}

}  // namespace kvscope
