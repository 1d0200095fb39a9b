#include "core/image/png.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

Image gradient() {
  Image image(5, 3);
  for (std::size_t i = 0; i < image.rgb.size(); ++i)
    image.rgb[i] = static_cast<std::uint8_t>(i * 5);
  return image;
}

std::string message_of(const std::string& path) {
  try {
    read_png(path);
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(Png, ReadsBackWhatItWrote) {
  testing::TempDir folder;
  const std::string path = folder / "a.png";
  write_png(path, gradient());
  EXPECT_EQ(read_png(path), gradient());
}

TEST(Png, NamesTheFileThatIsMissing) {
  testing::TempDir folder;
  EXPECT_THAT(message_of(folder / "none.png"),
              HasSubstr("none.png: expected a readable file, got No such file"));
}

TEST(Png, RefusesWhatIsNoPng) {
  testing::TempDir folder;
  const std::string path = folder / "text.png";
  std::ofstream(path) << "this is no picture";
  EXPECT_THAT(message_of(path), HasSubstr("text.png: expected a PNG file"));
}

TEST(Png, RefusesATruncatedFile) {
  testing::TempDir folder;
  const std::string path = folder / "cut.png";
  write_png(path, gradient());
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 30);
  EXPECT_THAT(message_of(path), HasSubstr("cut.png: expected a whole PNG file"));
}

TEST(Png, RefusesASideThatNoModelDraws) {
  testing::TempDir folder;
  const std::string path = folder / "wide.png";
  write_png(path, Image(20000, 1));
  EXPECT_THAT(message_of(path), HasSubstr("at most 16384×16384 pixels, got 20000×1"));
}

TEST(Png, SaysWhenItCannotWrite) {
  testing::TempDir folder;
  EXPECT_THROW(write_png(folder / "no/such/folder.png", gradient()), Error);
  EXPECT_THROW(write_png("/dev/full", gradient()), Error);
}

}  // namespace
}  // namespace kvscope
