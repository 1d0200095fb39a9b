#include "core/trace/trace_writer.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/output_file.h"
#include "core/trace/pending_rows.h"
#include "core/trace/trace_file.h"
#include "core/trace/trace_reader.h"

namespace kvscope {
namespace {

using trace::Extent;
using trace::Table;

/// Room of a new file, in rows of each table, texts and bytes.
constexpr std::int64_t first_rows = 16 * trace::block_rows;
constexpr std::int64_t first_texts = 4096;
constexpr std::int64_t first_text_bytes = std::int64_t{1} << 18;

std::int64_t doubled_until(std::int64_t room, std::int64_t needed) {
  while (room < needed) room *= 2;
  return room;
}

/// `room`, doubled where `needed` does not fit.
Extent room_for(const Extent& needed, Extent room) {
  for (std::size_t i = 0; i < room.rows.size(); ++i) {
    room.rows[i] = doubled_until(room.rows[i], needed.rows[i]);
  }
  room.texts = doubled_until(room.texts, needed.texts);
  room.text_bytes = doubled_until(room.text_bytes, needed.text_bytes);
  return room;
}

Extent first_room() {
  Extent room;
  std::fill(room.rows.begin(), room.rows.end(), first_rows);
  room.texts = first_texts;
  room.text_bytes = first_text_bytes;
  return room;
}

Extent held_by(const TraceReader& trace) {
  Extent held;
  for (std::size_t i = 0; i < held.rows.size(); ++i) held.rows[i] = trace.rows(trace::tables()[i]);
  held.texts = std::ssize(trace.texts());
  for (const std::string& text : trace.texts()) held.text_bytes += std::ssize(text);
  return held;
}

std::size_t index_of(const Table& table) {
  return static_cast<std::size_t>(&table - trace::tables().data());
}

}  // namespace

struct TraceWriter::Impl {
  Impl(const std::string& path, std::string id, const Extent& needed)
      : partial(partial_path(path)),
        capture_id(std::move(id)),
        unwritten_by_others(partial),
        file(partial, capture_id, room_for(needed, first_room())) {
    for (const Table& table : trace::tables()) pending.emplace_back(table);
    text("");
  }

