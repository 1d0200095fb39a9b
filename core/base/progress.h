#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace kvscope {

/// Progress of a long job on stderr: items, rate and time left. A bar that redraws itself on a
/// terminal, a plain line every few seconds elsewhere; silent for jobs under a second.
class Progress {
 public:
  /// `unit` is the plural of what is counted, e.g. "samples".
  Progress(std::string title, std::int64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t items);

  /// Items that were there before the job began: they are done, but no part of the rate.
  void skip(std::int64_t items);

 private:
  void draw(bool last);

  using Clock = std::chrono::steady_clock;
  std::string title_;
  std::string unit_;
  std::int64_t total_;
  std::int64_t done_ = 0;
  std::int64_t skipped_ = 0;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_;
  Clock::time_point last_drawn_;
};

}  // namespace kvscope
