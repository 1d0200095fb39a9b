#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

namespace kvscope {

/// Hears how far a long job is, on the thread that does it. A terminal draws a line, a window a
/// bar; the job itself prints nothing.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// A step of `total` items begins; `unit` is their plural, e.g. "images".
  virtual void begin(const std::string& title, std::int64_t total, const std::string& unit) = 0;
  virtual void advance(std::int64_t items) = 0;
};

/// Who watches a long job, and how it learns that it should end. By default nobody, and never.
struct JobControl {
  ProgressSink* progress = nullptr;  ///< must outlive the job
  std::stop_token stop = {};

  /// All throw Interrupted when a stop was asked for; jobs call them between their items.
  void begin(const std::string& title, std::int64_t total, const std::string& unit) const;
  void advance(std::int64_t items) const;
  void check() const;
};

}  // namespace kvscope
