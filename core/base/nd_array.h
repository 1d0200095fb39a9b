#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace kvscope {

/// A dense row-major array that owns its data. Plain data; the shape and the size of `data` agree.
template <typename T>
struct NdArray {
  std::vector<std::int64_t> shape;
  std::vector<T> data;

  NdArray() = default;
  explicit NdArray(std::vector<std::int64_t> shape_of, T fill = T{})
      : shape(std::move(shape_of)),
        data(static_cast<std::size_t>(
                 std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>())),
             fill) {}

  bool empty() const { return data.empty(); }

  /// Position of an element in `data`. As many indices as dimensions.
  template <typename... Index>
  std::size_t offset(Index... index) const {
    std::size_t position = 0;
    std::size_t dimension = 0;
    ((position = position * static_cast<std::size_t>(shape[dimension++]) +
                 static_cast<std::size_t>(index)),
     ...);
    return position;
  }

  template <typename... Index>
  T& operator()(Index... index) {
    return data[offset(index...)];
  }
  template <typename... Index>
  const T& operator()(Index... index) const {
    return data[offset(index...)];
  }

  bool operator==(const NdArray&) const = default;
};

}  // namespace kvscope
