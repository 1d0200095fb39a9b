#include "collectors/session.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <ATen/ops/equal.h>

#include "collectors/quantised_images.h"
#include "core/base/output_file.h"
#include "core/base/random_mode.h"
#include "core/capture/capture_images.h"
#include "core/capture/capture_reader.h"

namespace kvscope {
namespace {

RunRecord with_collectors(RunRecord record, const CollectorList& list) {
  record.settings.collectors = collector_names(list, record);
  return record;
}

/// The writer of the file that `path` leads to, where an earlier run may have been stopped.
CaptureWriter writer_of(const std::string& path, const RunRecord& record, const FileLayout& layout,
                        bool force, bool resume) {
  if (!resume) CaptureSession::check_output(path, force);
  const std::string file = link_target(path);
  ImageFolder::publish_left_behind(file);
  return resume ? CaptureWriter(file, record, layout, CaptureWriter::Resume{})
                : CaptureWriter(file, record, layout, force);
}

int preview_size_of(const ModelConfig& model) {
  return std::min(model.image_size, CaptureSession::preview_side);
}

FileLayout layout_of(const RunRecord& record, const CollectorList& list) {
  FileLayout layout;
  layout.parts = {Part::image_check};
  lay_out_parts(list, record, layout);
  const RunSettings& settings = record.settings;
  layout.batches = (settings.samples + settings.batch - 1) / settings.batch;
  layout.preview_size = preview_size_of(record.model);
  return layout;
}

NdArray<std::int32_t> token_array(const at::Tensor& token_ids) {
  NdArray<std::int32_t> out({token_ids.size(0), token_ids.size(1)});
  const at::Tensor ids = token_ids.to(at::kInt).contiguous();
  std::copy_n(ids.const_data_ptr<std::int32_t>(), out.data.size(), out.data.begin());
  return out;
}

std::vector<std::int64_t> values_of(const at::Tensor& counts) {
  const auto* values = counts.const_data_ptr<std::int64_t>();
  return {values, values + counts.numel()};
}

/// Which draw a sample came from: the seed of its batch's generator, or of its own stream.
std::vector<std::uint64_t> seeds_of(const RunSettings& settings, const BatchRequest& request,
                                    std::int64_t batch) {
  std::vector<std::uint64_t> seeds;
  for (std::int64_t k = 0; k < batch; ++k) {
    seeds.push_back(
        settings.rng == RandomMode::official
            ? batch_seed(settings.seed, request.index)
            : splitmix64(settings.seed, static_cast<std::uint64_t>(request.first_sample + k)));
  }
  return seeds;
}

}  // namespace

/// Labels may be drawn by the generator: only the batch's own description knows them.
class CaptureSession::LabelObserver final : public Observer {
 public:
  ObserverNeeds needs() const override { return {}; }
  void on_batch_begin(const BatchInfo& info) override {
    labels_.assign(info.labels.begin(), info.labels.end());
  }
  const std::vector<std::int32_t>& labels() const { return labels_; }

