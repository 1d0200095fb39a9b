#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collectors/collector_list.h"
#include "collectors/image_folder.h"
#include "collectors/writer_thread.h"
#include "core/budget/retention_plan.h"
#include "core/capture/capture_writer.h"
#include "core/generate/generator.h"
#include "core/record/run_record.h"

namespace kvscope {

/// One run on its way into one file: starts the collectors that `record` calls for, drives the
/// passes of every batch and writes what they gave on a thread of its own. A session that ends
/// before finish() leaves a readable partial file with every batch committed so far.
class CaptureSession {
 public:
  /// Longest side of the previews inside the file.
  static constexpr int preview_side = 64;

  /// Throws Error when `path` cannot become a new file with images, or exists and `force` is not
  /// set. The constructor does it too; a job asks before it loads a model.
  /// With `resume` what an interrupted run left may be there, and a finished file too: whether it
  /// is this job's only the record can tell.
  static void check_output(const std::string& path, bool force, bool resume = false);

  /// `record` is the run's; its settings.collectors are filled in here from those of `list` that
  /// take part. `scorer`, the one of its settings, judges the images; there is none where they name
  /// none. Throws Error as CaptureWriter does, and when images are already beside `path` and
  /// `force` is not set.
  CaptureSession(const std::string& path, RunRecord record, at::Device device, bool force,
                 std::shared_ptr<const Scorer> scorer = nullptr,
                 const CollectorList& list = all_collectors());
  ~CaptureSession();
  CaptureSession(const CaptureSession&) = delete;
  CaptureSession& operator=(const CaptureSession&) = delete;

  /// Goes on with the unfinished file of `path` behind its committed batches. `record` is the run's
  /// with the id and start of that file, which must be of the same job (different_job). What a
  /// scorer saw of its images comes from the PNGs. Throws as CaptureWriter does, BadInput when one
  /// of them is missing.
  CaptureSession(const std::string& path, RunRecord record, at::Device device,
                 std::shared_ptr<const Scorer> scorer, CaptureWriter::Resume resume,
                 const CollectorList& list = all_collectors());

  /// Hangs the collectors into `generator`, always the same one, which outlives the session; the
  /// first time they start. Warm up before, so that nothing is collected.
  void attach(Generator& generator);

  /// Generates a batch, settings.repeat times, and hands it to the writer. Data is that of the
  /// first pass. Rethrows a failure of the writer, from this batch or one before it.
  void run_batch(BatchRequest request);

  /// Stops the collectors, waits for the writer and gives the file and its images their final
  /// names.
  void finish();

  const RunRecord& record() const { return record_; }
  /// Whole in the file before this session, 0 in a new one.
  std::int64_t resumed_batches() const { return resumed_batches_; }

 private:
  class LabelObserver;

  CaptureSession(const std::string& path, RunRecord record, at::Device device,
                 std::shared_ptr<const Scorer> scorer, bool force, bool resume,
                 const CollectorList& list);
  void write(PendingBatch& batch);
  void take_up_committed();
  void stop();

  RunRecord record_;
  RetentionPlan plan_;
  std::unique_ptr<LabelObserver> labels_;
  std::vector<std::unique_ptr<Collector>> collectors_;  // in the order of the list
  Generator* generator_ = nullptr;                      // while the collectors hang in it
  std::int64_t resumed_batches_ = 0;
  CaptureWriter writer_;
  ImageFolder images_;
  WriterThread thread_;  // last: stops before anything it uses goes away
};

}  // namespace kvscope
