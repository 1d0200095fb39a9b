#include "core/trace/pending_rows.h"

#include <algorithm>
#include <cstring>

namespace kvscope::trace {
namespace {

std::int64_t integer_at(const std::byte* row, const Column& column) {
  std::int64_t value = 0;
  std::memcpy(&value, row + column.offset, sizeof value);
  return value;
}

}  // namespace

RowTime time_of(const Table& table, const std::byte* row) {
  const std::int64_t begin = integer_at(row, table.columns[0]);
  const std::int64_t end = table.is_span ? integer_at(row, table.columns[1]) : begin;
  return {std::min(begin, end), std::max(begin, end)};
}

void BlockTime::add(const RowTime& row) {
  first_ns = std::min(first_ns, row.first_ns);
  last_ns = std::max(last_ns, row.last_ns);
}

PendingRows::PendingRows(const Table& table) : table_(&table) {}

void PendingRows::add(const void* row) {
  const std::int64_t index = written_ + count();
  if (index % block_rows == 0 || blocks_.empty()) blocks_.emplace_back();
  const auto* bytes = static_cast<const std::byte*>(row);
  blocks_.back().add(time_of(*table_, bytes));
  rows_.insert(rows_.end(), bytes, bytes + table_->row_bytes);
}

std::span<const std::byte> PendingRows::column(const Column& column) {
  const std::size_t bytes = bytes_of(column.type);
  values_.resize(static_cast<std::size_t>(count()) * bytes);
  const std::byte* from = rows_.data() + column.offset;
  for (std::byte* to = values_.data(); to != values_.data() + values_.size(); to += bytes) {
    std::memcpy(to, from, bytes);
    from += table_->row_bytes;
  }
  return values_;
}

void PendingRows::clear() {
  written_ += count();
  rows_.clear();
  // The block that is not full goes on with the next rows.
  const BlockTime last = blocks_.empty() ? BlockTime() : blocks_.back();
  blocks_.clear();
  if (written_ % block_rows != 0) blocks_.push_back(last);
}

}  // namespace kvscope::trace
