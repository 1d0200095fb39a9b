#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "analysis/quality/scorer.h"
#include "cli/engine/generation_options.h"
#include "collectors/session.h"
#include "core/budget/kv_bytes.h"
#include "core/capture/capture_reader.h"
#include "core/generate/make_generator.h"
#include "core/record/forced_agreement.h"
#include "core/record/run_record.h"

namespace kvscope::cli {

/// Before anything runs: `threads` where above 0, and operators that compute what they say. Throws
/// UsageError as parse_device does.
at::Device prepare_device(const std::string& device, int threads);

/// A model on its device that draws the same samples under one budget after another.
class GenerationJob {
 public:
  /// Loads the model, and the scorer when scores are asked for. `settings` adds the command's own
  /// choices (store, K/V dtype, subset, compression). Throws UsageError or BadInput.
  GenerationJob(const GenerationOptions& options, FileKind kind, const RunSettings& settings,
                const MakeGenerator& make = make_generator);

  /// What the file of a run under the options' own budget says, but for id and start.
  const RunRecord& record() const { return record_; }
  /// What a batch of the job is counted in.
  KvShape shape() const;

  /// Untimed passes over the first batch under the options' own budget, and before each one under
  /// the vanilla cache where that runs too. Nothing collects them.
  void warm_up(int passes, bool vanilla_too);

  using OnSamples = std::function<void(std::int64_t samples)>;

  /// Generates every batch through a CaptureSession into `path` and tells `on_samples` of each.
  /// Returns what the file says.
  RunRecord run(const Budget& budget, const std::string& path, bool force,
                const OnSamples& on_samples);

  /// Generates every batch twice, under the options' own budget into `path` and under the vanilla
  /// cache into `vanilla_path`, in turn: the order changes with every batch, so that what else the
  /// machine does falls on both. Returns what the first file says.
  RunRecord run_in_turn(const std::string& path, const std::string& vanilla_path, bool force,
                        const OnSamples& on_samples);

  /// Goes on with the unfinished file of `path`, a run under the options' own budget; tells
  /// `on_samples` of what it adds. Throws BadInput naming the first setting in which it is
  /// not this job's.
  RunRecord resume(const std::string& path, const OnSamples& on_samples);

  /// Throws BadInput unless the file `path` is one of this job under its own budget.
  void check_is_of_job(const std::string& path) const;
  /// Holds `budget` against the vanilla cache on the tokens of the first `samples` of `vanilla`, a
  /// run of this job.
  ForcedAgreement force(const Budget& budget, const CaptureReader& vanilla, std::int64_t samples,
                        const OnSamples& on_samples);

 private:
  RunRecord record_of(const Budget& budget) const;
  RunRecord generate(CaptureSession& session, const OnSamples& on_samples);

  GenerationJob(const GenerationOptions& options, FileKind kind, const RunSettings& settings,
                at::Device device, const GenerationSetup& setup, const MakeGenerator& make);

  at::Device device_;
  std::shared_ptr<const Scorer> scorer_;  // null when no scores are asked for
  RunRecord record_;
  std::vector<BatchRequest> batches_;
  std::unique_ptr<Generator> generator_;
};

/// One job with one run into options.output under options.budget; prints a summary. Returns the
/// exit code: 5 when the file is complete but data was lost.
int run_generation_job(const GenerationOptions& options, FileKind kind, const RunSettings& settings,
                       bool as_json);

}  // namespace kvscope::cli
