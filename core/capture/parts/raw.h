#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/capture/open_capture.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"
#include "core/record/statistics.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset kv{"/kv/layer_{layer}/{tensor}",
                            "sample row head token channel",
                            Type::stored,
                            2,
                            "1",
                            "K (after l2 normalisation) or V as the attention read it"};

inline constexpr Dataset query{"/kv/layer_{layer}/query",
                               "sample row head token channel",
                               Type::stored,
                               2,
                               "1",
                               "Q as the attention read it: normalised and scaled"};

}  // namespace schema

/// Raw K and V, and Q beside them. Batches do not read them: they would fill the memory.
extern const PartRow raw_part;
extern const PartRow queries_part;

/// Reads the raw K and V of a file. Keeps a buffer between reads: the hot path of analyze.
class RawReader {
 public:
  explicit RawReader(const OpenCapture& file);

  /// Committed samples that /kv holds, counted from the first one of the file, ascending.
  const std::vector<std::int64_t>& samples() const { return samples_; }

  /// Of one layer for samples [first, first + count) of samples(), and only one of the two rows
  /// unless `row` is negative, as float32: [sample, row, head, token, channel]. Returns the shape.
  /// Throws BadInput where the file has none of these.
  std::vector<std::int64_t> read(KvTensor tensor, int layer, std::int64_t first, std::int64_t count,
                                 std::int64_t row, std::vector<float>& out);

 private:
  std::string name_of(KvTensor tensor, int layer, std::int64_t first, std::int64_t count) const;

  const OpenCapture& file_;
  std::vector<std::int64_t> samples_;
  std::vector<std::byte> stored_;
};

}  // namespace kvscope
