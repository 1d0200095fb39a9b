#pragma once

#include "core/trace/trace_reader.h"

namespace kvscope::testing {

/// Expects every row of every table to be that of the example, and every piece of it to be found
/// by its time.
void expect_example_rows(const TraceReader& reader);

/// The way of the reader from a text to its index.
trace::TextId id_of(const TraceReader& reader, const std::string& text);

}  // namespace kvscope::testing
