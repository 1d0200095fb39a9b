#include "cli/engine/generation_job.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/quality/teacher_forcing.h"
#include "cli/engine/losses.h"
#include "cli/engine/print_scores.h"
#include "collectors/session.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/log.h"
#include "core/base/output_file.h"
#include "core/base/progress.h"
#include "core/base/terminal.h"
#include "core/base/text_wrap.h"
#include "core/base/units.h"
#include "core/base/version.h"
#include "core/budget/budget_doubts.h"
#include "core/budget/kv_bytes.h"
#include "core/capture/capture_images.h"
#include "core/capture/capture_reader.h"
#include "core/generate/device.h"
#include "core/model/host_allocator.h"
#include "core/record/same_job.h"

namespace kvscope::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Kept indices in the order the file has them. Throws UsageError for the first that does not exist.
template <typename Index>
void check_kept(const char* option, const char* indices, std::int64_t first, std::int64_t count,
                std::vector<Index>& kept) {
  for (const Index index : kept) {
    if (index >= first && index < first + count) continue;
    throw UsageError(fmt::format("{}: expected {} {} to {}, got {}", option, indices, first,
                                 first + count - 1, index));
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
}

// `kept.samples` counts from the file's first sample, the option as the run does.
KeptSubset resolve_kept(KeptSubset kept, const ModelConfig& model, const RunSettings& settings) {
  check_kept("--keep-layers", "indices", 0, model.depth, kept.layers);
  check_kept("--keep-heads", "indices", 0, model.heads, kept.heads);
  check_kept("--keep-scales", "indices", 0, model.schedule().scales(), kept.scales);
  check_kept("--keep-samples", "samples", settings.first_sample, settings.samples, kept.samples);
  for (std::int64_t& sample : kept.samples) sample -= settings.first_sample;
  return kept;
}

// Throws UsageError for a kept index that does not exist; see resolve_kept.
RunRecord make_record(const GenerationSetup& setup, FileKind kind, const RunSettings& command,
                      at::Device device) {
  RunRecord record;
  record.kind = kind;
  record.tool_version = tool_version();
  record.git_commit = git_commit();
  record.weights_sha256 = setup.model.weights_sha256;
  record.model = setup.model.config;
  record.policy = setup.budget.policy;
  record.budget = setup.budget;
  record.settings = setup.settings;
  record.settings.threads = at::get_num_threads();
  record.settings.store = command.store;
  record.settings.kv_dtype = command.kv_dtype;
  record.settings.keep = resolve_kept(command.keep, record.model, record.settings);
  record.settings.compression = command.compression;
  record.torch_version = torch_version();
  record.device_name = device_name(device);
  record.cpu_name = cpu_name();
  return record;
}

// The batches of a job; the index of a batch is its place in the whole, not in this process.
std::vector<BatchRequest> batches_of(const RunSettings& settings,
                                     const std::vector<std::int64_t>& labels) {
  std::vector<BatchRequest> batches;
  const auto count = static_cast<std::int64_t>(labels.size());
  const std::int64_t batch = settings.batch;
  for (std::int64_t begin = 0; begin < count; begin += batch) {
    const std::int64_t end = std::min(begin + batch, count);
    BatchRequest request;
    request.first_sample = settings.first_sample + begin;
    request.index = request.first_sample / batch;
    request.labels.assign(labels.begin() + begin, labels.begin() + end);
    batches.push_back(std::move(request));
  }
  return batches;
}

// Null when no scores are asked for.
std::shared_ptr<const Scorer> load_scorer(const GenerationOptions& options,
                                          const GenerationSetup& setup, at::Device device) {
  if (!options.score) return nullptr;
  auto scorer = std::make_shared<const Scorer>(options.scorer, device);
  scorer->check_knows(setup.model.config, options.model);
  scorer->check_labels(std::vector<std::int32_t>(setup.labels.begin(), setup.labels.end()),
                       "--labels");
  return scorer;
}

void print_summary(const std::string& path, const RunRecord& record, const KvShape& shape,
                   double job_seconds, double setup_seconds, bool as_json) {
  const std::optional<Scores> scores = CaptureReader(path).scores();
  const std::int64_t peak = logical_peak_bytes(RetentionPlan(record.budget), shape);
  const std::int64_t resident = resident_bytes(record.budget, shape);
  if (as_json) {
    nlohmann::json json = {{"file", path},
                           {"capture_id", record.capture_id},
                           {"samples", record.settings.samples},
                           {"policy", record.policy},
                           {"job_seconds", job_seconds},
                           {"setup_seconds", setup_seconds},
                           {"logical_peak_bytes", peak},
                           {"resident_peak_bytes", resident}};
    if (scores) json["scores"] = to_json(*scores);
    fmt::print("{}\n", json_text(json));
    return;
  }
  const std::string summary = fmt::format(
      "{}: {} images, {} cache, KV peak {} logical, {} resident ({}, batch {}), {:.2f} s after "
      "{:.2f} s of loading and warm-up",
      path, record.settings.samples, record.policy, format_bytes(peak), format_bytes(resident),
      record.settings.dtype, shape.samples(), job_seconds, setup_seconds);
  fmt::print("{}", wrap_text(summary, text_columns()));
  if (scores) print_scores(*scores);
}

// Runs the job's own budget, behind what an unfinished file holds with `resume`. Throws Interrupted
// that says what the partial file holds.
RunRecord run_alone(GenerationJob& job, const GenerationOptions& options, bool resume) {
  const RunSettings& settings = job.record().settings;
  Progress progress(std::string(name_of(job.record().kind)), settings.samples, "samples");
  try {
    const auto on_samples = [&](std::int64_t samples) { progress.advance(samples); };
    if (resume) {
      progress.skip(CaptureReader(unfinished_file(options.output)).committed_samples());
      return job.resume(options.output, on_samples);
    }
    if (!options.vanilla_output.empty()) {
      return job.run_in_turn(options.output, options.vanilla_output, options.force, on_samples);
    }
    return job.run(job.record().budget, options.output, options.force, on_samples);
  } catch (const Interrupted&) {
    const std::string partial = unfinished_file(options.output);
    if (!std::filesystem::exists(partial)) throw;
    const std::int64_t kept = CaptureReader(partial).committed_samples();
    const bool has_kv = job.record().kind == FileKind::capture;
    std::string rest = fmt::format("{} keeps {} of {} samples", partial, kept, settings.samples);
    if (kept > 0) {
      rest +=
          fmt::format("; 'kvscope info' and 'kvscope {}' open it", has_kv ? "analyze" : "compare");
    }
    if (options.vanilla_output.empty()) {
      rest += fmt::format("; the same 'kvscope {}' command with --resume goes on",
                          name_of(job.record().kind));
    }
    throw Interrupted(rest);
  }
}

void check_vanilla_output(const GenerationOptions& options) {
  if (link_target(options.vanilla_output) == link_target(options.output)) {
    throw UsageError(fmt::format("--vanilla: expected another file than --output, got {}",
                                 options.vanilla_output));
  }
  CaptureSession::check_output(options.vanilla_output, options.force);
}

// Whether `file`, finished or not, is there and of the job. Throws BadInput for one of another job,
// unless that may be replaced.
bool is_of_job(const GenerationJob& job, const std::string& file, bool force) {
  if (!std::filesystem::exists(file)) return false;
  try {
    job.check_is_of_job(file);
    return true;
  } catch (const BadInput&) {
    if (force) return false;
    throw;
  }
}

// Whether the file of the job is there, whole and with its images. Throws BadInput for another one,
// unless that may be replaced.
bool is_finished(const GenerationJob& job, const GenerationOptions& options) {
  if (!is_of_job(job, options.output, options.force)) return false;
  const CaptureReader file(options.output);
  if (!file.complete()) {
    if (options.force) return false;
    throw BadInput("resume", options.output, "a finished file",
                   fmt::format("an unfinished one (named {}, --resume goes on with it)",
                               unfinished_file(options.output)));
  }
  ImageFolder::publish_left_behind(link_target(options.output));
  const MissingImages missing = CaptureImages(file).missing();
  if (missing.any() && !options.force) throw Error(missing.why, ErrorKind::bad_input);
  if (!missing.any()) log().info("{}: finished already", options.output);
  return !missing.any();
}

}  // namespace