 private:
  std::vector<std::int32_t> labels_;
};

void CaptureSession::check_output(const std::string& path, bool force, bool resume) {
  const std::string partial = unfinished_file(path);
  std::error_code ignored;
  const bool begun = std::filesystem::exists(partial, ignored);
  const bool finished = std::filesystem::exists(path, ignored);
  if (begun && !resume && !force) refuse_unfinished(partial, "--resume goes on with it");
  if (begun && finished && !force) (void)check_target(path, false);
  if (resume && (begun || finished)) {
    // Images are there with good reason.
    ImageFolder::check(check_target(path, true), true);
    return;
  }
  ImageFolder::check(check_target(path, force), force);
}

CaptureSession::CaptureSession(const std::string& path, RunRecord record, at::Device device,
                               std::shared_ptr<const Scorer> scorer, bool force, bool resume,
                               const CollectorList& list)
    : record_(with_collectors(std::move(record), list)),
      plan_(record_.budget),
      labels_(std::make_unique<LabelObserver>()),
      collectors_(make_collectors(list, {record_, plan_, device, std::move(scorer)})),
      writer_(writer_of(path, record_, layout_of(record_, list), force, resume)),
      images_(writer_.path(), record_.capture_id, resume),
      thread_([this](PendingBatch& batch) { write(batch); }) {}

CaptureSession::CaptureSession(const std::string& path, RunRecord record, at::Device device,
                               bool force, std::shared_ptr<const Scorer> scorer,
                               const CollectorList& list)
    : CaptureSession(path, std::move(record), device, std::move(scorer), force, false, list) {}

CaptureSession::CaptureSession(const std::string& path, RunRecord record, at::Device device,
                               std::shared_ptr<const Scorer> scorer,
                               CaptureWriter::Resume /*resume*/, const CollectorList& list)
    : CaptureSession(path, std::move(record), device, std::move(scorer), false, true, list) {
  resumed_batches_ = writer_.committed_batches();
  take_up_committed();
}

// Batch by batch as the run did, so that what collectors make of it is the same bits.
void CaptureSession::take_up_committed() {
  const CaptureReader file(partial_path(writer_.path()));
  const CaptureImages images(file);
  const std::vector<std::int32_t> labels = file.labels();
  std::int64_t position = 0;
  for (const std::int64_t samples : file.batch_samples()) {
    CommittedBatch batch;
    for (const std::int64_t end = position + samples; position < end; ++position) {
      Image image = images.read(position);
      if (!file.has_finite_image(position)) continue;
      batch.images.push_back(std::move(image));
      batch.labels.push_back(labels[static_cast<std::size_t>(position)]);
    }
    for (const auto& collector : collectors_) collector->take_up(batch);
  }
}

CaptureSession::~CaptureSession() { stop(); }

void CaptureSession::stop() {
  if (generator_ == nullptr) return;
  generator_->set_observers({});
  generator_->set_listeners({});
  generator_ = nullptr;
  for (const auto& collector : collectors_) collector->stop();
}

void CaptureSession::attach(Generator& generator) {
  const bool starts = generator_ == nullptr;
  generator_ = &generator;
  std::vector<Observer*> observers = {labels_.get()};
  std::vector<SiteListener*> listeners;
  for (const auto& collector : collectors_) {
    if (starts) collector->start(generator);
    observers.push_back(collector.get());
    if (SiteListener* listener = collector->listener()) listeners.push_back(listener);
  }
  generator.set_observers(std::move(observers));
  generator.set_listeners(std::move(listeners));
}

void CaptureSession::run_batch(BatchRequest request) {
  PendingBatch pending;
  BatchRecord& record = pending.record;
  BatchOutput first;
  for (int repeat = 0; repeat < record_.settings.repeat; ++repeat) {
    request.repeat = repeat;
    request.observed = repeat == 0;
    BatchOutput output = generator_->generate(request);
    if (repeat == 0) {
      first = std::move(output);
    } else if (!at::equal(output.token_ids, first.token_ids)) {
      ++record.losses[LossCounter::unequal_repeats];
    }
  }
  record.token_ids = token_array(first.token_ids);
  record.labels = labels_->labels();
  const auto batch = static_cast<std::int64_t>(record.labels.size());
  record.seeds = seeds_of(record_.settings, request, batch);
  record.nonfinite_image_values = values_of(first.nonfinite);
  record.losses[LossCounter::nonfinite_images] +=
      batch -
      std::count(record.nonfinite_image_values.begin(), record.nonfinite_image_values.end(), 0);
  for (const auto& collector : collectors_) collector->flush(record);
  pending.image = first.image;
  pending.first_sample = request.first_sample;
  thread_.push(std::move(pending));
}

void CaptureSession::write(PendingBatch& batch) {
  const std::vector<Image> images = quantised_images(batch.image);
  const int preview = preview_size_of(record_.model);
  const auto count = static_cast<std::int64_t>(images.size());
  batch.record.preview = NdArray<std::uint8_t>({count, preview, preview, 3});
  auto pixels = batch.record.preview.data.begin();
  std::int64_t sample = batch.first_sample;
  for (const Image& image : images) {
    images_.write(sample++, image);
    const Image small = downscale(image, preview);
    pixels = std::copy(small.rgb.begin(), small.rgb.end(), pixels);
  }
  writer_.commit(batch.record);
}

void CaptureSession::finish() {
  stop();
  thread_.wait();
  for (const auto& collector : collectors_) collector->conclude(writer_);
  images_.publish([this] { writer_.finish(); });
}

}  // namespace kvscope
