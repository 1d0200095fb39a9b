#include "tests/support/example_capture.h"

#include <cmath>
#include <filesystem>
#include <limits>

#include "core/base/module.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/policies/keep_local.h"
#include "core/capture/image_files.h"
#include "core/image/png.h"
#include "tests/support/small_model.h"

namespace kvscope::testing {
namespace {

constexpr int pixels_per_patch = 4;

LedgerRecord ledger_of(const RunRecord& record) {
  const RetentionPlan plan(record.budget);
  const ScaleSchedule& schedule = plan.schedule();
  const KvShape shape = kv_shape(record.budget.model, record.settings.batch, 4, 4);
  LedgerRecord ledger;
  ledger.rows = shape.rows;
  ledger.key_element_bytes = ledger.value_element_bytes = 4;
  ledger.logical_bytes = NdArray<std::int64_t>({plan.layers(), schedule.scales()});
  ledger.resident_bytes = ledger.transient_bytes = ledger.logical_bytes;
  ledger.shared_bytes = NdArray<std::int64_t>({schedule.scales()});
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    const std::int64_t current = shape.bytes(schedule.tokens(scale));
    ledger.shared_bytes(scale) = current;
    for (int layer = 0; layer < plan.layers(); ++layer) {
      const std::int64_t before = scale == 0 ? 0 : held_bytes(plan, shape, layer, scale - 1);
      ledger.logical_bytes(layer, scale) = held_bytes(plan, shape, layer, scale);
      ledger.resident_bytes(layer, scale) = before + current;
      ledger.transient_bytes(layer, scale) = before + current - ledger.logical_bytes(layer, scale);
    }
  }
  return ledger;
}

TimingRecord timing_of(const ExampleSize& size, int batch) {
  const auto scales = static_cast<std::int64_t>(size.patch_nums.size());
  const std::int64_t modules = module_count;
  TimingRecord timing;
  timing.layer_ns = NdArray<std::int64_t>({size.repeat, size.depth, scales, modules});
  timing.model_ns = NdArray<std::int64_t>({size.repeat, scales, modules});
  timing.batch_ns = NdArray<std::int64_t>({size.repeat});
  for (int repeat = 0; repeat < size.repeat; ++repeat) {
    const std::int64_t pass_ns = 100 + 10 * (size.repeat * batch + repeat);
    timing.batch_ns(repeat) = 1'000'000 * pass_ns;
    for (std::int64_t scale = 0; scale < scales; ++scale) {
      for (int layer = 0; layer < size.depth; ++layer) {
        for (int module = 0; module <= static_cast<int>(Module::ffn); ++module) {
          timing.layer_ns(repeat, layer, scale, module) = pass_ns;
        }
      }
      timing.model_ns(repeat, scale, static_cast<int>(Module::head)) = 7;
      timing.model_ns(repeat, scale, static_cast<int>(Module::decoder)) = 7;
    }
  }
  return timing;
}

Image picture(int sample, int side) {
  Image image(side, side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(0.13 * x * (1 + sample % 3) + c) + std::cos(0.11 * y + sample);
        image.at(x, y, c) = static_cast<std::uint8_t>(127 + 60 * wave);
      }
    }
  }
  return image;
}

BatchRecord batch_of(const ExampleSize& size, const RunRecord& record, int batch, int preview) {
  const ScaleSchedule schedule = record.model.schedule();
  BatchRecord result;
  const int samples = std::min(size.batch, size.samples - batch * size.batch);
  result.token_ids = NdArray<std::int32_t>({samples, schedule.total_tokens()});
  for (std::size_t i = 0; i < result.token_ids.data.size(); ++i) {
    result.token_ids.data[i] =
        static_cast<std::int32_t>((i + static_cast<std::size_t>(batch)) % 16);
  }
  for (int i = 0; i < samples; ++i) {
    result.labels.push_back((batch * size.batch + i) % record.model.classes);
    result.seeds.push_back(batch_seed(record.settings.seed, batch));
  }
  result.preview = NdArray<std::uint8_t>({samples, preview, preview, 3}, 128);
  result.timing = timing_of(size, batch);
  result.ledger = ledger_of(record);
  return result;
}

