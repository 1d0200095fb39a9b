#include "core/record/run_record.h"

#include <array>
#include <chrono>
#include <ctime>
#include <limits>
#include <random>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

constexpr std::array<std::string_view, 3> kv_dtype_names = {"fp16", "fp32", "bf16"};
constexpr std::array<std::string_view, 3> file_kind_names = {"capture", "run", "analysis"};
constexpr std::array<std::string_view, 3> kv_store_names = {"none", "raw", "reduced"};

// Position of the text of `key` in `names`.
template <std::size_t count>
std::size_t choice(JsonFields& fields, std::string_view key,
                   const std::array<std::string_view, count>& names) {
  const std::string text = fields.text(key);
  for (std::size_t i = 0; i < count; ++i) {
    if (text == names[i]) return i;
  }
  fields.fail(key, fmt::format("one of {}", fmt::join(names, ", ")), text);
}

int small(JsonFields& fields, std::string_view key, int smallest) {
  const std::int64_t value = fields.integer(key, smallest);
  if (value > std::numeric_limits<int>::max()) {
    fields.fail(key, "below 2^31", fmt::to_string(value));
  }
  return static_cast<int>(value);
}

RandomMode random_mode(JsonFields& fields) {
  const std::string text = fields.text("rng");
  try {
    return parse_random_mode(text);
  } catch (const UsageError&) {
    fields.fail("rng", "official or per-sample", text);
  }
}

// `first_sample` is what the numbers of samples are counted from.
KeptSubset parse_kept(JsonFields fields, std::int64_t first_sample) {
  KeptSubset keep;
  keep.layers = fields.integers("layers", 0);
  keep.heads = fields.integers("heads", 0);
  keep.scales = fields.integers("scales", 0);
  for (const nlohmann::json& sample : fields.array("samples")) {
    if (!sample.is_number_integer()) fields.fail("samples", "whole numbers", brief(sample));
    keep.samples.push_back(sample.get<std::int64_t>() - first_sample);
  }
  if (fields.has("queries")) keep.queries = fields.boolean("queries");
  fields.refuse_unknown();
  return keep;
}

}  // namespace

std::string_view name_of(KvDtype dtype) { return kv_dtype_names[static_cast<std::size_t>(dtype)]; }

KvDtype parse_kv_dtype(std::string_view name) {
  for (const KvDtype dtype : {KvDtype::fp16, KvDtype::fp32, KvDtype::bf16}) {
    if (name == name_of(dtype)) return dtype;
  }
  throw UsageError(fmt::format("--kv-dtype: expected fp16, fp32 or bf16, got '{}'", name));
}

std::int64_t element_bytes(KvDtype dtype) { return dtype == KvDtype::fp32 ? 4 : 2; }

std::string_view name_of(FileKind kind) { return file_kind_names[static_cast<std::size_t>(kind)]; }

std::string_view name_of(KvStore store) { return kv_store_names[static_cast<std::size_t>(store)]; }

std::string_view device_type(const RunSettings& settings) {
  return std::string_view(settings.device).substr(0, settings.device.find(':'));
}

nlohmann::json to_json(const RunSettings& settings) {
  std::vector<std::int64_t> kept_samples = settings.keep.samples;
  for (std::int64_t& sample : kept_samples) sample += settings.first_sample;
  nlohmann::json json = {{"seed", settings.seed},
                         {"rng", name_of(settings.rng)},
                         {"cfg", settings.cfg},
                         {"top_k", settings.top_k},
                         {"top_p", settings.top_p},
                         {"more_smooth", settings.more_smooth},
                         {"samples", settings.samples},
                         {"first_sample", settings.first_sample},
                         {"batch", settings.batch},
                         {"warmup", settings.warmup},
                         {"repeat", settings.repeat},
                         {"device", settings.device},
                         {"dtype", settings.dtype},
                         {"threads", settings.threads},
                         {"store", name_of(settings.store)},
                         {"kv_dtype", name_of(settings.kv_dtype)},
                         {"keep",
                          {{"layers", settings.keep.layers},
                           {"heads", settings.keep.heads},
                           {"scales", settings.keep.scales},
                           {"samples", kept_samples}}},
                         {"collectors", settings.collectors},
                         {"compression", settings.compression}};
  // Only where true, so that settings of earlier versions stay equal.
  if (settings.keep.queries) json["keep"]["queries"] = true;
  if (!settings.labels.empty()) json["labels"] = settings.labels;
  if (settings.scorer) json["scorer"] = to_json(*settings.scorer);
  return json;
}

RunSettings parse_run_settings(std::string_view json, const std::string& file,
                               SampleNumbering numbering, std::vector<std::string>* skipped) {
  const nlohmann::json parsed = parse_json(json, "settings", file);
  JsonFields fields(parsed, "settings", file);
  RunSettings settings;
  settings.seed = fields.unsigned_integer("seed");
  settings.rng = random_mode(fields);
  settings.cfg = fields.number("cfg");
  settings.top_k = small(fields, "top_k", 0);
  settings.top_p = fields.number("top_p");
  settings.more_smooth = fields.boolean("more_smooth");
  if (fields.has("labels")) {
    const std::vector<int> labels = fields.integers("labels", 0);
    settings.labels.assign(labels.begin(), labels.end());
  }
  settings.samples = fields.integer("samples", 0);
  settings.first_sample = fields.integer("first_sample", 0);
  settings.batch = small(fields, "batch", 1);
  settings.warmup = small(fields, "warmup", 0);
  settings.repeat = small(fields, "repeat", 1);
  settings.device = fields.text("device");
  settings.dtype = fields.text("dtype");
  settings.threads = small(fields, "threads", 0);
  settings.store = static_cast<KvStore>(choice(fields, "store", kv_store_names));
  settings.kv_dtype = static_cast<KvDtype>(choice(fields, "kv_dtype", kv_dtype_names));
  settings.keep = parse_kept(fields.object("keep"),
                             numbering == SampleNumbering::run ? settings.first_sample : 0);
  settings.collectors = fields.texts("collectors");
  settings.compression = fields.text("compression");
  if (fields.has("scorer")) settings.scorer = parse_scorer_record(fields.object("scorer"));
  if (skipped == nullptr) {
    fields.refuse_unknown();
  } else {
    *skipped = fields.unknown();
  }
  return settings;
}

int deflate_level(std::string_view compression) {
  constexpr std::string_view prefix = "deflate:";
  if (compression == "none") return 0;
  if (compression.starts_with(prefix) && compression.size() == prefix.size() + 1) {
    const char digit = compression.back();
    if (digit >= '1' && digit <= '9') return digit - '0';
  }
  throw UsageError(
      fmt::format("--compression: expected none or deflate:1 to deflate:9, got '{}'", compression));
}

std::string make_uuid() {
  std::random_device entropy;
  std::array<std::uint32_t, 4> words{};
  for (std::uint32_t& word : words) word = entropy();
  words[1] = (words[1] & 0xFFFF0FFFU) | 0x00004000U;  // version 4 (RFC 4122)
  words[2] = (words[2] & 0x3FFFFFFFU) | 0x80000000U;  // variant
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", words[0], words[1] >> 16,
                     words[1] & 0xFFFFU, words[2] >> 16, words[2] & 0xFFFFU, words[3]);
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace kvscope
