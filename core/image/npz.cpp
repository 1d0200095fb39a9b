#include "core/image/npz.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;
constexpr std::uint16_t version_zip64 = 45;
// Bytes from the start of a local header to its CRC field.
constexpr std::uint64_t crc_position = 14;

template <typename T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
  }
}

// Fields that the local header and the directory share, from "version needed" to the CRC.
void put_common(std::string& out, std::uint32_t crc) {
  put<std::uint16_t>(out, version_zip64);
  put<std::uint16_t>(out, 0);       // flags
  put<std::uint16_t>(out, 0);       // stored
  put<std::uint16_t>(out, 0);       // time
  put<std::uint16_t>(out, 0x0021);  // date: 1980-01-01, so that equal data gives equal files
  put<std::uint32_t>(out, crc);
  put<std::uint32_t>(out, in_zip64);
  put<std::uint32_t>(out, in_zip64);
}

std::string npy_header(const std::string& descr, const std::vector<std::int64_t>& shape) {
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                  fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr std::size_t prefix = 10;
  constexpr std::size_t alignment = 64;
  const std::size_t unpadded = prefix + dictionary.size() + 1;
  dictionary.append((alignment - unpadded % alignment) % alignment, ' ');
  dictionary.push_back('\n');
  std::string header("\x93NUMPY\x01\x00", 8);
  put<std::uint16_t>(header, static_cast<std::uint16_t>(dictionary.size()));
  return header + dictionary;
}

std::uint64_t element_size(const std::string& descr) { return std::stoul(descr.substr(2)); }

std::uint32_t extend_crc(std::uint32_t crc, const void* data, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(crc, static_cast<const Bytef*>(data), size));
}

}  // namespace

NpzWriter::NpzWriter(const std::string& path, bool force) : path_(check_target(path, force)) {
  stream_.open(partial_path(path_), std::ios::binary | std::ios::trunc);
  check_stream();
}

NpzWriter::~NpzWriter() {
  std::error_code ignored;
  std::filesystem::remove(partial_path(path_), ignored);
}

void NpzWriter::begin_array(const std::string& name, const std::string& descr,
                            const std::vector<std::int64_t>& shape) {
  const std::string header = npy_header(descr, shape);
  std::uint64_t data_size = element_size(descr);
  for (const std::int64_t extent : shape) data_size *= static_cast<std::uint64_t>(extent);
  expected_size_ = header.size() + data_size;

  const Entry entry{.name = name + ".npy", .offset = static_cast<std::uint64_t>(stream_.tellp())};
  std::string local("PK\x03\x04", 4);
  put_common(local, 0);
  put<std::uint16_t>(local, static_cast<std::uint16_t>(entry.name.size()));
  put<std::uint16_t>(local, 20);
  local += entry.name;
  put<std::uint16_t>(local, 1);  // zip64 sizes
  put<std::uint16_t>(local, 16);
  put<std::uint64_t>(local, expected_size_);
  put<std::uint64_t>(local, expected_size_);
  write(local);
  entries_.push_back(entry);
  append(std::as_bytes(std::span(header)));
}

void NpzWriter::append(std::span<const std::byte> bytes) {
  Entry& entry = entries_.back();
  stream_.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
  check_stream();
  entry.size += bytes.size();
  entry.crc = extend_crc(entry.crc, bytes.data(), bytes.size());
}

void NpzWriter::end_array() {
  const Entry& entry = entries_.back();
  if (entry.size != expected_size_) {
    throw Error(fmt::format("[npz] {}: expected {} bytes in {}, got {}", path_, expected_size_,
                            entry.name, entry.size));
  }
  const auto end = stream_.tellp();
  stream_.seekp(static_cast<std::streamoff>(entry.offset + crc_position));
  std::string crc;
  put<std::uint32_t>(crc, entry.crc);
  write(crc);
  stream_.seekp(end);
}

void NpzWriter::finish() {
  const auto start = static_cast<std::uint64_t>(stream_.tellp());
  std::string directory;
  for (const Entry& entry : entries_) {
    directory.append("PK\x01\x02", 4);
    put<std::uint16_t>(directory, version_zip64);
    put_common(directory, entry.crc);
    put<std::uint16_t>(directory, static_cast<std::uint16_t>(entry.name.size()));
    put<std::uint16_t>(directory, 28);
    put<std::uint16_t>(directory, 0);  // comment
    put<std::uint16_t>(directory, 0);  // disk
    put<std::uint16_t>(directory, 0);  // internal attributes
    put<std::uint32_t>(directory, 0);  // external attributes
    put<std::uint32_t>(directory, in_zip64);
    directory += entry.name;
    put<std::uint16_t>(directory, 1);
    put<std::uint16_t>(directory, 24);
    put<std::uint64_t>(directory, entry.size);
    put<std::uint64_t>(directory, entry.size);
    put<std::uint64_t>(directory, entry.offset);
  }
  const std::uint64_t directory_size = directory.size();
  const std::uint64_t count = entries_.size();

  directory.append("PK\x06\x06", 4);
  put<std::uint64_t>(directory, 44);
  put<std::uint16_t>(directory, version_zip64);
  put<std::uint16_t>(directory, version_zip64);
  put<std::uint32_t>(directory, 0);
  put<std::uint32_t>(directory, 0);
  put<std::uint64_t>(directory, count);
  put<std::uint64_t>(directory, count);
  put<std::uint64_t>(directory, directory_size);
  put<std::uint64_t>(directory, start);

  directory.append("PK\x06\x07", 4);
  put<std::uint32_t>(directory, 0);
  put<std::uint64_t>(directory, start + directory_size);
  put<std::uint32_t>(directory, 1);

  directory.append("PK\x05\x06", 4);
  put<std::uint32_t>(directory, 0);
  put<std::uint16_t>(directory, static_cast<std::uint16_t>(count));
  put<std::uint16_t>(directory, static_cast<std::uint16_t>(count));
  put<std::uint32_t>(directory, in_zip64);
  put<std::uint32_t>(directory, in_zip64);
  put<std::uint16_t>(directory, 0);
  write(directory);

  stream_.close();
  check_stream();
  publish(partial_path(path_), path_);
}

void NpzWriter::write(const std::string& bytes) {
  stream_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  check_stream();
}

void NpzWriter::check_stream() {
  if (!stream_) {
    throw Error(fmt::format("[npz] {}: expected to write, got '{}'", path_, std::strerror(errno)));
  }
}

}  // namespace kvscope