at::Device prepare_device(const std::string& device, int threads) {
  keep_freed_host_memory();
  // LibTorch would round fp32 convolutions to TF32 on a GPU; fp32 means fp32 here.
  at::globalContext().setAllowTF32CuDNN(false);
  if (threads > 0) at::set_num_threads(threads);
  return parse_device(device);
}

GenerationJob::GenerationJob(const GenerationOptions& options, FileKind kind,
                             const RunSettings& settings, const MakeGenerator& make)
    : GenerationJob(options, kind, settings, prepare_device(options.device, options.threads),
                    resolve(options), make) {}

GenerationJob::GenerationJob(const GenerationOptions& options, FileKind kind,
                             const RunSettings& settings, at::Device device,
                             const GenerationSetup& setup, const MakeGenerator& make)
    : device_(device),
      scorer_(load_scorer(options, setup, device)),
      record_(make_record(setup, kind, settings, device)),
      batches_(batches_of(setup.settings, setup.labels)),
      generator_(make(setup.model,
                      {.device = device, .dtype = options.dtype, .sampling = setup.sampling},
                      setup.budget)) {
  if (scorer_) record_.settings.scorer = scorer_->record();
}

KvShape GenerationJob::shape() const {
  const RunSettings& settings = record_.settings;
  return generator_->kv_shape(std::min<std::int64_t>(settings.batch, settings.samples));
}

void GenerationJob::warm_up(int passes, bool vanilla_too) {
  if (vanilla_too) generator_->keep_caches(2);
  Progress progress("warm-up", passes, "passes");
  for (int pass = 0; pass < passes; ++pass) {
    if (vanilla_too) {
      generator_->set_budget(vanilla_budget(record_.budget.model));
      generator_->generate(batches_.front());
      generator_->set_budget(record_.budget);
    }
    generator_->generate(batches_.front());
    progress.advance(1);
  }
}

