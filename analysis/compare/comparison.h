#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/spread.h"
#include "core/base/job_control.h"
#include "core/budget/kv_bytes.h"
#include "core/geometry/model_config.h"
#include "core/record/forced_agreement.h"
#include "core/record/scores.h"

namespace kvscope {

class CaptureReader;
struct LoadedCapture;
struct RunRecord;

/// A value, or the reason why there is none.
template <typename T>
struct Comparable {
  std::optional<T> value;
  std::string reason;

  explicit operator bool() const { return value.has_value(); }
  const T* operator->() const { return &*value; }
  const T& operator*() const { return *value; }
};

/// KV-cache bytes of one file for one batch, all layers together, [scale]: after that scale.
struct MemoryFigures {
  KvShape shape;  ///< of this file's ledger
  std::vector<std::int64_t> logical_bytes;
  std::vector<std::int64_t> resident_bytes;  ///< layers' own buffers and the shared ones
  std::vector<std::int64_t> transient_bytes;
  std::int64_t logical_peak_bytes = 0;
  std::int64_t resident_peak_bytes = 0;
  std::int64_t transient_peak_bytes = 0;
  /// Logical peak of this file's budget in the *baseline's* shape: both sides of a reduction have
  /// the same rows and element sizes.
  std::int64_t planned_peak_bytes = 0;
  double change_of_read = 0;   ///< planned peak / read − 1
  double change_of_final = 0;  ///< planned peak / final − 1
  /// Resident peak / `read` and `final` in this file's own shape − 1.
  double resident_change_of_read = 0;
  double resident_change_of_final = 0;
  std::int64_t process_peak_rss_bytes = 0;
  std::int64_t allocator_peak_bytes = 0;
};

/// Times of a module in one file; each is of a batch, / images in it.
struct ModuleTime {
  std::string name;                 ///< of core/base/module.h, or self_attention
  Spread ns;                        ///< summed over layers and scales
  std::vector<Spread> by_scale_ns;  ///< [scale], summed over layers
  std::vector<Spread> by_layer_ns;  ///< [layer], summed over scales; empty: belongs to no layer
};

/// Times of one file. The largest batches only; without a warm-up the first pass is left out.
struct TimeFigures {
  std::vector<ModuleTime> modules;   ///< those that ran; self-attention last
  std::optional<Spread> control_ns;  ///< of all modules that no budget changes, as ModuleTime::ns
  Spread image_ns;                   ///< wall time of a batch / images in it
  bool first_pass_excluded = false;

  const ModuleTime* find(std::string_view module) const;
};

/// The controls of two files: modules that no budget changes, all together. They take the same time
/// unless the machine was faster for one file, and then no other ratio is the budget's doing.
struct ControlCheck {
  SpreadRatio ratio;
  double tolerance = 0;  ///< the larger of 3 % and either file's interquartile range / median
  bool moved = false;    ///< the ratio is further from 1 than that
};

/// Fraction of equal token ids, samples of both files drawn alike.
struct TokenAgreement {
  std::int64_t samples = 0;
  std::vector<double> by_scale;
  double overall = 0;
};

struct ImageScore {
  std::int64_t sample = 0;             ///< index in the run
  std::int64_t baseline_position = 0;  ///< in the baseline
  std::int64_t file_position = 0;      ///< in the other file
  std::optional<double> psnr_db;       ///< nothing: identical
  std::optional<double> ssim;          ///< nothing: smaller than the window
};

struct ImageFidelity {
  std::vector<ImageScore> images;
  std::int64_t identical = 0;
  std::int64_t unreadable = 0;           ///< samples without a PNG beside one of the files
  std::string unreadable_why;            ///< of the first of them
  std::int64_t nonfinite = 0;            ///< samples left out: NaN or infinity behind one image
  std::optional<double> psnr_mean_db;    ///< over the images that are not identical
  std::optional<double> psnr_median_db;  ///< likewise
  std::optional<double> ssim_mean;       ///< over all compared images
};

/// One file, and how it stands against the baseline.
struct ComparedFile {
  std::string path;
  std::string name;  ///< file name, or the path when two files share a name
  std::string kind;
  std::string capture_id;
  std::string policy;
  std::string dtype;
  std::string device;       ///< "cpu" or "cuda:0"
  std::string device_name;  ///< of the GPU, or of the CPU
  int batch = 0;
  std::int64_t samples = 0;  ///< committed
  MemoryFigures memory;
  Comparable<TimeFigures> time;
  Comparable<Scores> scores;  ///< neither value nor reason: nobody scored it

  /// Why its scores cannot be compared with those of the first scored file; empty when they can.
  std::string scores_reason;

  // Against the baseline; empty for the baseline itself.
  std::string latency_reason;            ///< why latency cannot be compared; empty when it can
  std::optional<ControlCheck> controls;  ///< nothing where latency cannot be compared
  Comparable<TokenAgreement> tokens;
  Comparable<ImageFidelity> images;
  Comparable<ForcedAgreement> forced;  ///< neither value nor reason: nobody measured it
};

/// A setting that is not the same in all files.
struct SettingDifference {
  std::string field;
  std::vector<std::string> values;  ///< one per file
};

/// Something lost or doubtful in a file.
struct DataProblem {
  std::string file;
  std::string what;
  std::string advice;
};

/// Something that cannot be compared.
struct NotComparable {
  std::string file;
  std::string what;
  std::string why;
};

struct Comparison {
  ModelConfig model;
  KvShape shape;  ///< the baseline's: all reductions use it
  std::int64_t read_bytes = 0;
  std::int64_t final_bytes = 0;
  double vanilla_change_of_final = 0;  ///< vanilla's own figure against `final`
  std::vector<ComparedFile> files;     ///< the baseline first
  std::vector<SettingDifference> settings;
  std::vector<DataProblem> problems;
  std::vector<NotComparable> not_comparable;
};

/// What was lost in a file or is doubtful about it; `name` stands for it in tables.
std::vector<DataProblem> data_problems(const LoadedCapture& file, const std::string& name);

/// Files whose controls moved against the baseline's: their time ratios are not the budget's doing.
std::vector<DataProblem> time_problems(const Comparison& comparison);

/// Throws BadInput naming the first field in which the models differ, or the weights; `path` is
/// that of `file`.
void check_same_model(const RunRecord& baseline, const RunRecord& file, const std::string& path);

/// Compares files of one model; the first is the baseline. Every file is read once, and nothing is
/// printed: `control` hears of every pair of images. Throws BadInput when the models or weights
/// differ or a file has no committed sample, UsageError for fewer than two files, Interrupted when
/// `control` says so.
Comparison compare(const std::vector<CaptureReader>& files, const JobControl& control = {});

/// The same of files that were read before.
Comparison compare_loaded(const std::vector<LoadedCapture>& files, const JobControl& control = {});

}  // namespace kvscope
