#include "collectors/quantised_images.h"

namespace kvscope {

std::vector<Image> quantised_images(const at::Tensor& images) {
  const at::Tensor values = images.to(at::kFloat).contiguous();
  const int height = static_cast<int>(values.size(2));
  const int width = static_cast<int>(values.size(3));
  std::vector<Image> quantised;
  for (std::int64_t k = 0; k < values.size(0); ++k) {
    quantised.push_back(from_float(values[k].const_data_ptr<float>(), height, width));
  }
  return quantised;
}

}  // namespace kvscope
