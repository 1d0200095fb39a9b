#include "core/geometry/class_labels.h"

#include <fmt/format.h>

namespace kvscope {

std::string ClassLabels::range() const {
  return fmt::format("classes 0 to {} ({} is unconditional)", last_class(), unconditional());
}

}  // namespace kvscope