double similarity_of(std::int64_t layer) {
  return 0.95 - 0.5 * std::abs(std::sin(3.0 * static_cast<double>(layer)));
}

NdArray<double> similarity_sum(const ModelConfig& model, std::int64_t first, std::int64_t samples) {
  const auto scales = static_cast<std::int64_t>(model.patch_nums.size());
  const auto count = static_cast<double>(samples);
  const double sum_of_samples = count * static_cast<double>(first) + count * (count - 1) / 2;
  NdArray<double> sum({model.depth, model.heads, scales, scales},
                      std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t layer = 0; layer < model.depth; ++layer) {
    for (std::int64_t head = 0; head < model.heads; ++head) {
      for (std::int64_t target = 0; target < scales; ++target) {
        for (std::int64_t source = 0; source < target; ++source) {
          sum(layer, head, target, source) =
              count * (similarity_of(layer) + 0.01 * static_cast<double>(head) -
                       0.05 * static_cast<double>(target - source - 1)) +
              0.002 * sum_of_samples;
        }
      }
    }
  }
  return sum;
}

/// Each target spreads its queries evenly over all sources and itself.
NdArray<double> mass_sum(const ModelConfig& model, std::int64_t samples) {
  const ScaleSchedule schedule = model.schedule();
  NdArray<double> sum({model.depth, model.heads, schedule.scales(), schedule.scales()});
  for (int layer = 0; layer < model.depth; ++layer) {
    for (int head = 0; head < model.heads; ++head) {
      for (int target = 0; target < schedule.scales(); ++target) {
        for (int source = 0; source <= target; ++source) {
          sum(layer, head, target, source) =
              static_cast<double>(samples * schedule.tokens(target)) / (target + 1);
        }
      }
    }
  }
  return sum;
}

/// Mean over the two heads of adjacent scales: 0.005 is half of 0.01.
NdArray<double> layer_statistic(const ModelConfig& model, std::int64_t first,
                                std::int64_t samples) {
  NdArray<double> statistic({samples, model.depth});
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    for (std::int64_t layer = 0; layer < model.depth; ++layer) {
      statistic(sample, layer) =
          similarity_of(layer) + 0.005 + 0.002 * static_cast<double>(first + sample);
    }
  }
  return statistic;
}

BatchStatistics statistics_of(const ModelConfig& model, std::int64_t first, std::int64_t samples) {
  BatchStatistics statistics;
  statistics.samples = samples;
  statistics.mass_sum = mass_sum(model, samples);
  for (NdArray<double>& norm : statistics.norm_sum) {
    norm = NdArray<double>(
        {model.depth, model.heads, static_cast<std::int64_t>(model.patch_nums.size())},
        static_cast<double>(samples));
  }
  for (const Metric metric : all_metrics) {
    for (const KvTensor tensor : all_kv_tensors) {
      statistics.similarity_sum(metric, tensor) = similarity_sum(model, first, samples);
      statistics.layer_statistic(metric, tensor) = layer_statistic(model, first, samples);
    }
  }
  return statistics;
}

}  // namespace

ModelConfig example_model(const ExampleSize& size) {
  ModelConfig model = small_model(size.patch_nums);
  model.name = "example";
  model.depth = size.depth;
  model.width = 8;
  model.classes = 4;
  model.vae_ch_mult = {1, 1, 2};
  model.image_size = pixels_per_patch * size.patch_nums.back();
  return model;
}

Budget example_budget(const ModelConfig& model, const std::vector<int>& efficient) {
  Budget budget = vanilla_budget(budget_model_of(model));
  if (!efficient.empty()) budget.policy = "ams-kv";
  for (const int layer : efficient) {
    budget.layers.at(static_cast<std::size_t>(layer)) = {LayerClass::efficient, KeepLocal{1, 0}};
  }
  return budget;
}

