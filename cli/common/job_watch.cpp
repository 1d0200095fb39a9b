#include "cli/common/job_watch.h"

#include "core/base/interrupt.h"

namespace kvscope::cli {

JobWatch::JobWatch() { install_interrupt_handler(); }

void JobWatch::begin(const std::string& title, std::int64_t total, const std::string& unit) {
  step_.emplace(title, total, unit);
  hear_signals();
}

void JobWatch::advance(std::int64_t items) {
  if (step_) step_->advance(items);
  hear_signals();
}

// A signal handler itself may not touch a stop source.
void JobWatch::hear_signals() {
  if (interrupt_requested()) stop_.request_stop();
}

}  // namespace kvscope::cli
