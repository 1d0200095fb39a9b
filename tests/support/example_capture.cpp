#include "tests/support/example_capture.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/base/module.h"
#include "core/base/output_file.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/policies/keep_local.h"
#include "core/capture/image_files.h"
#include "core/image/png.h"

namespace kvscope::testing {
namespace {

void fill(LedgerRecord& ledger, const RunRecord& record) {
  const RetentionPlan plan(record.budget);
  const ScaleSchedule& schedule = plan.schedule();
  const KvShape shape = kv_shape(record.budget.model, record.settings.batch, 4, 4);
  ledger.rows = shape.rows;
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
}

void fill(TimingRecord& timing, const ExampleSize& size, int batch) {
  const auto scales = static_cast<std::int64_t>(size.patch_nums.size());
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

BatchRecord batch_of(const ExampleSize& size, const RunRecord& record, const FileLayout& layout,
                     int batch) {
  const int first = batch * size.batch;
  BatchRecord result = empty_batch(record, layout, std::min(size.batch, size.samples - first));
  for (std::size_t i = 0; i < result.token_ids.data.size(); ++i) {
    result.token_ids.data[i] =
        static_cast<std::int32_t>((i + static_cast<std::size_t>(batch)) % 16);
  }
  for (std::size_t i = 0; i < result.labels.size(); ++i) {
    result.labels[i] = static_cast<std::int32_t>(
        record.model.labels().in_turn(first + static_cast<std::int64_t>(i)));
    result.seeds[i] = batch_seed(record.settings.seed, batch);
  }
  result.preview.data.assign(result.preview.data.size(), 128);
  fill(*result.timing, size, batch);
  fill(result.ledger, record);
  return result;
}

double similarity_of(std::int64_t layer) {
  return 0.95 - 0.5 * std::abs(std::sin(3.0 * static_cast<double>(layer)));
}

void fill_similarity(NdArray<double>& sum, std::int64_t first, std::int64_t samples) {
  const auto count = static_cast<double>(samples);
  const double sum_of_samples = count * static_cast<double>(first) + count * (count - 1) / 2;
  for (std::int64_t layer = 0; layer < sum.shape[0]; ++layer) {
    for (std::int64_t head = 0; head < sum.shape[1]; ++head) {
      for (std::int64_t target = 0; target < sum.shape[2]; ++target) {
        for (std::int64_t source = 0; source < target; ++source) {
          sum(layer, head, target, source) =
              count * (similarity_of(layer) + 0.01 * static_cast<double>(head) -
                       0.05 * static_cast<double>(target - source - 1)) +
              0.002 * sum_of_samples;
        }
      }
    }
  }
}

/// Each target spreads its queries evenly over all sources and itself.
void fill_mass(NdArray<double>& sum, const ScaleSchedule& schedule, std::int64_t samples) {
  for (std::int64_t layer = 0; layer < sum.shape[0]; ++layer) {
    for (std::int64_t head = 0; head < sum.shape[1]; ++head) {
      for (int target = 0; target < schedule.scales(); ++target) {
        for (int source = 0; source <= target; ++source) {
          sum(layer, head, target, source) =
              static_cast<double>(samples * schedule.tokens(target)) / (target + 1);
        }
      }
    }
  }
}

/// Mean over the two heads of adjacent scales: 0.005 is half of 0.01.
void fill_layers(NdArray<double>& statistic, std::int64_t first) {
  for (std::int64_t sample = 0; sample < statistic.shape[0]; ++sample) {
    for (std::int64_t layer = 0; layer < statistic.shape[1]; ++layer) {
      statistic(sample, layer) =
          similarity_of(layer) + 0.005 + 0.002 * static_cast<double>(first + sample);
    }
  }
}

void fill(BatchStatistics& statistics, const ScaleSchedule& schedule, std::int64_t first) {
  fill_mass(statistics.mass_sum, schedule, statistics.samples);
  for (NdArray<double>& norm : statistics.norm_sum) {
    norm.data.assign(norm.data.size(), static_cast<double>(statistics.samples));
  }
  for (NdArray<double>& sum : statistics.similarity_sum.arrays) {
    fill_similarity(sum, first, statistics.samples);
  }
  for (NdArray<double>& statistic : statistics.layer_statistic.arrays) {
    fill_layers(statistic, first);
  }
}

}  // namespace

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
  record = plain_record(example_model(size), size.samples);
  record.kind = FileKind::run;
  record.capture_id = make_uuid();
  record.policy = budget.policy;
  record.budget = budget;
  record.settings.seed = 7;
  record.settings.batch = size.batch;
  record.settings.repeat = size.repeat;
  record.settings.collectors = {"ledger", "timing"};
  run.layout.parts = {Part::timing};
  run.layout.batches = (size.samples + size.batch - 1) / size.batch;
  run.layout.preview_size = std::min(64, record.model.image_size);
  for (int batch = 0; batch < run.layout.batches; ++batch) {
    run.batches.push_back(batch_of(size, record, run.layout, batch));
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
    const std::int64_t samples = batch.token_ids.shape[0];
    batch.statistics = empty_batch(run.record, run.layout, samples).statistics;
    fill(*batch.statistics, run.record.model.schedule(), first);
    first += samples;
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
  const std::string written = finish ? path : partial_path(path);
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
  return {vanilla, finish ? ams : partial_path(ams)};
}

}  // namespace kvscope::testing
