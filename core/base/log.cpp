#include "core/base/log.h"

#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>

namespace kvscope {

spdlog::logger& log() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto created = std::make_shared<spdlog::logger>(
        "kvscope", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_pattern("kvscope: %^%l%$: %v");
    return created;
  }();
  return *logger;
}

}  // namespace kvscope
