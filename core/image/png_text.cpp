#include "core/image/png_text.h"

#include <array>
#include <fstream>
#include <optional>
#include <string_view>

#include <zlib.h>

namespace kvscope {
namespace {

// PNG (ISO/IEC 15948): a signature, then chunks of length, type, data and CRC-32 of type and data,
// numbers big-endian. The first chunk is IHDR with 13 bytes.
constexpr std::string_view signature = "\x89PNG\r\n\x1a\n";
constexpr std::size_t after_header = 8 + 12 + 13;
constexpr std::string_view text_type = "tEXt";
constexpr std::string_view pixels_type = "IDAT";
// Ours are a few dozen bytes; a damaged length must not become memory.
constexpr std::uint32_t longest_text = 1 << 16;

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(static_cast<unsigned char>(number >> static_cast<unsigned>(shift)));
  }
  return bytes;
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

std::string text_chunk(const std::string& keyword, const std::string& text) {
  const std::string data = keyword + '\0' + text;
  const std::string body = std::string(text_type) + data;
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(crc_of(body));
}

std::optional<std::uint32_t> read_number(std::istream& file) {
  std::array<char, 4> bytes{};
  if (!file.read(bytes.data(), bytes.size())) return std::nullopt;
  std::uint32_t number = 0;
  for (const char byte : bytes) number = number << 8U | static_cast<unsigned char>(byte);
  return number;
}

/// Type and data of the next chunk, the data of a text only; nothing where the file breaks off.
std::optional<std::string> next_chunk(std::istream& file) {
  const std::optional<std::uint32_t> length = read_number(file);
  std::string chunk(4, '\0');
  if (!length || !file.read(chunk.data(), 4)) return std::nullopt;
  if (chunk != text_type || *length > longest_text) {
    file.seekg(std::streamoff{*length} + 4, std::ios::cur);
    return chunk;
  }
  chunk.resize(4 + *length);
  if (!file.read(&chunk[4], *length) || read_number(file) != crc_of(chunk)) return std::nullopt;
  return chunk;
}

}  // namespace

std::vector<std::uint8_t> with_png_texts(const std::vector<std::uint8_t>& png,
                                         const PngTexts& texts) {
  std::string chunks;
  for (const auto& [keyword, text] : texts) chunks += text_chunk(keyword, text);
  std::vector<std::uint8_t> result = png;
  result.insert(result.begin() + after_header, chunks.begin(), chunks.end());
  return result;
}

PngTexts read_png_texts(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(signature.size(), '\0');
  PngTexts texts;
  if (!file.read(start.data(), static_cast<std::streamsize>(start.size())) || start != signature) {
    return texts;
  }
  while (const std::optional<std::string> chunk = next_chunk(file)) {
    if (*chunk == pixels_type) break;
    const std::size_t end = chunk->find('\0');
    if (!chunk->starts_with(text_type) || end == std::string::npos) continue;
    texts.emplace(chunk->substr(4, end - 4), chunk->substr(end + 1));
  }
  return texts;
}

}  // namespace kvscope
