#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/losses.h"
#include "core/base/module.h"
#include "core/capture/file_layout.h"
#include "core/capture/schema.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Lengths of the dimensions whose coordinates are names. Later versions may add names at the end,
/// so a file keeps its own.
struct NameCounts {
  std::int64_t modules = static_cast<std::int64_t>(module_count);
  std::int64_t counters = static_cast<std::int64_t>(loss_counter_count);
};

/// How long every dimension of a file is and what its coordinates are: follows from the record and
/// the layout alone, so that writer and reader cannot disagree. Takes no memory per sample or
/// batch: their numbers may come from a damaged file.
class FileShape {
 public:
  /// Throws Error when the settings keep a layer, head, scale or sample that does not exist.
  FileShape(const RunRecord& record, const FileLayout& layout, const NameCounts& names = {});

  const FileLayout& layout() const { return layout_; }
  bool has(Part part) const { return layout_.has(part); }
  /// Bytes of a stored K, V or Q value.
  std::int64_t kv_element_bytes() const { return kv_element_bytes_; }

  /// Coordinates of a dimension; inside /kv those of what was kept. Not for text dimensions,
  /// whose coordinates are names.
  std::vector<std::int64_t> coordinates(std::string_view dimension, bool in_kv) const;
  std::int64_t length(std::string_view dimension, bool in_kv) const;

  /// Dimensions of a dataset.
  std::vector<std::int64_t> shape_of(const schema::Dataset& dataset) const;

  const std::vector<int>& kv_layers() const { return kv_layers_; }
  const std::vector<int>& kv_heads() const { return kv_heads_; }
  const std::vector<int>& kv_scales() const { return kv_scales_; }

  /// How many samples before sample `sample` of the file are kept, and which.
  std::int64_t kept_before(std::int64_t sample) const;
  std::vector<std::int64_t> kept_samples_before(std::int64_t sample) const;
  /// How many of the `count` samples from `first` on are kept.
  std::int64_t kept_in(std::int64_t first, std::int64_t count) const {
    return kept_before(first + count) - kept_before(first);
  }

 private:
  FileLayout layout_;
  NameCounts names_;
  std::int64_t first_sample_;
  std::int64_t samples_;
  std::int64_t layers_;
  std::int64_t heads_;
  std::int64_t scales_;
  std::int64_t tokens_;
  std::int64_t channels_;
  std::int64_t repeats_;
  std::int64_t kv_element_bytes_;
  std::vector<int> kv_layers_;
  std::vector<int> kv_heads_;
  std::vector<int> kv_scales_;
  std::vector<std::int64_t> kv_tokens_;
  std::vector<std::int64_t> kept_samples_;  // empty: all
};

/// Elements of an array of that shape.
std::int64_t elements_of(const std::vector<std::int64_t>& shape);

/// Whether a path lies inside /kv, where dimensions are those of what was kept.
bool in_kv(std::string_view path);

}  // namespace kvscope
