#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/kvscope/commands.h"
#include "cli/kvscope/engine.h"
#include "core/base/child_process.h"
#include "core/base/descriptor.h"
#include "core/base/json_text.h"
#include "core/base/output_file.h"
#include "core/base/table.h"
#include "core/base/terminal.h"
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

// A text of the engine's answer; empty without an answer.
std::string text_of(const nlohmann::json& engine, const char* key) {
  const bool known = engine.is_object() && engine.contains(key) && engine[key].is_string();
  return known ? engine[key].get<std::string>() : "";
}

// Loading LibTorch and finding the devices takes seconds; more than this is a fault.
constexpr std::chrono::seconds patience(30);

// What the engine says of LibTorch and the devices; null when it says nothing, with why in
// `finding`.
nlohmann::json ask_engine(Finding& finding) {
  const std::string path = engine_path();
  finding.item = "engine";
  if (access(path.c_str(), X_OK) != 0) {
    EngineFault fault = engine_fault(path, errno);
    finding.detail = std::move(fault.what);
    finding.remedy = std::move(fault.remedy);
    return nullptr;
  }
  const ChildResult child = run_child({path, "devices", "--json"}, patience);
  nlohmann::json report = nlohmann::json::parse(child.output, nullptr, false);
  if (!child.problem.empty() || !report.is_object()) {
    finding.detail =
        fmt::format("{} does not start: {}", path,
                    child.problem.empty() ? "its answer is not kvscope's" : child.problem);
    finding.remedy = "build again with the torch wheel that is installed now";
    return nullptr;
  }
  finding.ok = true;
  finding.detail = fmt::format("LibTorch {}", text_of(report, "torch"));
  return report;
}

Finding cuda_finding(const nlohmann::json& engine) {
  std::string names;
  if (engine.contains("cuda_devices")) {
    for (const auto& name : engine["cuda_devices"]) {
      names += (names.empty() ? "" : ", ") + name.get<std::string>();
    }
  }
  if (names.empty())
    return {"CUDA device", false, "none", "not needed: everything runs on the CPU"};
  return {"CUDA device", true, names, ""};
}

Finding cupti_finding(const nlohmann::json& engine) {
  // The torch wheel brings its own CUPTI, which is not on the library path.
  std::string path = text_of(engine, "cupti");
  for (const char* name : {"libcupti.so", "libcupti.so.13", "libcupti.so.12"}) {
    if (!path.empty()) break;
    if (void* library = dlopen(name, RTLD_LAZY)) {
      path = name;
      dlclose(library);
    }
  }
  // No collector of this version uses it: finding it does not make it work.
  return {"CUPTI", false, path.empty() ? "not found" : fmt::format("not used, found in {}", path),
          "not needed: this version does not use it"};
}

// Why no file can be made and filled in `folder`; empty when it can. A user who is root may write
// anywhere by permission, but not to a full disk or one that is mounted for reading.
std::string why_not_writable(const std::string& folder) {
  const IgnoreFileSizeSignal signal;
  std::string name = folder + "/.kvscope-doctor-XXXXXX";
  Descriptor file(mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0) return std::strerror(errno);
  unlink(name.c_str());
  const std::array<char, 1 << 16> block{};
  const ssize_t written = write(file.get(), block.data(), block.size());
  if (written < 0 || !file.close()) return std::strerror(errno);
  return written == std::ssize(block) ? "" : "no room for 64 KiB";
}

Finding folder_finding(const std::string& item, const std::string& folder,
                       const std::string& remedy) {
  const std::string why = why_not_writable(folder);
  if (!why.empty()) return {item, false, fmt::format("{}: {}", folder, why), remedy};
  return {item, true, folder, ""};
}

Finding current_folder_finding() {
  constexpr const char* item = "current folder";
  std::error_code failure;
  const std::string folder = std::filesystem::current_path(failure).string();
  if (failure) return {item, false, failure.message(), "change to a folder that is there"};
  return folder_finding(item, folder, "choose another folder with -o");
}

// Where the system's libraries put temporary files.
Finding temporary_folder_finding() {
  const char* asked = std::getenv("TMPDIR");
  return folder_finding("temporary folder", asked == nullptr || *asked == '\0' ? "/tmp" : asked,
                        "set TMPDIR to a folder that can be written to");
}

int run(bool as_json) {
  Finding engine_finding;
  const nlohmann::json engine = ask_engine(engine_finding);
  std::vector<Finding> findings = {
      {"kvscope", true, fmt::format("{} ({})", tool_version(), git_commit()), ""},
      {"capture schema", true, std::string(schema::version), ""},
      engine_finding,
      cuda_finding(engine),
      cupti_finding(engine),
      current_folder_finding(),
      temporary_folder_finding()};
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
  fmt::print("{}", to_text(table, text_columns()));
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
