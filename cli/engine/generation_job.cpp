#include "cli/engine/generation_job.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/engine/losses.h"
#include "cli/engine/print_scores.h"
#include "collectors/session.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/base/units.h"
#include "core/base/version.h"
#include "core/budget/kv_bytes.h"
#include "core/capture/capture_reader.h"
#include "core/generate/device.h"
#include "core/generate/eager_generator.h"
#include "core/model/host_allocator.h"

namespace kvscope::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

at::ScalarType scalar_type(const std::string& dtype) {
  if (dtype == "fp16") return at::kHalf;
  if (dtype == "bf16") return at::kBFloat16;
  return at::kFloat;
}

RunRecord make_record(const GenerationSetup& setup, FileKind kind, const at::Device& device) {
  RunRecord record;
  record.kind = kind;
  record.capture_id = make_uuid();
  record.tool_version = tool_version();
  record.git_commit = git_commit();
  record.weights_sha256 = setup.model.weights_sha256;
  record.model = setup.model.config;
  record.settings = setup.settings;
  record.policy = setup.budget.policy;
  record.budget = setup.budget;
  record.torch_version = torch_version();
  record.device_name = device_name(device);
  record.cpu_name = cpu_name();
  record.start_time = utc_now();
  return record;
}

// The batches of a job; the index of a batch is its place in the whole, not in this process.
std::vector<BatchRequest> batches_of(const GenerationSetup& setup) {
  std::vector<BatchRequest> batches;
  const auto count = static_cast<std::int64_t>(setup.labels.size());
  const std::int64_t batch = setup.settings.batch;
  for (std::int64_t begin = 0; begin < count; begin += batch) {
    const std::int64_t end = std::min(begin + batch, count);
    BatchRequest request;
    request.first_sample = setup.settings.first_sample + begin;
    request.index = request.first_sample / batch;
    request.labels.assign(setup.labels.begin() + begin, setup.labels.begin() + end);
    batches.push_back(std::move(request));
  }
  return batches;
}

void warm_up(Generator& generator, const BatchRequest& request, int passes) {
  Progress progress("warm-up", passes, "passes");
  for (int pass = 0; pass < passes; ++pass) {
    generator.generate(request);
    progress.advance(1);
  }
}

// Kept indices in the order the file has them. Throws UsageError for one that does not exist.
template <typename Index>
void check_kept(const char* option, std::int64_t count, std::vector<Index>& kept) {
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  if (kept.empty() || (kept.front() >= 0 && kept.back() < count)) return;
  throw UsageError(fmt::format("{}: expected indices 0 to {}, got {}", option, count - 1,
                               kept.front() < 0 ? kept.front() : kept.back()));
}

KeptSubset resolve_kept(KeptSubset kept, const ModelConfig& model, std::int64_t samples) {
  check_kept("--keep-layers", model.depth, kept.layers);
  check_kept("--keep-heads", model.heads, kept.heads);
  check_kept("--keep-scales", model.schedule().scales(), kept.scales);
  check_kept("--keep-samples", samples, kept.samples);
  return kept;
}

// Null when no scores are asked for.
std::shared_ptr<const Scorer> load_scorer(const GenerationOptions& options, at::Device device) {
  if (!options.score) return nullptr;
  return std::make_shared<const Scorer>(options.scorer, device);
}

void check_can_score(const Scorer& scorer, const GenerationSetup& setup, const std::string& model) {
  scorer.check_knows(setup.model.config, model);
  const std::vector<std::int32_t> labels(setup.labels.begin(), setup.labels.end());
  scorer.check_labels(labels, model);
}

void print_summary(const GenerationOptions& options, const RunRecord& record, double job_seconds,
                   bool as_json) {
  const std::optional<Scores> scores = CaptureReader(options.output).scores();
  const RetentionPlan plan(record.budget);
  // The eager generator keeps K and V in the compute dtype.
  const auto element_bytes =
      static_cast<std::int64_t>(c10::elementSize(scalar_type(record.settings.dtype)));
  const std::int64_t batch = std::min<std::int64_t>(record.settings.batch, record.settings.samples);
  const KvShape shape{.heads = record.model.heads,
                      .head_dim = record.model.head_dim(),
                      .rows = 2 * batch,
                      .key_element_bytes = element_bytes,
                      .value_element_bytes = element_bytes};
  const std::int64_t peak = logical_peak_bytes(plan, shape);
  if (as_json) {
    nlohmann::json json = {{"file", options.output},
                           {"capture_id", record.capture_id},
                           {"samples", record.settings.samples},
                           {"policy", record.policy},
                           {"job_seconds", job_seconds},
                           {"logical_peak_bytes", peak}};
    if (scores) json["scores"] = to_json(*scores);
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{}: {} images, {} cache, logical KV peak {} ({}, batch {}), {:.2f} s\n",
             options.output, record.settings.samples, record.policy, format_bytes(peak),
             record.settings.dtype, batch, job_seconds);
  if (scores) print_scores(*scores);
}

}  // namespace

int run_generation_job(const GenerationOptions& options, FileKind kind, const RunSettings& settings,
                       bool as_json) {
  // Before the weights, which can take minutes to load.
  CaptureSession::check_output(options.output, options.force);
  keep_freed_host_memory();
  // LibTorch would round fp32 convolutions to TF32 on a GPU; fp32 means fp32 here.
  at::globalContext().setAllowTF32CuDNN(false);
  if (options.threads > 0) at::set_num_threads(options.threads);
  const at::Device device = parse_device(options.device);
  const std::shared_ptr<const Scorer> scorer = load_scorer(options, device);
  GenerationSetup setup = resolve(options);
  if (scorer) check_can_score(*scorer, setup, options.model);
  setup.settings.threads = at::get_num_threads();
  setup.settings.store = settings.store;
  setup.settings.kv_dtype = settings.kv_dtype;
  setup.settings.keep = resolve_kept(settings.keep, setup.model.config, setup.settings.samples);
  setup.settings.compression = settings.compression;

  const RunRecord record = make_record(setup, kind, device);
  EagerGenerator generator(
      setup.model,
      {.device = device, .dtype = scalar_type(options.dtype), .sampling = setup.sampling},
      setup.budget);
  setup.model.weights.clear();
  CaptureSession session(options.output, record, device, options.force, scorer);

  const std::vector<BatchRequest> batches = batches_of(setup);
  warm_up(generator, batches.front(), options.warmup);
  session.attach(generator);
  const Clock::time_point start = Clock::now();
  Progress progress(std::string(name_of(kind)), setup.settings.samples, "samples");
  for (const BatchRequest& request : batches) {
    session.run_batch(request);
    progress.advance(static_cast<std::int64_t>(request.labels.size()));
  }
  session.finish();
  const double job_seconds = seconds_since(start);

  print_summary(options, record, job_seconds, as_json);
  return warn_of_losses(options.output) ? exit_code(ErrorKind::data_lost) : 0;
}

}  // namespace kvscope::cli
