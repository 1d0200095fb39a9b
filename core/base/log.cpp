#include "core/base/log.h"

#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>

#include "core/base/terminal.h"

namespace kvscope {

spdlog::logger& log() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    const auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    sink->set_color_mode(is_coloured_terminal() ? spdlog::color_mode::always
                                                : spdlog::color_mode::never);
    auto created = std::make_shared<spdlog::logger>("kvscope", sink);
    created->set_pattern("kvscope: %^%l%$: %v");
    return created;
  }();
  return *logger;
}

}  // namespace kvscope
