#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <dlfcn.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/kvscope/commands.h"
#include "core/base/json_text.h"
#include "core/base/table.h"
#include "core/base/version.h"
#include "core/capture/schema.h"

namespace kvscope::cli {
namespace {

struct Finding {
  std::string item;
  bool ok = false;
  std::string detail;
  std::string remedy;  ///< how to get what is missing
};

// Output of `command`, or nothing when it failed.
std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return "";
  std::string text;
  std::array<char, 4096> block{};
  while (const std::size_t size = fread(block.data(), 1, block.size(), pipe.get())) {
    text.append(block.data(), size);
  }
  return text;
}

// What the engine says of LibTorch and the devices, or null without an engine.
nlohmann::json engine_report() {
  const std::string engine = engine_path();
  if (access(engine.c_str(), X_OK) != 0) return nullptr;
  return nlohmann::json::parse(output_of(fmt::format("'{}' devices --json 2>/dev/null", engine)),
                               nullptr, false);
}

Finding engine_finding(const nlohmann::json& engine) {
  if (engine.is_null()) {
    return {"engine", false, "kvscope-engine was not built",
            "run scripts/setup.sh, then build again: it brings the torch wheel"};
  }
  if (engine.is_discarded()) {
    return {"engine", false, "kvscope-engine does not start",
            "build again with the torch wheel that is installed now"};
  }
  return {"engine", true, fmt::format("LibTorch {}", engine.value("torch", "?")), ""};
}

Finding cuda_finding(const nlohmann::json& engine) {
  if (!engine.is_object() || engine.value("cuda_devices", nlohmann::json::array()).empty()) {
    return {"CUDA device", false, "none", "not needed: everything runs on the CPU"};
  }
  std::string names;
  for (const auto& name : engine["cuda_devices"])
    names += (names.empty() ? "" : ", ") + name.get<std::string>();
  return {"CUDA device", true, names, ""};
}

Finding cupti_finding(const nlohmann::json& engine) {
  // The torch wheel brings its own CUPTI, which is not on the library path.
  std::string path = engine.is_object() ? engine.value("cupti", "") : "";
  for (const char* name : {"libcupti.so", "libcupti.so.13", "libcupti.so.12"}) {
    if (!path.empty()) break;
    if (void* library = dlopen(name, RTLD_LAZY)) {
      path = name;
      dlclose(library);
    }
  }
  if (path.empty()) {
    return {"CUPTI", false, "not found", "comes with the CUDA toolkit and with torch's CUDA wheel"};
  }
  return {"CUPTI", true, path, ""};
}

Finding writable_finding(const std::string& item, const std::string& folder) {
  const bool writable = access(folder.c_str(), W_OK) == 0;
  return {item, writable, folder, writable ? "" : "choose another folder with -o"};
}

int run(bool as_json) {
  const nlohmann::json engine = engine_report();
  std::vector<Finding> findings = {
      {"kvscope", true, fmt::format("{} ({})", tool_version(), git_commit()), ""},
      {"capture schema", true, std::string(schema::version), ""},
      engine_finding(engine),
      cuda_finding(engine),
      cupti_finding(engine),
      writable_finding("current folder", std::filesystem::current_path().string()),
      writable_finding("temporary folder", std::filesystem::temp_directory_path().string())};
  if (as_json) {
    nlohmann::json json = nlohmann::json::array();
    for (const Finding& finding : findings) {
      json.push_back({{"item", finding.item},
                      {"ok", finding.ok},
                      {"detail", finding.detail},
                      {"remedy", finding.remedy}});
    }
    fmt::print("{}\n", json_text(json, 2));
    return 0;
  }
  Table table{.columns = {"what", "", "found", "how to get it"}, .rows = {}};
  for (const Finding& finding : findings) {
    table.rows.push_back({finding.item, finding.ok ? "ok" : "-", finding.detail, finding.remedy});
  }
  fmt::print("{}", to_text(table));
  return 0;
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .summary = "Show versions and devices, what is missing and how to get it",
          .define = [](CLI::App& app) -> std::function<int()> {
            auto as_json = std::make_shared<bool>(false);
            app.add_flag("--json", *as_json, "Machine-readable output");
            return [as_json] { return run(*as_json); };
          }};
}

}  // namespace kvscope::cli
