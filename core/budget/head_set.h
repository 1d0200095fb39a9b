#pragma once

#include <vector>

namespace kvscope {

/// Heads that follow each other.
struct HeadRun {
  int first = 0;
  int heads = 0;
  bool operator==(const HeadRun&) const = default;
};

/// Some heads of a layer, ascending, or all of them. All of them are as cheap to copy as a number.
class HeadSet {
 public:
  /// Throws Error unless the layer has at least one head.
  static HeadSet all(int heads);

  /// `indices` of a layer that has `heads` heads. Throws Error unless there is one and they ascend
  /// from 0 or more to less than `heads`.
  HeadSet(std::vector<int> indices, int heads);

  bool is_all() const { return indices_.empty(); }
  int size() const { return is_all() ? heads_ : static_cast<int>(indices_.size()); }
  std::vector<int> indices() const;

  /// The same as runs, as long as they get: what can be narrowed instead of indexed.
  std::vector<HeadRun> runs() const;

  bool operator==(const HeadSet&) const = default;

 private:
  explicit HeadSet(int heads) : heads_(heads) {}

  int heads_ = 0;             // of the layer
  std::vector<int> indices_;  // none: all
};

}  // namespace kvscope
