#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kvscope {

/// A whole file in memory, paged in as it is read. The mapping is private: writing to it never
/// reaches the file.
class MappedFile {
 public:
  /// Throws BadInput of `where` unless `path` is a readable regular file.
  MappedFile(const std::string& path, std::string_view where);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<std::byte> bytes_;
};

}  // namespace kvscope
