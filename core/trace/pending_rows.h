#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/trace/schema.h"

namespace kvscope::trace {

/// The time that a row takes.
struct RowTime {
  std::int64_t first_ns;
  std::int64_t last_ns;  ///< the later end, also of a row that ends before it begins
};
RowTime time_of(const Table& table, const std::byte* row);

/// What the rows of a block take together.
struct BlockTime {
  std::int64_t first_ns = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_ns = std::numeric_limits<std::int64_t>::min();

  void add(const RowTime& row);
};

/// Rows of one table on their way into the file, and the times of the blocks they lie in.
class PendingRows {
 public:
  explicit PendingRows(const Table& table);

  void add(const void* row);
  bool is_full() const { return rows_.size() >= block_rows * table_->row_bytes; }
  std::int64_t count() const { return static_cast<std::int64_t>(rows_.size() / table_->row_bytes); }
  /// Rows that took their way before.
  std::int64_t written() const { return written_; }

  /// The values of a column, behind each other.
  std::span<const std::byte> column(const Column& column);
  /// Times of the blocks from written() / block_rows on, the last one maybe of few rows yet.
  const std::vector<BlockTime>& blocks() const { return blocks_; }

  /// All are in the file.
  void clear();

 private:
  const Table* table_;
  std::vector<std::byte> rows_;
  std::vector<std::byte> values_;
  std::vector<BlockTime> blocks_;
  std::int64_t written_ = 0;
};

}  // namespace kvscope::trace
