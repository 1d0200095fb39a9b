#include "core/capture/batch_check.h"

#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"
#include "core/capture/parts/part_row.h"

namespace kvscope {
void BatchCheck::refuse(const std::string& expected, const std::string& got) const {
  throw Error(fmt::format("[capture] {}: expected {}, got {}", path_, expected, got));
}

void BatchCheck::part(bool found, bool expected, std::string_view what) const {
  if (found != expected) {
    refuse(fmt::format("a batch {} {}", expected ? "with" : "without", what), "another");
  }
}

void BatchCheck::elements(std::int64_t found, std::int64_t expected,
                          const std::string& name) const {
  if (found != expected) {
    refuse(fmt::format("{} elements for {}", expected, name), std::to_string(found));
  }
}

void BatchCheck::bytes(const std::vector<std::byte>& found, std::int64_t expected,
                       const std::string& name) const {
  if (std::ssize(found) != expected) {
    refuse(fmt::format("{} bytes for {}", expected, name), std::to_string(found.size()));
  }
}

void BatchCheck::shape_is(const std::vector<std::int64_t>& found, std::int64_t found_elements,
                          const std::vector<std::int64_t>& expected,
                          const schema::Dataset& entry) const {
  if (found != expected) {
    refuse(fmt::format("{} of shape {}", schema::path_of(entry), expected),
           fmt::format("{}", found));
  }
  elements(found_elements, elements_of(expected), schema::path_of(entry));
}

void check_batch(const BatchRecord& batch, const BatchPlace& place, const FileShape& shape,
                 const std::string& path) {
  const BatchCheck check(place, shape, path);
  for (const PartRow* row : part_rows()) {
    const bool expected = shape.has(row->part);
    if (row->is_in != nullptr) check.part(row->is_in(batch), expected, row->name);
    if (expected) row->check(check, batch);
  }
}

}  // namespace kvscope
