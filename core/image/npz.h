#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "core/base/output_file.h"

namespace kvscope {

/// Writes numpy's .npz archive one array after the other, in blocks, so that an array never has to
/// fit in memory. Entries are stored uncompressed with zip64 sizes (PKWARE APPNOTE 6.3.10, 4.5.3;
/// numpy.lib.format 1.0). Data goes to `path`.partial until finish().
class NpzWriter {
 public:
  /// Throws Error when the file cannot be created, or exists and `force` is not set.
  NpzWriter(const std::string& path, bool force);
  /// Removes the partial file when finish() did not succeed: nobody can read it.
  ~NpzWriter();
  NpzWriter(const NpzWriter&) = delete;
  NpzWriter& operator=(const NpzWriter&) = delete;

  /// Starts array `name` of numpy type `descr`, e.g. "|u1" or "<u8", in C order.
  void begin_array(const std::string& name, const std::string& descr,
                   const std::vector<std::int64_t>& shape);
  /// Appends the next elements of the array.
  void append(std::span<const std::byte> bytes);
  /// Ends the array. Throws Error when its bytes do not add up to its shape.
  void end_array();

  /// Writes the directory and gives the file its final name.
  void finish();

 private:
  struct Entry {
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
  };

  void write(const std::string& bytes);
  void check_stream();

  IgnoreFileSizeSignal signal_;
  std::string path_;
  std::ofstream stream_;
  std::vector<Entry> entries_;
  std::uint64_t expected_size_ = 0;
};

}  // namespace kvscope
