#include "analysis/metrics/analyze.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "analysis/metrics/raw_similarity.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/losses.h"
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
  } else if (!reader.layout().has(Part::similarity)) {
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
  require(device_type(a.settings) == device_type(b.settings), "device");
  require(a.settings.rng == b.settings.rng, "random generator (rng)");
  const KeptSubset& kept = a.settings.keep;
  const KeptSubset& other_kept = b.settings.keep;
  require(kept.layers == other_kept.layers && kept.heads == other_kept.heads &&
              kept.scales == other_kept.scales,
          "kept layers, heads and scales");
  require(a.settings.cfg == b.settings.cfg, "guidance (cfg)");
  require(a.settings.top_k == b.settings.top_k && a.settings.top_p == b.settings.top_p &&
              a.settings.more_smooth == b.settings.more_smooth,
          "sampling (top-k, top-p, more-smooth)");
  require(first.layout().has(Part::mass) == other.layout().has(Part::mass),
          "kind of statistics (attention mass)");
}

/// What makes samples equal, of one experiment: a generator's seed and the labels it drew for,
/// those of the whole batch where one generator serves it.
using Draw = std::pair<std::uint64_t, std::vector<std::int32_t>>;

std::vector<Draw> draws_of(const CaptureReader& source) {
  const bool one_generator = source.record().settings.rng == RandomMode::official;
  const std::vector<std::uint64_t> seeds = source.seeds();
  const std::vector<std::int32_t> labels = source.labels();
  std::vector<Draw> draws;
  std::size_t first = 0;
  for (const std::int64_t samples : source.batch_samples()) {
    const std::size_t end = first + static_cast<std::size_t>(samples);
    const std::size_t step = one_generator ? end - first : 1;
    for (; first < end; first += step) {
      const auto begin = labels.begin() + static_cast<std::ptrdiff_t>(first);
      draws.emplace_back(seeds[first],
                         std::vector(begin, begin + static_cast<std::ptrdiff_t>(step)));
    }
  }
  return draws;
}

/// A sample given twice counts as two: the intervals over samples would be too narrow.
void check_draws_differ(const std::vector<CaptureReader>& sources) {
  std::map<Draw, const CaptureReader*> drawn;
  for (const CaptureReader& source : sources) {
    for (Draw& draw : draws_of(source)) {
      const auto [earlier, is_new] = drawn.emplace(std::move(draw), &source);
      if (!is_new && earlier->second != &source)
        throw BadInput("analyze", source.path(),
                       fmt::format("other samples than {} has (--seed or --first-sample)",
                                   earlier->second->path()),
                       "samples of the same seeds and labels");
    }
  }
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

/// The analysis has the counters of this version; those of a newer one must not vanish unsaid.
void warn_of_unknown_losses(const CaptureReader& source) {
  const std::vector<Loss> losses = source.all_losses();
  for (std::size_t i = loss_counter_count; i < losses.size(); ++i) {
    if (losses[i].count == 0) continue;
    log().warn("{}: {} {}: a newer kvscope counted this, and the analysis leaves it out",
               source.path(), losses[i].count, losses[i].name);
  }
}

/// Shards come in any order, as a shell lists them; the whole has that of its samples.
void sort_by_samples(std::vector<CaptureReader>& sources) {
  std::vector<std::pair<std::int64_t, CaptureReader>> by_first;
  for (CaptureReader& source : sources) {
    const std::int64_t first = source.samples().front();
    by_first.emplace_back(first, std::move(source));
  }
  std::stable_sort(by_first.begin(), by_first.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  sources.clear();
  for (auto& [first, source] : by_first) sources.push_back(std::move(source));
}

FileLayout merged_layout(const std::vector<CaptureReader>& sources) {
  const CaptureReader& first = sources.front();
  FileLayout layout;
  layout.parts = {Part::similarity};
  if (first.layout().has(Part::mass)) layout.parts.insert(Part::mass);
  // Repeats are an axis of the file: inputs with different numbers of them have no common table.
  if (std::all_of(sources.begin(), sources.end(), [&](const CaptureReader& source) {
        return source.layout().has(Part::timing) &&
               source.record().settings.repeat == first.record().settings.repeat;
      })) {
    layout.parts.insert(Part::timing);
  }
  layout.preview_size = first.layout().preview_size;
  if (std::all_of(sources.begin(), sources.end(), [](const CaptureReader& source) {
        return source.layout().has(Part::image_check);
      })) {
    layout.parts.insert(Part::image_check);
  }
  for (const CaptureReader& source : sources) {
    layout.batches += static_cast<std::int64_t>(source.batch_samples().size());
    const std::vector<std::int64_t> samples = source.samples();
    layout.samples.insert(layout.samples.end(), samples.begin(), samples.end());
  }
  return layout;
}

/// The batch for a file of that layout, with the statistics that it has, or that its raw K and V
/// give. `first_sample` is its position in the file.
BatchRecord analyzed_batch(const CaptureReader& source, const FileLayout& layout,
                           std::int64_t index, std::int64_t first_sample, int threads) {
  BatchRecord batch = source.batch(index, layout);
  if (!source.layout().has(Part::raw)) return batch;
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
    warn_of_unknown_losses(sources.back());
  }
  sort_by_samples(sources);
  const RunRecord record = merged_record(sources);
  check_draws_differ(sources);
  const FileLayout layout = merged_layout(sources);
  CaptureWriter writer(output, record, layout, options.force);
  Progress progress("analyze", record.settings.samples, "samples");
  for (const CaptureReader& source : sources) {
    std::int64_t first = 0;
    for (std::size_t index = 0; index < source.batch_samples().size(); ++index) {
      BatchRecord batch =
          analyzed_batch(source, layout, static_cast<std::int64_t>(index), first, options.threads);
      if (index == 0) batch.losses = source.losses();
      writer.commit(batch);
      first += source.batch_samples()[index];
      progress.advance(source.batch_samples()[index]);
    }
  }
  writer.finish();
}

}  // namespace kvscope
