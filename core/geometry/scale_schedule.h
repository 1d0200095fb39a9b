#pragma once

#include <cstdint>
#include <vector>

namespace kvscope {

/// The scales of a VAR model: scale i is a side(i) × side(i) token map, and the token maps follow
/// each other on one token axis (VAR, arXiv 2404.02905, section 3.2).
class ScaleSchedule {
 public:
  /// `patch_nums` are the sides, coarse to fine. Throws Error unless there are at least two, each
  /// positive and none smaller than the one before.
  explicit ScaleSchedule(std::vector<int> patch_nums);

  int scales() const { return static_cast<int>(patch_nums_.size()); }
  int last_scale() const { return scales() - 1; }
  int side(int scale) const { return patch_nums_.at(static_cast<std::size_t>(scale)); }
  std::int64_t tokens(int scale) const {
    return std::int64_t{side(scale)} * std::int64_t{side(scale)};
  }
  std::vector<std::int64_t> tokens_by_scale() const;

  /// First token of a scale on the token axis; begin(scales()) is the end of the last one.
  std::int64_t begin(int scale) const { return begins_.at(static_cast<std::size_t>(scale)); }
  std::int64_t end(int scale) const { return begin(scale + 1); }
  std::int64_t total_tokens() const { return begins_.back(); }

  const std::vector<int>& patch_nums() const { return patch_nums_; }

  bool operator==(const ScaleSchedule&) const = default;

 private:
  std::vector<int> patch_nums_;
  std::vector<std::int64_t> begins_;
};

}  // namespace kvscope
