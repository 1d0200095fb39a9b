#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/schema.h"

namespace kvscope {

/// Times t with first ≤ t < last. A row is in it when it takes any of that time; one that takes
/// none when it happens in it.
struct TimeWindow {
  std::int64_t first_ns;
  std::int64_t last_ns;

  /// For a row from `first` to `last`.
  bool holds(std::int64_t first, std::int64_t last) const {
    return first < last_ns && (last > first_ns || first >= first_ns);
  }
};

struct RowRange {
  std::int64_t first;
  std::int64_t count;
  bool operator==(const RowRange&) const = default;
};

/// Which fields of `Row` to read; the others keep their defaults.
template <typename Row>
class Fields {
 public:
  /// One field, or all columns of the site.
  struct Field {
    std::size_t offset;
    std::size_t bytes;

    template <typename T>
    Field(T Row::*member) : bytes(sizeof(T)) {  // NOLINT: &Row::field is a field
      static const Row row{};
      offset = static_cast<std::size_t>(reinterpret_cast<const char*>(&(row.*member)) -
                                        reinterpret_cast<const char*>(&row));
    }
  };

  /// All of them.
  Fields() : fields_({{0, sizeof(Row)}}) {}
  Fields(std::initializer_list<Field> fields) {
    for (const Field& field : fields) fields_.push_back({field.offset, field.bytes});
  }

  struct Bytes {
    std::size_t offset;
    std::size_t count;
  };
  /// Parts of a row that hold them.
  std::span<const Bytes> bytes() const { return fields_; }

 private:
  std::vector<Bytes> fields_;
};

/// Rows that a table lacks, for one reason.
struct TraceLoss {
  std::string table;
  std::string reason;
  std::string advice;  ///< empty for a reason that this version does not know
  std::int64_t lost_rows = 0;
};

/// Reads a trace, finished or not: the rows that were committed when it was opened. Opening reads
/// the texts and the index of times, 16 bytes for 4,096 rows, and no row. Not thread-safe: HDF5
/// takes one call of the process at a time, and a reader is used by one thread at a time.
class TraceReader {
 public:
  /// Throws BadInput: not there, no trace, of another major version, damaged. Tables and columns
  /// that `catalogue` does not name are skipped.
  explicit TraceReader(const std::string& path,
                       std::span<const trace::Table> catalogue = trace::tables());
  /// The same for the trace of one capture. Throws BadInput also for another one's.
  TraceReader(const std::string& path, std::string_view capture_id);
  ~TraceReader();
  TraceReader(TraceReader&&) noexcept;
  TraceReader& operator=(TraceReader&&) noexcept;

  const std::string& path() const;
  const std::string& capture_id() const;
  /// False for the file of a run that is under way or broke off.
  bool complete() const;
  /// Names that RowSite::module counts through; later ones than this version's may follow.
  const std::vector<std::string>& modules() const;

  /// Throws BadInput for an index that the file has no text for.
  const std::string& text(trace::TextId id) const;
  const std::vector<std::string>& texts() const;

  /// Tables of a newer version, which were skipped.
  const std::vector<std::string>& skipped() const;

  std::int64_t rows(const trace::Table& table) const;
  /// From the first time of any row of the table to behind its last one; empty without rows.
  TimeWindow window(const trace::Table& table) const;

  /// Summed over time, by table and reason.
  std::vector<TraceLoss> losses() const;

  /// Rows of which some may be in `window`, in the order of the file: whole blocks, neighbours
  /// joined. From the index alone.
  std::vector<RowRange> blocks_in(const trace::Table& table, TimeWindow window) const;

  /// Rows [first, first + count).
  template <typename Row>
  std::vector<Row> read(RowRange range, const Fields<Row>& fields = {}) const {
    std::vector<Row> rows(static_cast<std::size_t>(range.count));
    const trace::Table& table = trace::table_of<Row>();
    for (const auto& part : fields.bytes()) {
      read_columns(table, range, part.offset, part.count, rows.data());
    }
    return rows;
  }

  /// Hands the rows in `window` to `visit`, in the order of the file and in pieces of at most
  /// 65,536, the only ones in memory. Reads the times of blocks_in() and `fields`.
  template <typename Row>
  void visit(TimeWindow window, const Fields<Row>& fields,
             const std::function<void(std::span<const Row>)>& visit) const {
    const trace::Table& table = trace::table_of<Row>();
    for (const RowRange& blocks : blocks_in(table, window)) {
      for (const RowRange& piece : pieces(blocks)) {
        std::vector<Row> rows = read<Row>(piece, fields);
        keep(table, piece, window, rows);
        if (!rows.empty()) visit(rows);
      }
    }
  }

  /// The rows in `window`, all in memory.
  template <typename Row>
  std::vector<Row> rows_in(TimeWindow window, const Fields<Row>& fields = {}) const {
    std::vector<Row> all;
    visit<Row>(window, fields,
               [&](std::span<const Row> rows) { all.insert(all.end(), rows.begin(), rows.end()); });
    return all;
  }

 private:
  struct Open;

  static std::vector<RowRange> pieces(RowRange blocks);
  /// Which of the rows of a piece are in `window`.
  std::vector<bool> are_in(const trace::Table& table, RowRange piece, TimeWindow window) const;
  void read_columns(const trace::Table& table, RowRange range, std::size_t offset,
                    std::size_t bytes, void* rows) const;

  template <typename Row>
  void keep(const trace::Table& table, RowRange piece, TimeWindow window,
            std::vector<Row>& rows) const {
    const std::vector<bool> wanted = are_in(table, piece, window);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (wanted[i]) rows[kept++] = rows[i];
    }
    rows.resize(kept);
  }

  std::unique_ptr<Open> open_;
};

}  // namespace kvscope