RunRecord GenerationJob::record_of(const Budget& budget) const {
  RunRecord record = record_;
  record.capture_id = make_uuid();
  record.start_time = utc_now();
  record.policy = budget.policy;
  record.budget = budget;
  return record;
}

RunRecord GenerationJob::run(const Budget& budget, const std::string& path, bool force,
                             const OnSamples& on_samples) {
  generator_->set_budget(budget);
  CaptureSession session(path, record_of(budget), device_, force, scorer_);
  return generate(session, on_samples);
}

RunRecord GenerationJob::run_in_turn(const std::string& path, const std::string& vanilla_path,
                                     bool force, const OnSamples& on_samples) {
  generator_->keep_caches(2);
  CaptureSession vanilla(vanilla_path, record_of(vanilla_budget(record_.budget.model)), device_,
                         force, scorer_);
  CaptureSession own(path, record_of(record_.budget), device_, force, scorer_);
  std::array<CaptureSession*, 2> sessions = {&vanilla, &own};
  for (const BatchRequest& request : batches_) {
    for (CaptureSession* session : sessions) {
      generator_->set_budget(session->record().budget);
      session->attach(*generator_);
      session->run_batch(request);
    }
    std::swap(sessions[0], sessions[1]);
    on_samples(static_cast<std::int64_t>(request.labels.size()));
  }
  vanilla.finish();
  own.finish();
  return own.record();
}

void GenerationJob::check_is_of_job(const std::string& path) const {
  const CaptureReader file(path);
  if (const auto difference = different_job(file.record(), record_)) {
    throw BadInput("resume", path, fmt::format("{} {}", difference->field, difference->asked),
                   difference->given);
  }
}

RunRecord GenerationJob::resume(const std::string& path, const OnSamples& on_samples) {
  const std::string partial = unfinished_file(path);
  check_is_of_job(partial);
  RunRecord record = record_;
  {
    const CaptureReader file(partial);
    record.capture_id = file.record().capture_id;
    record.start_time = file.record().start_time;
    log().info("{}: goes on behind {} of {} samples", partial, file.committed_samples(),
               record.settings.samples);
  }
  generator_->set_budget(record.budget);
  CaptureSession session(path, std::move(record), device_, scorer_, CaptureWriter::Resume{});
  return generate(session, on_samples);
}

RunRecord GenerationJob::generate(CaptureSession& session, const OnSamples& on_samples) {
  session.attach(*generator_);
  for (auto index = static_cast<std::size_t>(session.resumed_batches()); index < batches_.size();
       ++index) {
    const BatchRequest& request = batches_[index];
    session.run_batch(request);
    on_samples(static_cast<std::int64_t>(request.labels.size()));
  }
  session.finish();
  return session.record();
}

ForcedAgreement GenerationJob::force(const Budget& budget, const CaptureReader& vanilla,
                                     std::int64_t samples, const OnSamples& on_samples) {
  const RunSettings& settings = record_.settings;
  check_forced_run(vanilla, samples);
  check_forced_model(vanilla, record_.model, record_.weights_sha256);
  ForcedAgreement agreement = teacher_forced_agreement(
      *generator_, vanilla, budget, {.samples = samples, .batch = settings.batch}, on_samples);
  agreement.dtype = settings.dtype;
  agreement.device = settings.device;
  return agreement;
}

int run_generation_job(const GenerationOptions& options, FileKind kind, const RunSettings& settings,
                       bool as_json) {
  const Clock::time_point begin = Clock::now();
  // Before the weights, which can take minutes to load.
  CaptureSession::check_output(options.output, options.force, options.resume);
  const bool in_turn = !options.vanilla_output.empty();
  if (in_turn) check_vanilla_output(options);
  GenerationJob job(options, kind, settings);
  if (const std::string doubt = memory_doubt(job.record().budget, job.shape()); !doubt.empty()) {
    log().warn("{}: {}", options.budget, doubt);
  }
  const bool resumes =
      options.resume && is_of_job(job, unfinished_file(options.output), options.force);
  const bool is_done = options.resume && !resumes && is_finished(job, options);
  // A cold batch in the middle of a file would stand among the timed ones.
  if (!is_done) job.warm_up(resumes ? std::max(options.warmup, 1) : options.warmup, in_turn);
  const Clock::time_point start = Clock::now();
  const double setup_seconds = std::chrono::duration<double>(start - begin).count();
  const RunRecord record =
      is_done ? CaptureReader(options.output).record() : run_alone(job, options, resumes);
  print_summary(options.output, record, job.shape(), seconds_since(start), setup_seconds, as_json);
  bool lost = warn_of_losses(options.output);
  if (in_turn) lost = warn_of_losses(options.vanilla_output) || lost;
  return lost ? exit_code(ErrorKind::data_lost) : 0;
}

}  // namespace kvscope::cli
