#include "analysis/metrics/analyze.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "analysis/metrics/raw_similarity.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/capture/capture_reader.h"
#include "core/capture/capture_writer.h"

namespace kvscope {
namespace {

void check_has_statistics(const CaptureReader& reader) {
  const std::size_t batches = reader.layout().has_statistics() ? reader.batch_samples().size() : 0;
  if (reader.record().kind == FileKind::run || batches == 0)
    throw BadInput("analyze", reader.path(), "a capture with K/V or statistics",
                   fmt::format("a {} file with {} batches of statistics",
                               name_of(reader.record().kind), batches));
  if (reader.has_raw_kv()) {
    const auto kept = static_cast<std::int64_t>(reader.raw_samples().size());
    if (kept != reader.committed_samples())
      throw BadInput("analyze", reader.path() + ": /kv",
                     fmt::format("raw K/V of all {} samples", reader.committed_samples()),
                     fmt::format("{} of them (kept by --keep-samples)", kept));
  } else if (!reader.layout().similarity) {
    throw BadInput("analyze", reader.path(), "raw K/V or similarity sums", "neither");
  }
}

/// With --force too: a capture cannot be made again from its analysis.
void check_is_no_input(const std::string& output, const std::string& input) {
  std::error_code missing;
  if (std::filesystem::equivalent(output, input, missing))
    throw UsageError(fmt::format("{}: expected another file than the inputs", output));
}

/// Statistics of both must mean the same thing: same weights, cache and way of sampling.
void check_same_experiment(const CaptureReader& first, const CaptureReader& other) {
  const RunRecord& a = first.record();
  const RunRecord& b = other.record();
  const auto require = [&](bool equal, const char* what) {
    if (!equal)
      throw BadInput("analyze", other.path(), fmt::format("the {} of {}", what, first.path()),
                     "another");
  };
  require(a.model == b.model, "model");
  require(a.weights_sha256 == b.weights_sha256, "weights");
  require(a.budget == b.budget, "budget");
  require(a.settings.dtype == b.settings.dtype, "dtype");
  const KeptSubset& kept = a.settings.keep;
  const KeptSubset& other_kept = b.settings.keep;
  require(kept.layers == other_kept.layers && kept.heads == other_kept.heads &&
              kept.scales == other_kept.scales,
          "kept layers, heads and scales");
  require(a.settings.cfg == b.settings.cfg, "guidance (cfg)");
  require(a.settings.top_k == b.settings.top_k && a.settings.top_p == b.settings.top_p &&
              a.settings.more_smooth == b.settings.more_smooth,
          "sampling (top-k, top-p, more-smooth)");
  require(first.layout().mass == other.layout().mass, "kind of statistics (attention mass)");
}

/// A sample given twice counts as two: the intervals over samples would be too narrow. An analysis
/// does not say which samples it was made from.
void check_other_draws(const CaptureReader& earlier, const CaptureReader& later) {
  const RunSettings& a = earlier.record().settings;
  const RunSettings& b = later.record().settings;
  const bool alike = a.seed == b.seed && a.rng == b.rng &&
                     (a.rng == RandomMode::per_sample || a.batch == b.batch) &&
                     earlier.record().source_ids.empty() && later.record().source_ids.empty();
  const std::int64_t begin = std::max(a.first_sample, b.first_sample);
  const std::int64_t end = std::min(a.first_sample + earlier.committed_samples(),
                                    b.first_sample + later.committed_samples());
  if (!alike || begin >= end) return;
  const std::vector<std::int32_t> left = earlier.labels();
  const std::vector<std::int32_t> right = later.labels();
  if (!std::equal(left.begin() + (begin - a.first_sample), left.begin() + (end - a.first_sample),
                  right.begin() + (begin - b.first_sample))) {
    return;
  }
  throw BadInput(
      "analyze", later.path(),
      fmt::format("other samples than {} has (--seed or --first-sample)", earlier.path()),
      fmt::format("samples {} to {} of seed {} again", begin, end - 1, b.seed));
}

std::vector<std::string> ids_of(const RunRecord& record) {
  return record.source_ids.empty() ? std::vector{record.capture_id} : record.source_ids;
}

RunRecord merged_record(const std::vector<CaptureReader>& sources) {
  RunRecord record = sources.front().record();
  record.kind = FileKind::analysis;
  record.source_ids.clear();
  record.settings.samples = 0;
  record.settings.scorer.reset();  // the scores stay with the capture
  for (const CaptureReader& source : sources) {
    record.settings.samples += source.committed_samples();
    for (const std::string& id : ids_of(source.record())) {
      if (std::find(record.source_ids.begin(), record.source_ids.end(), id) !=
          record.source_ids.end())
        throw BadInput("analyze", source.path(), "every capture once",
                       fmt::format("capture {} a second time", id));
      record.source_ids.push_back(id);
    }
  }
  return record;
}

FileLayout merged_layout(const std::vector<CaptureReader>& sources) {
  const CaptureReader& first = sources.front();
  FileLayout layout;
  layout.similarity = true;
  layout.mass = first.layout().mass;
  // Repeats are an axis of the file: inputs with different numbers of them have no common table.
  layout.timing = std::all_of(sources.begin(), sources.end(), [&](const CaptureReader& source) {
    return source.layout().timing &&
           source.record().settings.repeat == first.record().settings.repeat;
  });
  layout.preview_size = first.layout().preview_size;
  for (const CaptureReader& source : sources)
    layout.batches += static_cast<std::int64_t>(source.batch_samples().size());
  return layout;
}

/// The batch with the statistics that it has, or that its raw K and V give. `first_sample` is its
/// position in the file.
BatchRecord analyzed_batch(const CaptureReader& source, std::int64_t index,
                           std::int64_t first_sample, int threads) {
  BatchRecord batch = source.batch(index);
  if (!source.layout().raw) return batch;
  NdArray<double> mass_sum = std::move(batch.statistics->mass_sum);
  batch.statistics = similarity_of_raw(source, first_sample, batch.statistics->samples, threads);
  batch.statistics->mass_sum = std::move(mass_sum);
  return batch;
}

}  // namespace

void analyze(const std::vector<std::string>& inputs, const std::string& output,
             const AnalyzeOptions& options) {
  std::vector<CaptureReader> sources;
  for (const std::string& path : inputs) {
    check_is_no_input(output, path);
    sources.emplace_back(path);
    check_has_statistics(sources.back());
    check_same_experiment(sources.front(), sources.back());
  }
  const RunRecord record = merged_record(sources);
  for (std::size_t later = 1; later < sources.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      check_other_draws(sources[earlier], sources[later]);
    }
  }
  const FileLayout layout = merged_layout(sources);
  CaptureWriter writer(output, record, layout, options.force);
  Progress progress("analyze", record.settings.samples, "samples");
  for (const CaptureReader& source : sources) {
    std::int64_t first = 0;
    for (std::size_t index = 0; index < source.batch_samples().size(); ++index) {
      BatchRecord batch =
          analyzed_batch(source, static_cast<std::int64_t>(index), first, options.threads);
      if (index == 0) batch.quality = source.quality();
      if (!layout.timing) batch.timing.reset();
      writer.commit(batch);
      first += source.batch_samples()[index];
      progress.advance(source.batch_samples()[index]);
    }
  }
  writer.finish();
}

}  // namespace kvscope
