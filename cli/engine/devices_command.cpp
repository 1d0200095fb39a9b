#include <filesystem>
#include <memory>
#include <string>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <dlfcn.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/engine/commands.h"
#include "core/base/json_text.h"
#include "core/generate/device.h"

namespace kvscope::cli {
namespace {

// CUPTI inside the wheel that LibTorch came from: nvidia/*/lib beside the folder torch.
std::string cupti_of_wheel() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &info) == 0) return "";
  const auto packages =
      std::filesystem::path(info.dli_fname).parent_path().parent_path().parent_path();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           packages / "nvidia", std::filesystem::directory_options::skip_permission_denied,
           ignored)) {
    if (entry.path().filename().string().starts_with("libcupti.so")) return entry.path().string();
  }
  return "";
}

}  // namespace

Command devices_command() {
  return {.name = "devices",
          .summary = "Show LibTorch and the devices it sees",
          .define = [](CLI::App& app) -> std::function<int()> {
            auto as_json = std::make_shared<bool>(false);
            app.add_flag("--json", *as_json, "Machine-readable output");
            return [as_json] {
              const nlohmann::json json = {{"torch", torch_version()},
                                           {"threads", at::get_num_threads()},
                                           {"cuda_devices", cuda_device_names()},
                                           {"cupti", cupti_of_wheel()}};
              fmt::print("{}\n", *as_json ? json_text(json) : json_text(json, 2));
              return 0;
            };
          }};
}

}  // namespace kvscope::cli
