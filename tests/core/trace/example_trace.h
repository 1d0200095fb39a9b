#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/trace/trace_reader.h"
#include "core/trace/trace_writer.h"

namespace kvscope::testing {

inline constexpr const char* example_id = "2f0c7c52-0d4c-4f6e-9f0e-3f8d0f6f8f11";

/// How a text becomes an index: the writer's or the reader's way.
using TextIds = std::function<trace::TextId(const std::string&)>;

/// Rows that follow from their index alone, so that any reader can check what it sees. Kernels
/// complete out of order, by up to 15 µs; a batch has 1000 of them; every 500 have a name of their
/// own.
trace::KernelRow example_kernel(std::int64_t index, const TextIds& ids);
trace::CallRow example_call(std::int64_t index, const TextIds& ids);
trace::CounterRow example_counter(std::int64_t index, const TextIds& ids);

/// A step has a kernel, a call and, every third one, a value of a counter. Appends steps
/// [first, first + count).
void append_example(TraceWriter& writer, std::int64_t first, std::int64_t count);
std::int64_t counters_of(std::int64_t steps);

/// Writes so many steps, in commits of 1 to 3000, and leaves a complete file with its unfinished
/// name.
void write_example_trace(const std::string& path, std::int64_t steps);

}  // namespace kvscope::testing
