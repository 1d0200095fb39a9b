#include "cli/common/path_kind.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/capture/capture_reader.h"
#include "core/geometry/model_config.h"
#include "core/trace/trace_reader.h"

namespace kvscope::cli {
namespace {

namespace fs = std::filesystem;

PathKind kind_of_folder(const fs::path& folder) {
  std::error_code failure;
  const auto has = [&](const char* name) { return fs::exists(folder / name, failure); };
  if (has("config.json")) return PathKind::model_folder;
  if (has("scorer.json")) return PathKind::scorer_folder;
  if (has("results.json")) return PathKind::sweep_folder;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    if (entry.path().extension() == ".png") return PathKind::images_folder;
  }
  return PathKind::folder;
}

bool is_trace(const std::string& path) {
  try {
    (void)TraceReader(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

PathKind kind_of_hdf5(const std::string& path) {
  try {
    switch (CaptureReader(path).record().kind) {
      case FileKind::capture:
        return PathKind::capture;
      case FileKind::run:
        return PathKind::run;
      case FileKind::analysis:
        return PathKind::analysis;
    }
  } catch (const Error&) {
    return is_trace(path) ? PathKind::trace : PathKind::hdf5;
  }
  return PathKind::hdf5;
}

PathKind kind_of_json(const std::string& path) {
  try {
    const nlohmann::json json = read_json_file(path, "file");
    if (!json.is_object() || !json.contains("schema") || !json["schema"].is_string()) {
      return PathKind::json;
    }
    const std::string schema = json["schema"].get<std::string>();
    if (schema.starts_with("kvscope.budget/")) return PathKind::budget;
    if (schema.starts_with("kvscope.sweep/")) return PathKind::sweep_results;
    if (schema.starts_with("kvscope.plan/")) return PathKind::plan;
    if (schema.starts_with("kvscope.scores/")) return PathKind::scores;
    if (schema.starts_with("kvscope.forced/")) return PathKind::forced_agreement;
  } catch (const Error&) {
    return PathKind::json;
  }
  return PathKind::json;
}

// https://github.com/huggingface/safetensors#format: length of the header, then the header.
bool is_safetensors(std::string_view start) {
  constexpr std::uint64_t largest_header = 100'000'000;
  std::uint64_t header_bytes = 0;
  if (start.size() < 9 || start[8] != '{') return false;
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(&header_bytes, start.data(), sizeof header_bytes);
  return header_bytes <= largest_header;
}

bool is_text(std::string_view start) {
  return std::ranges::none_of(start, [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20 && letter != '\n' && letter != '\r' && letter != '\t' && letter != '\f';
  });
}

PathKind kind_of_file(const std::string& path) {
  std::string start(4096, '\0');
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return PathKind::other;
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(stream.gcount()));
  if (start.empty()) return PathKind::empty;
  if (start.starts_with("\x89HDF\r\n\x1a\n")) return kind_of_hdf5(path);
  if (start.starts_with("\x89PNG\r\n\x1a\n")) return PathKind::png;
  if (start.starts_with("PK\x03\x04")) return PathKind::zip;
  if (is_safetensors(start)) return PathKind::safetensors;
  if (start.starts_with("version https://git-lfs")) return PathKind::git_lfs_pointer;
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return PathKind::text;
  if (start[first] == '{' || start[first] == '[') return kind_of_json(path);
  if (start[first] == '<') return PathKind::html;
  return is_text(start) ? PathKind::text : PathKind::other;
}

bool is_size(const std::string& name) {
  const std::vector<std::string> sizes = model_config_names();
  return std::ranges::find(sizes, name) != sizes.end();
}

bool is_folder(PathKind kind) {
  return kind == PathKind::model_folder || kind == PathKind::scorer_folder;
}

// Kinds that the reader of such files can say more about.
PathKind unclear_form_of(PathKind kind) {
  switch (kind) {
    case PathKind::capture:
    case PathKind::run:
    case PathKind::analysis:
    case PathKind::trace:
      return PathKind::hdf5;
    case PathKind::budget:
    case PathKind::sweep_results:
    case PathKind::scores:
    case PathKind::forced_agreement:
      return PathKind::json;
    default:
      return kind;
  }
}

}  // namespace

PathKind kind_of(const std::string& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) return is_size(path) ? PathKind::model_size : PathKind::missing;
  if (fs::is_directory(status)) return kind_of_folder(path);
  // Reading a pipe would take from it what its reader needs.
  return fs::is_regular_file(status) ? kind_of_file(path) : PathKind::other;
}

std::string_view name_of(PathKind kind) {
  switch (kind) {
    case PathKind::missing:
      return "nothing there";
    case PathKind::model_size:
      return "the name of a model size";
    case PathKind::folder:
      return "a folder";
    case PathKind::model_folder:
      return "a model folder";
    case PathKind::scorer_folder:
      return "a scorer folder";
    case PathKind::images_folder:
      return "the images folder of a capture or run (give the .h5 file beside it)";
    case PathKind::sweep_folder:
      return "a sweep folder (give the results.json or a .h5 file in it)";
    case PathKind::hdf5:
      return "an HDF5 file that is no capture, run, analysis or trace";
    case PathKind::capture:
      return "a capture";
    case PathKind::run:
      return "a run";
    case PathKind::analysis:
      return "an analysis";
    case PathKind::trace:
      return "the trace of a capture or run";
    case PathKind::json:
      return "a JSON file";
    case PathKind::budget:
      return "a budget";
    case PathKind::sweep_results:
      return "the results of a sweep";
    case PathKind::plan:
      return "a plan explained in JSON (its key 'budget' is the budget; 'plan -o' writes it)";
    case PathKind::scores:
      return "a scores file";
    case PathKind::forced_agreement:
      return "a file of teacher-forced agreement";
    case PathKind::png:
      return "a PNG image";
    case PathKind::safetensors:
      return "a safetensors file";
    case PathKind::zip:
      return "a zip archive, as .npz files and PyTorch checkpoints are";
    case PathKind::git_lfs_pointer:
      return "a Git LFS pointer ('git lfs pull' brings the file)";
    case PathKind::html:
      return "an HTML or XML page";
    case PathKind::text:
      return "a text file";
    case PathKind::empty:
      return "an empty file";
    case PathKind::other:
      break;
  }
  return "something else";
}

void expect_kind(std::string_view command, const std::string& path, std::string_view wanted,
                 std::initializer_list<PathKind> kinds) {
  const PathKind kind = kind_of(path);
  const auto fits = [kind](PathKind allowed) {
    return kind == allowed || kind == unclear_form_of(allowed);
  };
  if (std::ranges::any_of(kinds, fits)) return;
  const bool reader_knows = kind == PathKind::missing || kind == PathKind::other;
  const bool wants_folder =
      std::ranges::all_of(kinds, [](PathKind allowed) { return is_folder(allowed); });
  if (reader_knows && !wants_folder) return;
  throw BadInput(command, path, wanted, name_of(kind));
}

void expect_budget(std::string_view command, const std::string& path) {
  expect_kind(command, path, "a budget (JSON from 'kvscope plan')", {PathKind::budget});
}

void expect_sweep_results(std::string_view command, const std::string& path) {
  expect_kind(command, path, "the results.json of 'kvscope sweep'", {PathKind::sweep_results});
}

void expect_scorer_folder(std::string_view command, const std::string& path) {
  expect_kind(command, path, "a scorer folder (scorer.json and weights.safetensors)",
              {PathKind::scorer_folder});
}

void expect_damage(std::string_view command, const std::string& path) {
  expect_kind(command, path, "the results.json of 'kvscope sweep --single-layers'",
              {PathKind::sweep_results});
}

}  // namespace kvscope::cli
