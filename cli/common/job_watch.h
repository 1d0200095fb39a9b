#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "core/base/job_control.h"
#include "core/base/progress.h"

namespace kvscope::cli {

/// Watches a job on behalf of somebody at a terminal: its steps are drawn on stderr, and a signal
/// ends it. While it lives nothing else may be printed.
class JobWatch final : public ProgressSink {
 public:
  /// From now on SIGINT and SIGTERM stop the job; a second one ends the process.
  JobWatch();

  JobControl control() { return {.progress = this, .stop = stop_.get_token()}; }

  void begin(const std::string& title, std::int64_t total, const std::string& unit) override;
  void advance(std::int64_t items) override;

 private:
  void hear_signals();

  std::optional<Progress> step_;
  std::stop_source stop_;
};

}  // namespace kvscope::cli
