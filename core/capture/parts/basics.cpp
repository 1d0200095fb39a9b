#include "core/capture/parts/basics.h"

#include <algorithm>
#include <array>
#include <vector>

namespace kvscope {
namespace {

constexpr std::array datasets = {
    schema::committed_samples,
    schema::batch_samples,
    schema::losses,
    schema::token_ids,
    schema::label,
    schema::seed,
    schema::logical_bytes,
    schema::resident_bytes,
    schema::transient_bytes,
    schema::shared_bytes,
    schema::process_peak_rss_bytes,
    schema::allocator_peak_bytes,
};

void check_basics(const BatchCheck& check, const BatchRecord& batch) {
  check.rows(batch.token_ids, schema::token_ids);
  check.row_values(batch.seeds, schema::seed);
  if (batch.ledger.rows == 0) return;
  check.whole(batch.ledger.logical_bytes, schema::logical_bytes);
  check.whole(batch.ledger.resident_bytes, schema::resident_bytes);
  check.whole(batch.ledger.transient_bytes, schema::transient_bytes);
  check.whole(batch.ledger.shared_bytes, schema::shared_bytes);
}

void write_ledger(const BatchWriter& out, const LedgerRecord& ledger) {
  out.whole(schema::logical_bytes, ledger.logical_bytes);
  out.whole(schema::resident_bytes, ledger.resident_bytes);
  out.whole(schema::transient_bytes, ledger.transient_bytes);
  out.whole(schema::shared_bytes, ledger.shared_bytes);
  out.attribute(schema::logical_bytes, schema::rows, ledger.rows);
  out.attribute(schema::logical_bytes, schema::key_element_bytes, ledger.key_element_bytes);
  out.attribute(schema::logical_bytes, schema::value_element_bytes, ledger.value_element_bytes);
}

void write_basics(const BatchWriter& out, const BatchRecord& batch) {
  out.rows(schema::token_ids, batch.token_ids.data);
  out.rows(schema::label, batch.labels);
  out.rows(schema::seed, batch.seeds);
  out.item(schema::process_peak_rss_bytes, std::vector{batch.memory.process_peak_rss_bytes});
  out.item(schema::allocator_peak_bytes, std::vector{batch.memory.allocator_peak_bytes});
  // Every full batch has the same ledger; a smaller last one must not replace it.
  if (batch.ledger.rows > out.earlier_ledger_rows()) write_ledger(out, batch.ledger);
}

void read_basics(const BatchReader& in, BatchRecord& batch) {
  batch.token_ids = in.rows<std::int32_t>(schema::token_ids);
  batch.labels = in.rows<std::int32_t>(schema::label).data;
  batch.seeds = in.rows<std::uint64_t>(schema::seed).data;
  batch.ledger = read_ledger(in.file());
  batch.memory.process_peak_rss_bytes =
      in.item<std::int64_t>(schema::process_peak_rss_bytes).data.front();
  batch.memory.allocator_peak_bytes =
      in.item<std::int64_t>(schema::allocator_peak_bytes).data.front();
}

}  // namespace

constinit const PartRow basics_part = {.part = Part::always,
                                       .name = "always",
                                       .datasets = datasets,
                                       .check = check_basics,
                                       .write = write_basics,
                                       .read = read_basics};

LedgerRecord read_ledger(const OpenCapture& file) {
  LedgerRecord ledger;
  ledger.logical_bytes = file.all<std::int64_t>(schema::logical_bytes);
  ledger.resident_bytes = file.all<std::int64_t>(schema::resident_bytes);
  ledger.transient_bytes = file.all<std::int64_t>(schema::transient_bytes);
  ledger.shared_bytes = file.all<std::int64_t>(schema::shared_bytes);
  const auto attribute = [&](const char* name) {
    return h5::read_integer(file.calls(), file.dataset(schema::path_of(schema::logical_bytes)),
                            name);
  };
  ledger.rows = attribute(schema::rows);
  ledger.key_element_bytes = attribute(schema::key_element_bytes);
  ledger.value_element_bytes = attribute(schema::value_element_bytes);
  return ledger;
}

MemoryRecord read_memory(const OpenCapture& file) {
  const auto largest = [&](const schema::Dataset& entry) {
    const std::vector<std::int64_t> bytes = file.batch_rows<std::int64_t>(entry).data;
    const auto found = std::max_element(bytes.begin(), bytes.end());
    return found == bytes.end() ? std::int64_t{0} : std::max(std::int64_t{0}, *found);
  };
  return {.process_peak_rss_bytes = largest(schema::process_peak_rss_bytes),
          .allocator_peak_bytes = largest(schema::allocator_peak_bytes)};
}

}  // namespace kvscope
