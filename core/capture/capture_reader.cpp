#include "core/capture/capture_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "core/capture/batch_reader.h"
#include "core/capture/h5.h"
#include "core/capture/open_capture.h"
#include "core/capture/parts/basics.h"
#include "core/capture/parts/image_check.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/parts/preview.h"
#include "core/capture/parts/raw.h"
#include "core/capture/parts/scores.h"
#include "core/capture/parts/statistics.h"
#include "core/capture/parts/timing.h"
#include "core/capture/schema.h"

namespace kvscope {

struct CaptureReader::Impl {
  explicit Impl(std::string path)
      : file(std::move(path)), raw(file), nonfinite_images(read_nonfinite_images(file)) {}

  bool has(Part part) const { return file.shape().has(part); }

  std::vector<std::int64_t> loss_counts() const {
    return file.all<std::int64_t>(schema::losses).data;
  }

  // An older file has fewer counters than this version.
  LossCounts known_losses(const std::vector<std::int64_t>& stored) const {
    LossCounts counts;
    std::copy_n(stored.begin(), std::min(stored.size(), counts.values.size()),
                counts.values.begin());
    counts[LossCounter::uncommitted_samples] =
        file.record().settings.samples - file.committed_samples();
    // The file's own count may include a batch that was under way.
    if (has(Part::image_check)) {
      counts[LossCounter::nonfinite_images] = std::ssize(nonfinite_images);
    }
    return counts;
  }