  // After a failed write the file stays as it is, see TraceFile::abandon.
  ~Impl() {
    if (broken) file.abandon();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void require_unbroken() const {
    h5::silence_errors();
    if (!broken) return;
    throw Error(fmt::format(
        "[trace] {}: expected a file that can be written, got one after a failed write", partial));
  }

  /// Does `write`; when it fails the file is written no more.
  template <typename Write>
  void guarded(Write write) {
    require_unbroken();
    try {
      write();
    } catch (...) {
      broken = true;
      throw;
    }
  }

  trace::TextId text(std::string_view text) {
    const auto next = static_cast<std::uint32_t>(texts.size());
    const auto [found, is_new] = texts.try_emplace(std::string(text), next);
    if (is_new) {
      new_bytes += text;
      text_end += static_cast<std::int64_t>(text.size());
      new_ends.push_back(text_end);
    }
    return static_cast<trace::TextId>(found->second);
  }

  Extent written() const {
    Extent extent;
    for (std::size_t i = 0; i < pending.size(); ++i) extent.rows[i] = pending[i].written();
    extent.texts = static_cast<std::int64_t>(texts.size() - new_ends.size());
    extent.text_bytes = text_end - static_cast<std::int64_t>(new_bytes.size());
    return extent;
  }

  /// Makes room for all that is pending.
  void make_room() {
    Extent needed = written();
    for (std::size_t i = 0; i < pending.size(); ++i) needed.rows[i] += pending[i].count();
    needed.texts = static_cast<std::int64_t>(texts.size());
    needed.text_bytes = text_end;
    if (!needed.fits_into(file.room())) move_to(room_for(needed, file.room()), false);
  }

  /// Goes on in a new file of that room, which takes the place of the one there.
  void move_to(const Extent& room, bool complete) {
    trace::TraceFile next(partial, capture_id, room);
    try {
      next.copy(file, written());
      next.publish_counts(committed);
      if (complete) next.mark_complete();
      next.publish();
    } catch (...) {
      next.discard();
      throw;
    }
    std::swap(file, next);
    next.close();
  }

  void write_rows(const Table& table) {
    trace::PendingRows& rows = pending[index_of(table)];
    if (rows.count() == 0) return;
    for (const trace::Column& column : table.columns) {
      file.put(trace::column_path(table, column), trace::memory_type(column.type), rows.written(),
               rows.count(), rows.column(column).data());
    }
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> last;
    for (const trace::BlockTime& block : rows.blocks()) {
      first.push_back(block.first_ns);
      last.push_back(block.last_ns);
    }
    const std::int64_t block = rows.written() / trace::block_rows;
    const auto blocks = static_cast<std::int64_t>(first.size());
    file.put(trace::block_first_path(table), H5T_NATIVE_INT64, block, blocks, first.data());
    file.put(trace::block_last_path(table), H5T_NATIVE_INT64, block, blocks, last.data());
    rows.clear();
  }

  void write_texts() {
    const Extent before = written();
    file.put(trace::text_bytes_path, H5T_NATIVE_UINT8, before.text_bytes,
             static_cast<std::int64_t>(new_bytes.size()), new_bytes.data());
    file.put(trace::text_end_path, H5T_NATIVE_INT64, before.texts,
             static_cast<std::int64_t>(new_ends.size()), new_ends.data());
    new_bytes.clear();
    new_ends.clear();
  }

  void commit() {
    guarded([&] {
      make_room();
      write_texts();
      for (const Table& table : trace::tables()) write_rows(table);
      const Extent all = written();
      file.publish_counts(all);
      committed = all;
    });
  }

  /// From here on readers find the file.
  void begin() {
    commit();
    guarded([&] { file.publish(); });
  }

  void finish() {
    commit();
    guarded([&] {
      move_to(committed, true);
      file.close();
    });
  }

  /// Takes what `found` holds, but rows of batches from `batches` on. There is room for all of it:
  /// before begin() the file has no name that a larger one could take.
  void take_over(const TraceReader& found, std::int64_t batches) {
    // In their order, so that they keep their indices.
    for (const std::string& known : found.texts()) text(known);
    take_rows<trace::KernelRow>(found, batches);
    take_rows<trace::CopyRow>(found, batches);
    take_rows<trace::CallRow>(found, batches);
    take_rows<trace::RangeRow>(found, batches);
    take_rows<trace::AllocationRow>(found, batches);
    take_rows<trace::CounterRow>(found, batches);
    take_rows<trace::LossRow>(found, batches);
  }

  template <typename Row>
  void take_rows(const TraceReader& found, std::int64_t batches) {
    const Table& table = trace::table_of<Row>();
    const std::int64_t rows = found.rows(table);
    for (std::int64_t first = 0; first < rows; first += trace::block_rows) {
      const std::int64_t count = std::min(trace::block_rows, rows - first);
      for (const Row& row : found.read<Row>({first, count})) {
        if constexpr (requires { row.site; }) {
          if (row.site.batch >= batches) continue;
        }
        append(table, &row);
      }
    }
  }

  void append(const Table& table, const void* row) {
    require_unbroken();
    pending[index_of(table)].add(row);
    if (!pending[index_of(table)].is_full()) return;
    guarded([&] {
      make_room();
      write_rows(table);
    });
  }

  IgnoreFileSizeSignal signal;
  std::string partial;
  std::string capture_id;
  WriterLock unwritten_by_others;
  trace::TraceFile file;
  std::vector<trace::PendingRows> pending;  // by table
  std::unordered_map<std::string, std::uint32_t> texts;
  std::string new_bytes;               // of texts not in the file yet
  std::vector<std::int64_t> new_ends;  // their ends in all bytes
  std::int64_t text_end = 0;
  Extent committed;
  bool broken = false;  // a write failed
};

TraceWriter::TraceWriter(const std::string& path, const std::string& capture_id, bool force)
    : impl_(std::make_unique<Impl>(check_target(path, force), capture_id, Extent())) {
  impl_->begin();
}

TraceWriter::TraceWriter(const std::string& path, const std::string& capture_id, Resume resume) {
  const std::string file = link_target(path);
  std::error_code ignored;
  if (!std::filesystem::exists(partial_path(file), ignored)) {
    impl_ = std::make_unique<Impl>(file, capture_id, Extent());
  } else {
    const TraceReader found(partial_path(file), capture_id);
    impl_ = std::make_unique<Impl>(file, capture_id, held_by(found));
    impl_->take_over(found, resume.batches);
  }
  impl_->begin();
}

TraceWriter::~TraceWriter() = default;

trace::TextId TraceWriter::text(std::string_view text) {
  impl_->require_unbroken();
  return impl_->text(text);
}

void TraceWriter::append(const Table& table, const void* row) { impl_->append(table, row); }

void TraceWriter::lose(const Table& table, trace::LossReason reason, std::int64_t rows,
                       std::int64_t time_ns) {
  append(trace::LossRow{.time_ns = time_ns,
                        .table = text(table.name),
                        .reason = text(name_of(reason)),
                        .lost_rows = rows});
}

void TraceWriter::commit() { impl_->commit(); }

void TraceWriter::finish() { impl_->finish(); }

std::int64_t TraceWriter::committed_rows(const Table& table) const {
  return impl_->committed.rows[index_of(table)];
}

}  // namespace kvscope
