#include "analysis/metrics/analyze.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "analysis/metrics/raw_similarity.h"
#include "core/base/error.h"
#include "core/base/progress.h"
#include "core/capture/capture_reader.h"
#include "core/capture/capture_writer.h"

namespace kvscope {
namespace {

/// One input with what is copied from it.
struct Source {
  explicit Source(const std::string& path)
      : reader(path),
        batches(reader.batch_statistics()),
        token_ids(reader.token_ids()),
        labels(reader.labels()),
        seeds(reader.seeds()),
        previews(reader.previews()),
        ledger(reader.ledger()),
        memory(reader.memory()),
        quality(reader.quality()),
        timings(reader.timings()) {}

  CaptureReader reader;
  std::vector<BatchStatistics> batches;
  NdArray<std::int32_t> token_ids;
  std::vector<std::int32_t> labels;
  std::vector<std::uint64_t> seeds;
  NdArray<std::uint8_t> previews;
  LedgerRecord ledger;
  MemoryRecord memory;
  QualityCounts quality;
  std::optional<Timings> timings;

  std::int64_t repeats() const { return timings ? timings->batch_ns.shape[1] : 0; }
};

void check_has_statistics(const Source& source) {
  const CaptureReader& reader = source.reader;
  if (reader.record().kind == FileKind::run || source.batches.empty())
    throw BadInput("analyze", reader.path(), "a capture with K/V or statistics",
                   fmt::format("a {} file with {} batches of statistics",
                               name_of(reader.record().kind), source.batches.size()));
  if (reader.has_raw_kv()) {
    const auto kept = static_cast<std::int64_t>(reader.raw_samples().size());
    if (kept != reader.committed_samples())
      throw BadInput("analyze", reader.path() + ": /kv",
                     fmt::format("raw K/V of all {} samples", reader.committed_samples()),
                     fmt::format("{} of them (kept by --keep-samples)", kept));
  } else if (source.batches.front().similarity_sum.arrays[0].empty()) {
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
void check_same_experiment(const Source& first, const Source& other) {
  const RunRecord& a = first.reader.record();
  const RunRecord& b = other.reader.record();
  const auto require = [&](bool equal, const char* what) {
    if (!equal)
      throw BadInput("analyze", other.reader.path(),
                     fmt::format("the {} of {}", what, first.reader.path()), "another");
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
  require(first.batches.front().mass_sum.empty() == other.batches.front().mass_sum.empty(),
          "kind of statistics (attention mass)");
}

std::vector<std::string> ids_of(const RunRecord& record) {
  return record.source_ids.empty() ? std::vector{record.capture_id} : record.source_ids;
}

RunRecord merged_record(const std::vector<Source>& sources) {
  RunRecord record = sources.front().reader.record();
  record.kind = FileKind::analysis;
  record.source_ids.clear();
  record.settings.samples = 0;
  record.settings.scorer.reset();  // the scores stay with the capture
  for (const Source& source : sources) {
    record.settings.samples += source.reader.committed_samples();
    for (const std::string& id : ids_of(source.reader.record())) {
      if (std::find(record.source_ids.begin(), record.source_ids.end(), id) !=
          record.source_ids.end())
        throw BadInput("analyze", source.reader.path(), "every capture once",
                       fmt::format("capture {} a second time", id));
      record.source_ids.push_back(id);
    }
  }
  return record;
}

FileLayout merged_layout(const std::vector<Source>& sources) {
  const Source& first = sources.front();
  FileLayout layout;
  layout.similarity = true;
  layout.mass = !first.batches.front().mass_sum.empty();
  // Repeats are an axis of the file: inputs with different numbers of them have no common table.
  layout.timing = std::all_of(sources.begin(), sources.end(), [&](const Source& source) {
    return source.repeats() > 0 && source.repeats() == first.repeats();
  });
  layout.preview_size = first.previews.empty() ? 0 : static_cast<int>(first.previews.shape[1]);
  for (const Source& source : sources)
    layout.batches += static_cast<std::int64_t>(source.batches.size());
  return layout;
}

/// Rows [first, first + count) of the first axis.
template <typename T>
NdArray<T> slice(const NdArray<T>& array, std::int64_t first, std::int64_t count) {
  NdArray<T> out;
  out.shape = array.shape;
  out.shape[0] = count;
  const auto row = static_cast<std::int64_t>(array.data.size()) / array.shape[0];
  out.data.assign(array.data.begin() + first * row, array.data.begin() + (first + count) * row);
  return out;
}

template <typename T>
std::vector<T> slice(const std::vector<T>& values, std::int64_t first, std::int64_t count) {
  return {values.begin() + first, values.begin() + first + count};
}

/// Element `index` of the first axis, without that axis.
template <typename T>
NdArray<T> element(const NdArray<T>& array, std::int64_t index) {
  NdArray<T> out = slice(array, index, 1);
  out.shape.erase(out.shape.begin());
  return out;
}

BatchRecord copy_batch(const Source& source, std::size_t batch, std::int64_t first, bool timing) {
  BatchRecord record;
  const std::int64_t samples = source.batches[batch].samples;
  record.token_ids = slice(source.token_ids, first, samples);
  record.labels = slice(source.labels, first, samples);
  record.seeds = slice(source.seeds, first, samples);
  if (!source.previews.empty()) record.preview = slice(source.previews, first, samples);
  record.ledger = source.ledger;
  record.memory = source.memory;
  if (batch == 0) record.quality = source.quality;
  if (timing) {
    const auto index = static_cast<std::int64_t>(batch);
    record.timing = TimingRecord{element(source.timings->layer_ns, index),
                                 element(source.timings->model_ns, index),
                                 element(source.timings->batch_ns, index)};
  }
  return record;
}

BatchStatistics statistics_of(const Source& source, std::size_t batch, std::int64_t first,
                              int threads) {
  const BatchStatistics& captured = source.batches[batch];
  if (!source.reader.has_raw_kv()) return captured;
  BatchStatistics statistics = similarity_of_raw(source.reader, first, captured.samples, threads);
  statistics.mass_sum = captured.mass_sum;
  return statistics;
}

}  // namespace

void analyze(const std::vector<std::string>& inputs, const std::string& output,
             const AnalyzeOptions& options) {
  std::vector<Source> sources;
  for (const std::string& path : inputs) {
    check_is_no_input(output, path);
    sources.emplace_back(path);
    check_has_statistics(sources.back());
    check_same_experiment(sources.front(), sources.back());
  }
  const RunRecord record = merged_record(sources);
  const FileLayout layout = merged_layout(sources);
  CaptureWriter writer(output, record, layout, options.force);
  Progress progress("analyze", record.settings.samples, "samples");
  for (const Source& source : sources) {
    std::int64_t first = 0;
    for (std::size_t batch = 0; batch < source.batches.size(); ++batch) {
      BatchRecord merged = copy_batch(source, batch, first, layout.timing);
      merged.statistics = statistics_of(source, batch, first, options.threads);
      writer.commit(merged);
      first += merged.statistics->samples;
      progress.advance(merged.statistics->samples);
    }
  }
  writer.finish();
}

}  // namespace kvscope