  OpenCapture file;
  mutable RawReader raw;
  std::vector<std::int64_t> nonfinite_images;
};

CaptureReader::CaptureReader(std::string path) : impl_(std::make_unique<Impl>(std::move(path))) {}
CaptureReader::~CaptureReader() = default;
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;

const std::string& CaptureReader::path() const { return impl_->file.calls().path(); }
const RunRecord& CaptureReader::record() const { return impl_->file.record(); }
const FileLayout& CaptureReader::layout() const { return impl_->file.shape().layout(); }
bool CaptureReader::complete() const { return impl_->file.complete(); }
std::int64_t CaptureReader::committed_samples() const { return impl_->file.committed_samples(); }
const std::vector<std::int64_t>& CaptureReader::batch_samples() const {
  return impl_->file.batch_samples();
}

LossCounts CaptureReader::losses() const { return impl_->known_losses(impl_->loss_counts()); }

std::vector<Loss> CaptureReader::all_losses() const {
  const OpenCapture& file = impl_->file;
  const std::string path = schema::path_of(schema::losses);
  const std::vector<std::int64_t> counts = impl_->loss_counts();
  const std::vector<std::string> names =
      h5::read_names(file.calls(), file.file(), schema::counter_coordinate);
  const LossCounts known = impl_->known_losses(counts);
  std::vector<Loss> all;
  for (std::size_t i = 0; i < std::min(counts.size(), loss_counter_count); ++i) {
    const auto counter = static_cast<LossCounter>(i);
    all.push_back({.name = std::string(name_of(counter)),
                   .count = known[counter],
                   .severity = severity_of(counter),
                   .source = std::string(source_of(counter)),
                   .advice = std::string(advice_of(counter))});
  }
  const std::vector<std::string> severities = file.words(path, schema::severity);
  const std::vector<std::string> sources = file.words(path, schema::source);
  for (std::size_t i = all.size(); i < std::min(counts.size(), names.size()); ++i) {
    all.push_back({.name = names[i],
                   .count = counts[i],
                   .severity = parse_loss_severity(i < severities.size() ? severities[i] : ""),
                   .source = i < sources.size() ? sources[i] : "unknown",
                   .advice = "a newer kvscope says what it means"});
  }
  return all;
}

const std::vector<std::int64_t>& CaptureReader::nonfinite_images() const {
  return impl_->nonfinite_images;
}

bool CaptureReader::has_finite_image(std::int64_t sample) const {
  return !std::binary_search(impl_->nonfinite_images.begin(), impl_->nonfinite_images.end(),
                             sample);
}

std::vector<std::int64_t> CaptureReader::samples() const {
  const h5::Calls& calls = impl_->file.calls();
  const h5::DatasetHandle scale =
      h5::open_dataset(calls, impl_->file.file(), schema::sample_coordinate);
  const std::vector<std::int64_t> shape =
      h5::shape_of(calls, scale.get(), schema::sample_coordinate);
  if (shape != std::vector{record().settings.samples}) {
    calls.refuse(
        fmt::format("{} of {} samples", schema::sample_coordinate, record().settings.samples),
        "another length");
  }
  std::vector<std::int64_t> indices(static_cast<std::size_t>(committed_samples()));
  h5::read_slab(calls, scale.get(), H5T_NATIVE_INT64, 0, committed_samples(), -1, indices.data(),
                fmt::format("read {}", schema::sample_coordinate));
  return indices;
}

std::vector<std::int64_t> CaptureReader::nonfinite_samples() const {
  const std::vector<std::int64_t> indices = samples();
  std::vector<std::int64_t> found;
  for (const std::int64_t position : nonfinite_images()) {
    found.push_back(indices[static_cast<std::size_t>(position)]);
  }
  return found;
}

NdArray<std::int32_t> CaptureReader::token_ids() const {
  return impl_->file.sample_rows<std::int32_t>(schema::token_ids);
}

std::vector<std::int32_t> CaptureReader::labels() const {
  return impl_->file.sample_rows<std::int32_t>(schema::label).data;
}

std::vector<std::uint64_t> CaptureReader::seeds() const {
  return impl_->file.sample_rows<std::uint64_t>(schema::seed).data;
}

NdArray<std::uint8_t> CaptureReader::previews() const {
  if (!layout().has(Part::preview)) return {};
  return impl_->file.sample_rows<std::uint8_t>(schema::preview);
}

LedgerRecord CaptureReader::ledger() const { return read_ledger(impl_->file); }
MemoryRecord CaptureReader::memory() const { return read_memory(impl_->file); }

std::optional<Timings> CaptureReader::timings() const {
  if (!impl_->has(Part::timing)) return std::nullopt;
  return read_timings(impl_->file);
}

std::optional<Scores> CaptureReader::scores() const {
  if (!impl_->has(Part::scores)) return std::nullopt;
  return read_scores(impl_->file, static_cast<std::int64_t>(nonfinite_images().size()));
}

std::optional<Statistics> CaptureReader::statistics() const { return read_statistics(impl_->file); }

BatchRecord CaptureReader::batch(std::int64_t index) const { return batch(index, layout()); }

BatchRecord CaptureReader::batch(std::int64_t index, const FileLayout& wanted) const {
  const BatchReader in(impl_->file, index);
  BatchRecord batch;
  for (const PartRow* row : part_rows()) {
    const bool is_asked = wanted.has(row->part) && impl_->has(row->part);
    if (is_asked && row->read != nullptr) row->read(in, batch);
  }
  return batch;
}

bool CaptureReader::has_raw_kv() const { return layout().has(Part::raw); }
bool CaptureReader::has_queries() const { return layout().has(Part::queries); }
const std::vector<int>& CaptureReader::raw_layers() const {
  return impl_->file.shape().kv_layers();
}
const std::vector<int>& CaptureReader::raw_heads() const { return impl_->file.shape().kv_heads(); }
const std::vector<int>& CaptureReader::raw_scales() const {
  return impl_->file.shape().kv_scales();
}
const std::vector<std::int64_t>& CaptureReader::raw_samples() const { return impl_->raw.samples(); }

NdArray<float> CaptureReader::raw_kv(KvTensor tensor, int layer, std::int64_t first,
                                     std::int64_t count) const {
  NdArray<float> result;
  result.shape = impl_->raw.read(tensor, layer, first, count, -1, result.data);
  return result;
}

void CaptureReader::read_conditional(KvTensor tensor, int layer, std::int64_t first,
                                     std::int64_t count, std::vector<float>& out) const {
  impl_->raw.read(tensor, layer, first, count, 0, out);
}

}  // namespace kvscope
