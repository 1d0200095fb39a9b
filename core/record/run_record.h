#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/losses.h"
#include "core/base/random_mode.h"
#include "core/budget/budget.h"
#include "core/geometry/model_config.h"
#include "core/record/scores.h"

namespace kvscope {

/// Type of the raw K, V and Q in a file.
enum class KvDtype { fp16, fp32, bf16 };

std::string_view name_of(KvDtype dtype);
KvDtype parse_kv_dtype(std::string_view name);  ///< throws UsageError
std::int64_t element_bytes(KvDtype dtype);

/// What the file holds: `capture` has K/V or statistics, `run` only images, tokens, timings and
/// the ledger, `analysis` is a capture without /kv.
enum class FileKind { capture, run, analysis };

std::string_view name_of(FileKind kind);

/// How raw K and V were kept: everything, or statistics accumulated during the run.
enum class KvStore { none, raw, reduced };

std::string_view name_of(KvStore store);

/// Which part of the raw K and V is in the file, and whether Q is. Empty means all. Indices
/// ascending; samples are counted from the first one of the file here, and by their index in the
/// run in JSON.
struct KeptSubset {
  std::vector<int> layers;
  std::vector<int> heads;
  std::vector<int> scales;
  std::vector<std::int64_t> samples;
  bool queries = false;  ///< of the same layers, heads, scales and samples
  bool operator==(const KeptSubset&) const = default;
};

/// Everything the user chose, as written in the attribute `settings`.
struct RunSettings {
  std::uint64_t seed = 0;
  RandomMode rng = RandomMode::official;
  double cfg = 0;
  int top_k = 0;
  double top_p = 0;
  bool more_smooth = false;
  std::vector<std::int64_t> labels;  ///< drawn in turn; empty: every class
  std::int64_t samples = 0;
  std::int64_t first_sample = 0;
  int batch = 1;
  int warmup = 0;
  int repeat = 1;
  std::string device;  ///< "cpu" or "cuda:0"
  std::string dtype;   ///< compute: "fp32", "fp16", "bf16"
  int threads = 0;     ///< intra-op threads on the CPU
  KvStore store = KvStore::none;
  KvDtype kv_dtype = KvDtype::fp16;
  KeptSubset keep;
  std::vector<std::string>
      collectors;                      ///< names, sorted: latency compares only between equal lists
  std::string compression = "none";    ///< "none" or "deflate:N"
  std::optional<ScorerRecord> scorer;  ///< that judged the images during the run
  bool operator==(const RunSettings&) const = default;
};

/// "cpu" or "cuda".
std::string_view device_type(const RunSettings& settings);

/// What a sample's number stands for in the names of a file's PNGs and in settings.keep.samples:
/// its index in the run, or, in files of older versions, its position in the file.
enum class SampleNumbering { run, file };

nlohmann::json to_json(const RunSettings& settings);

/// Throws BadInput naming the field; `file` is only named in errors. `skipped` takes the names of
/// settings that this version does not know; without it they are refused. What is kept of K and V
/// is never read in part.
RunSettings parse_run_settings(std::string_view json, const std::string& file,
                               SampleNumbering numbering = SampleNumbering::run,
                               std::vector<std::string>* skipped = nullptr);

/// Who made a file, from what, how. The root attributes.
struct RunRecord {
  FileKind kind = FileKind::capture;
  std::string capture_id;               ///< UUID of the run; analysis and scores repeat it
  std::vector<std::string> source_ids;  ///< analysis of several captures: all their ids
  std::string tool_version;
  std::string git_commit;
  std::string weights_sha256;
  ModelConfig model;
  RunSettings settings;
  std::string policy;  ///< "vanilla" or the budget's policy
  Budget budget;       ///< the vanilla budget when none was given
  std::string torch_version;
  std::string device_name;
  std::string cpu_name;
  std::string start_time;  ///< ISO 8601, UTC
  SampleNumbering numbering =
      SampleNumbering::run;  ///< as read; a writer always numbers by the run
};

/// Level of settings.compression, 0 for "none". Throws UsageError for anything else but "deflate:1"
/// to "deflate:9".
int deflate_level(std::string_view compression);

/// A fresh random UUID, version 4.
std::string make_uuid();

/// Now, as ISO 8601 in UTC.
std::string utc_now();

}  // namespace kvscope
