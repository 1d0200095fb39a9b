#include "cli/engine/forced_job.h"

#include <memory>

#include "analysis/quality/teacher_forcing.h"
#include "cli/common/path_kind.h"
#include "cli/engine/generation_job.h"
#include "cli/engine/generation_options.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/progress.h"
#include "core/budget/budget_doubts.h"
#include "core/capture/capture_reader.h"
#include "core/generate/make_generator.h"

namespace kvscope::cli {
namespace {

/// What is held against the vanilla cache: a budget of a file, or of a run.
struct Candidate {
  Budget budget;
  std::string capture_id;  ///< empty for a budget file
};

Candidate candidate_of(const std::string& file) {
  expect_kind("score", file, "a budget, or a run or capture under one",
              {PathKind::budget, PathKind::run, PathKind::capture});
  const PathKind kind = kind_of(file);
  if (kind == PathKind::budget || kind == PathKind::json) return {load_budget(file), ""};
  const CaptureReader run(file);
  return {run.record().budget, run.record().capture_id};
}

}  // namespace

ForcedAgreement run_forced_job(const ForcedJobOptions& options) {
  const Candidate candidate = candidate_of(options.file);
  expect_kind("score", options.vanilla, "a run or capture of the vanilla cache",
              {PathKind::run, PathKind::capture});
  const CaptureReader vanilla(options.vanilla);
  const RunSettings& settings = vanilla.record().settings;
  const std::int64_t samples = options.samples.value_or(vanilla.committed_samples());
  check_forced_run(vanilla, samples);
  for (const std::string& doubt : doubts_of(candidate.budget)) {
    log().warn("{}: {}", options.file, doubt);
  }
  const at::Device device = prepare_device(options.device, 0);
  const LoadedModel model = load_model(options.model, options.random_weights);
  check_forced_model(vanilla, model.config, model.weights_sha256);
  check_budget_fits(candidate.budget, model.config, options.file);

  const std::unique_ptr<Generator> generator = make_generator(
      model, {.device = device, .dtype = settings.dtype, .sampling = {.cfg = settings.cfg}},
      candidate.budget);
  Progress progress("teacher forcing", samples, "samples");
  ForcedAgreement agreement = teacher_forced_agreement(
      *generator, vanilla, candidate.budget,
      {.samples = samples, .batch = options.batch.value_or(settings.batch)},
      [&](std::int64_t done) { progress.advance(done); });
  agreement.capture_id = candidate.capture_id;
  agreement.dtype = settings.dtype;
  agreement.device = device.str();
  return agreement;
}

}  // namespace kvscope::cli
