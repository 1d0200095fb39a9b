#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/capture/h5.h"
#include "core/trace/schema.h"

namespace kvscope::trace {

/// How many rows, texts and bytes of texts something has: a file's room, or what it holds.
struct Extent {
  std::vector<std::int64_t> rows = std::vector<std::int64_t>(tables().size(), 0);
  std::int64_t texts = 0;
  std::int64_t text_bytes = 0;

  bool fits_into(const Extent& room) const;
};

/// HDF5's name for a type, in memory and (little endian) in files.
hid_t memory_type(Type type);
hid_t stored_type(Type type);

/// A dataset that has a value for every row, block of rows, text or byte of texts.
struct Growing {
  std::string path;
  hid_t stored;
  hid_t memory;
  std::size_t bytes;  ///< of a value
  std::int64_t length;
};

/// Every such dataset of a file that holds `extent`, or has that room.
std::vector<Growing> growing_datasets(const Extent& extent);

/// Every count, the texts' before those of the rows that may name them.
std::vector<std::string> count_paths();

std::int64_t blocks_of(std::int64_t rows);

/// Creates everything a file with that room will ever hold. `file` is new and not in SWMR mode.
void create_objects(const h5::Calls& calls, hid_t file, const std::string& capture_id,
                    const Extent& room);

}  // namespace kvscope::trace
