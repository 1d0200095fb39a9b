#include "core/base/job_control.h"

#include "core/base/error.h"

namespace kvscope {

void JobControl::begin(const std::string& title, std::int64_t total,
                       const std::string& unit) const {
  if (progress != nullptr) progress->begin(title, total, unit);
  check();
}

void JobControl::advance(std::int64_t items) const {
  if (progress != nullptr) progress->advance(items);
  check();
}

void JobControl::check() const {
  if (stop.stop_requested()) throw Interrupted();
}

}  // namespace kvscope
