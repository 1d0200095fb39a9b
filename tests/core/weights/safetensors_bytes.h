#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

namespace kvscope::testing {

/// A safetensors file put together by hand: length, header, `data_bytes` bytes that count up.
inline std::string safetensors_bytes(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  file += header;
  for (std::size_t i = 0; i < data_bytes; ++i) file += static_cast<char>(i % 64);
  return file;
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace kvscope::testing