ExampleRun example_run(const ExampleSize& size, const Budget& budget) {
  ExampleRun run;
  RunRecord& record = run.record;
  record.kind = FileKind::run;
  record.capture_id = make_uuid();
  record.tool_version = "0.1.0";
  record.git_commit = "0123456789ab";
  record.weights_sha256 = std::string(64, 'a');
  record.model = example_model(size);
  record.policy = budget.policy;
  record.budget = budget;
  record.torch_version = "2.11.0";
  record.device_name = "cpu";
  record.cpu_name = "Example CPU";
  record.start_time = "2025-01-02T03:04:05Z";
  RunSettings& settings = record.settings;
  settings.seed = 7;
  settings.cfg = 1.5;
  settings.samples = size.samples;
  settings.batch = size.batch;
  settings.repeat = size.repeat;
  settings.device = "cpu";
  settings.dtype = "fp32";
  settings.threads = 2;
  settings.collectors = {"ledger", "timing"};
  settings.compression = "none";
  run.layout.parts = {Part::timing};
  run.layout.batches = (size.samples + size.batch - 1) / size.batch;
  run.layout.preview_size = std::min(64, record.model.image_size);
  for (int batch = 0; batch < run.layout.batches; ++batch) {
    run.batches.push_back(batch_of(size, record, batch, run.layout.preview_size));
  }
  for (int sample = 0; sample < size.samples; ++sample) {
    run.images.push_back(picture(sample, record.model.image_size));
  }
  return run;
}

void add_statistics(ExampleRun& run) {
  run.record.kind = FileKind::capture;
  run.record.settings.store = KvStore::reduced;
  run.record.settings.collectors = {"kv", "ledger", "timing"};
  run.layout.parts.insert({Part::similarity, Part::mass});
  std::int64_t first = 0;
  for (BatchRecord& batch : run.batches) {
    batch.statistics = statistics_of(run.record.model, first, batch.token_ids.shape[0]);
    first += batch.token_ids.shape[0];
  }
}

void add_scores(ExampleRun& run) {
  run.record.settings.scorer = {"example-scorer", std::string(64, 'c'), {}};
  run.record.settings.collectors.emplace_back("scores");
  run.layout.parts.insert(Part::scores);
  for (BatchRecord& batch : run.batches) batch.predicted_classes = batch.labels;
  run.class_accuracy = {1, 0.5, 1};
  run.demo_frechet_distance = {12.5, 11, 14.25};
}

void write_run(const ExampleRun& run, const std::string& path, bool finish) {
  CaptureWriter writer(path, run.record, run.layout, true);
  for (const BatchRecord& batch : run.batches) writer.commit(batch);
  if (run.layout.has(Part::scores))
    writer.write_scores(run.class_accuracy, run.demo_frechet_distance);
  if (finish) writer.finish();
  const std::string written = finish ? path : path + ".partial";
  for (std::size_t sample = 0; sample < run.images.size(); ++sample) {
    const std::int64_t index = run.record.settings.first_sample + static_cast<std::int64_t>(sample);
    const std::string image = image_path(written, index);
    std::filesystem::create_directories(std::filesystem::path(image).parent_path());
    write_png(image, run.images[sample],
              {{capture_id_text, run.record.capture_id}, {sample_text, std::to_string(index)}});
  }
}

std::vector<std::string> write_vanilla_and_ams(const TempDir& folder, const ExampleSize& size,
                                               const std::vector<int>& efficient,
                                               const std::function<void(ExampleRun&)>& change,
                                               bool finish) {
  const ModelConfig model = example_model(size);
  const std::string vanilla = folder / "vanilla.h5";
  write_run(example_run(size, example_budget(model, {})), vanilla);
  ExampleRun run = example_run(size, example_budget(model, efficient));
  change(run);
  const std::string ams = folder / "ams.h5";
  write_run(run, ams, finish);
  return {vanilla, finish ? ams : ams + ".partial"};
}

}  // namespace kvscope::testing
