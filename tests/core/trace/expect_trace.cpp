#include "tests/core/trace/expect_trace.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include <gmock/gmock.h>

#include "tests/core/trace/example_trace.h"

namespace kvscope::testing {
namespace {

template <typename Row, typename Expected>
void expect_rows(const TraceReader& reader, Expected expected) {
  const std::int64_t rows = reader.rows(trace::table_of<Row>());
  constexpr std::int64_t piece = 10000;
  for (std::int64_t first = 0; first < rows; first += piece) {
    const std::vector<Row> read = reader.read<Row>({first, std::min(piece, rows - first)});
    for (std::size_t i = 0; i < read.size(); ++i) {
      ASSERT_EQ(read[i], expected(first + static_cast<std::int64_t>(i)))
          << trace::table_of<Row>().name << " " << first << " + " << i;
    }
  }
  // The index of times knows every row.
  std::int64_t found = 0;
  reader.visit<Row>(reader.window(trace::table_of<Row>()), {},
                    [&](std::span<const Row> part) { found += std::ssize(part); });
  EXPECT_EQ(found, rows);
}

}  // namespace

trace::TextId id_of(const TraceReader& reader, const std::string& text) {
  const auto found = std::ranges::find(reader.texts(), text);
  EXPECT_NE(found, reader.texts().end()) << text;
  return static_cast<trace::TextId>(found - reader.texts().begin());
}

void expect_example_rows(const TraceReader& reader) {
  std::unordered_map<std::string, trace::TextId> known;
  for (std::size_t i = 0; i < reader.texts().size(); ++i) {
    known[reader.texts()[i]] = static_cast<trace::TextId>(i);
  }
  const TextIds ids = [&](const std::string& text) { return known.at(text); };
  expect_rows<trace::KernelRow>(reader, [&](std::int64_t i) { return example_kernel(i, ids); });
  expect_rows<trace::CallRow>(reader, [&](std::int64_t i) { return example_call(i, ids); });
  expect_rows<trace::CounterRow>(reader, [&](std::int64_t i) { return example_counter(i, ids); });
}

}  // namespace kvscope::testing
