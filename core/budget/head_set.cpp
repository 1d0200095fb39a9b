#include "core/budget/head_set.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {

HeadSet HeadSet::all(int heads) {
  if (heads < 1) throw Error(fmt::format("[heads] expected at least 1, got {}", heads));
  return HeadSet(heads);
}

HeadSet::HeadSet(std::vector<int> indices, int heads)
    : heads_(heads), indices_(std::move(indices)) {
  const bool ascend = std::adjacent_find(indices_.begin(), indices_.end(),
                                         std::greater_equal<>()) == indices_.end();
  if (indices_.empty() || !ascend || indices_.front() < 0 || indices_.back() >= heads) {
    throw Error(fmt::format("[heads] expected ascending indices from 0 to {}, got [{}]", heads - 1,
                            fmt::join(indices_, ", ")));
  }
  // So that equal sets are equal.
  if (static_cast<int>(indices_.size()) == heads_) indices_.clear();
}

std::vector<int> HeadSet::indices() const {
  if (!is_all()) return indices_;
  std::vector<int> indices(static_cast<std::size_t>(heads_));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

std::vector<HeadRun> HeadSet::runs() const {
  if (is_all()) return {{.first = 0, .heads = heads_}};
  std::vector<HeadRun> runs;
  for (const int head : indices_) {
    if (!runs.empty() && runs.back().first + runs.back().heads == head) {
      ++runs.back().heads;
    } else {
      runs.push_back({.first = head, .heads = 1});
    }
  }
  return runs;
}

}  // namespace kvscope
