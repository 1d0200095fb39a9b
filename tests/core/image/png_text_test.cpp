#include "core/image/png_text.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "core/image/png.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::IsEmpty;

const PngTexts texts = {{"kvscope capture_id", "0-1-2"}, {"kvscope sample", "12"}};

TEST(PngText, StaysInThePictureAndLeavesThePixels) {
  const testing::TempDir folder;
  const Image picture(5, 3, 77);
  write_png(folder / "a.png", picture, texts);
  EXPECT_EQ(read_png_texts(folder / "a.png"), texts);
  EXPECT_EQ(read_png(folder / "a.png"), picture) << "libpng would refuse a wrong checksum";
  write_png(folder / "b.png", picture);
  EXPECT_THAT(read_png_texts(folder / "b.png"), IsEmpty());
}

// Cut anywhere or spoiled, a file gives a whole text or none.
TEST(PngText, SurvivesDamage) {
  const testing::TempDir folder;
  const std::string path = folder / "a.png";
  write_png(path, Image(5, 3), texts);
  std::ifstream stream(path, std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(stream), {});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    for (const auto& [keyword, text] : read_png_texts(path)) EXPECT_EQ(texts.at(keyword), text);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string spoiled = whole;
    spoiled[at] = static_cast<char>(spoiled[at] ^ 0x10);
    std::ofstream(path, std::ios::binary) << spoiled;
    for (const auto& [keyword, text] : read_png_texts(path))
      EXPECT_EQ(texts.at(keyword), text) << at;
  }
  std::ofstream(path, std::ios::binary) << "no picture";
  EXPECT_THAT(read_png_texts(path), IsEmpty());
  EXPECT_THAT(read_png_texts(folder / "none.png"), IsEmpty());
}

}  // namespace
}  // namespace kvscope
