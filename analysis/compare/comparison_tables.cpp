#include "analysis/compare/comparison_tables.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "analysis/compare/figure_writer.h"
#include "analysis/compare/forced_cells.h"
#include "analysis/compare/time_tables.h"
#include "core/base/units.h"

namespace kvscope {
namespace {

using Cells = std::vector<std::string>;

TitledTable files_table(const Comparison& comparison) {
  TitledTable table{"Files", "The first is the baseline.", {}, Rows::files};
  table.table.columns = {"file",        "kind",  "policy",  "dtype",     "device",
                         "device name", "batch", "samples", "capture id"};
  for (const ComparedFile& file : comparison.files) {
    table.table.rows.push_back({file.name, file.kind, file.policy, file.dtype, file.device,
                                file.device_name, std::to_string(file.batch),
                                std::to_string(file.samples), file.capture_id});
  }
  return table;
}

TitledTable peak_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table;
  table.rows = Rows::files;
  table.title = "KV cache at its peak, bytes of one batch, all layers";
  table.scope = fmt::format(
      "Planned and its changes: logical peak of each budget's retention plan, {}; against read = "
      "vanilla's own logical peak, {}, and against final = all tokens of all layers, {}, of which "
      "vanilla itself is {}. Measured: at the file's own batch. Process and allocator peaks hold "
      "weights and activations too.",
      describe_shape(comparison), format_bytes(comparison.read_bytes),
      format_bytes(comparison.final_bytes),
      FigureWriter(Numbers::readable).change(comparison.vanilla_change_of_final));
  table.table.columns = {"file",
                         write.column("planned logical peak", "bytes"),
                         write.column("vs read", "fraction"),
                         write.column("vs final", "fraction"),
                         write.column("vanilla vs final", "fraction"),
                         "batch",
                         write.column("measured logical peak", "bytes"),
                         write.column("resident peak", "bytes"),
                         write.column("resident vs read", "fraction"),
                         write.column("resident vs final", "fraction"),
                         write.column("process peak RSS", "bytes")};
  const bool on_device =
      std::any_of(comparison.files.begin(), comparison.files.end(),
                  [](const ComparedFile& file) { return file.memory.allocator_peak_bytes > 0; });
  if (on_device) table.table.columns.push_back(write.column("allocator peak", "bytes"));
  for (const ComparedFile& file : comparison.files) {
    const MemoryFigures& memory = file.memory;
    Cells row = {file.name,
                 write.bytes(memory.planned_peak_bytes),
                 write.change(memory.change_of_read),
                 write.change(memory.change_of_final),
                 write.change(comparison.vanilla_change_of_final),
                 std::to_string(file.batch),
                 write.bytes(memory.logical_peak_bytes),
                 write.bytes(memory.resident_peak_bytes),
                 write.change(memory.resident_change_of_read),
                 write.change(memory.resident_change_of_final),
                 write.bytes(memory.process_peak_rss_bytes)};
    if (on_device) row.push_back(write.bytes(memory.allocator_peak_bytes));
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

std::string shapes_of(const Comparison& comparison) {
  std::string text;
  for (const ComparedFile& file : comparison.files) {
    const KvShape& shape = file.memory.shape;
    text += fmt::format("{}{}: {}, batch {} ({} rows), K {} B + V {} B an element",
                        text.empty() ? "" : "; ", file.name, file.device, file.batch, shape.rows,
                        shape.key_element_bytes, shape.value_element_bytes);
  }
  return text;
}

TitledTable scales_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table;
  table.title = "KV cache after each scale, measured bytes of one batch, all layers";
  table.scope = shapes_of(comparison) + '.';
  table.table.columns = {"scale", "tokens"};
  for (const ComparedFile& file : comparison.files) {
    for (const char* what : {"logical", "resident", "transient"}) {
      table.add_column(write.column(fmt::format("{} {}", file.name, what), "bytes"), file.name,
                       what);
    }
  }
  const ScaleSchedule schedule = comparison.model.schedule();
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    Cells row = {std::to_string(scale), std::to_string(schedule.tokens(scale))};
    for (const ComparedFile& file : comparison.files) {
      const auto at = static_cast<std::size_t>(scale);
      row.push_back(write.bytes(file.memory.logical_bytes.at(at)));
      row.push_back(write.bytes(file.memory.resident_bytes.at(at)));
      row.push_back(write.bytes(file.memory.transient_bytes.at(at)));
    }
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

TitledTable tokens_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table{"Equal tokens", "", {{"scale"}, {}}};
  std::vector<const TokenAgreement*> agreements;
  for (const ComparedFile& file : comparison.files) {
    if (!file.tokens) continue;
    agreements.push_back(&*file.tokens);
    table.add_column(write.column(file.name, "fraction"), file.name, "");
    const ComparedFile& baseline = comparison.files[0];
    table.scope +=
        fmt::format("{}{} ({} {}) against {} ({} {}): {} samples from the same draws.",
                    table.scope.empty() ? "" : " ", file.name, file.device, file.dtype,
                    baseline.name, baseline.device, baseline.dtype, file.tokens->samples);
  }
  if (agreements.empty()) return table;
  for (int scale = 0; scale < comparison.model.schedule().scales(); ++scale) {
    Cells row = {std::to_string(scale)};
    for (const TokenAgreement* agreement : agreements) {
      row.push_back(write.share(agreement->by_scale.at(static_cast<std::size_t>(scale))));
    }
    table.table.rows.push_back(std::move(row));
  }
  Cells overall = {"all"};
  for (const TokenAgreement* agreement : agreements) {
    overall.push_back(write.share(agreement->overall));
  }
  table.table.rows.push_back(std::move(overall));
  return table;
}

/// Name and the start of the digest: retrained scorers keep their name.
std::string name_of(const ScorerRecord& scorer) {
  constexpr std::size_t digits = 8;
  return fmt::format("{} ({})", scorer.name, scorer.sha256.substr(0, digits));
}

std::string how_to_read(const Scores& scores) {
  return fmt::format(
      "{}. Class accuracy: share of samples recognised as the class asked for. Demo Fréchet "
      "distance: of the scorer's features to those of the demo's "
      "real pictures, no FID; it falls as samples are added, so compare equal numbers only.",
      describe_intervals(scores.scorer));
}

TitledTable scores_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table{"Image scores", "", {{"file", "scorer", "samples"}, {}}, Rows::files};
  append(table.table.columns, write.estimate_columns("class accuracy", "fraction"));
  append(table.table.columns, write.estimate_columns("demo Fréchet distance", "1"));
  const bool left_out = std::any_of(
      comparison.files.begin(), comparison.files.end(),
      [](const ComparedFile& file) { return file.scores && file.scores->nonfinite_images > 0; });
  if (left_out) table.table.columns.emplace_back("not finite");
  for (const ComparedFile& file : comparison.files) {
    if (!file.scores) continue;
    const Scores& scores = *file.scores;
    if (table.scope.empty()) table.scope = how_to_read(scores);
    Cells row = {file.name, name_of(scores.scorer), std::to_string(scores.samples)};
    const auto share = [&](double value) { return write.share(value); };
    const auto distance = [&](double value) { return write.number(value, 3); };
    append(row, write.estimate(scores.class_accuracy, share));
    append(row, write.estimate(scores.demo_frechet_distance, distance));
    if (left_out) row.push_back(std::to_string(scores.nonfinite_images));
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

TitledTable forced_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table{"Teacher-forced on the baseline's tokens", "", {{"file"}, {}}, Rows::files};
  append(table.table.columns, forced_columns(write));
  for (const ComparedFile& file : comparison.files) {
    if (!file.forced) continue;
    if (table.scope.empty()) table.scope = describe_forced(*file.forced);
    Cells row = {file.name};
    append(row, forced_cells(*file.forced, write));
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

TitledTable forced_scales_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table{"Teacher-forced, by scale", "", {{"scale"}, {}}};
  std::vector<const ForcedAgreement*> measured;
  for (const ComparedFile& file : comparison.files) {
    if (!file.forced) continue;
    measured.push_back(&*file.forced);
    table.add_column(write.column(file.name + " KL", "nats"), file.name, "KL");
    table.add_column(write.column(file.name + " top-1 agreement", "fraction"), file.name,
                     "top-1 agreement");
  }
  if (measured.empty()) return table;
  for (std::size_t scale = 0; scale < measured.front()->scales.size(); ++scale) {
    Cells row = {std::to_string(scale)};
    for (const ForcedAgreement* agreement : measured) {
      const ForcedFigures& figures = agreement->scales.at(scale);
      append(row,
             {write.number(figures.kl_nats.value, 4), write.share(figures.top1_agreement.value)});
    }
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

TitledTable images_table(const Comparison& comparison, const FigureWriter& write) {
  TitledTable table{"Images against the baseline's, same draws",
                    "PSNR on 8-bit RGB, over the images that are not identical; SSIM over all: "
                    "11×11 Gaussian, σ 1.5, mean of the channels.",
                    {},
                    Rows::files};
  table.table.columns = {"file",
                         "dtype",
                         "device",
                         "compared",
                         "identical",
                         write.column("PSNR mean", "dB"),
                         write.column("PSNR median", "dB"),
                         "SSIM mean",
                         "unreadable",
                         "not finite"};
  for (const ComparedFile& file : comparison.files) {
    if (!file.images) continue;
    const ImageFidelity& images = *file.images;
    table.table.rows.push_back(
        {file.name, file.dtype, file.device, std::to_string(images.images.size()),
         std::to_string(images.identical), write.number(images.psnr_mean_db, 2),
         write.number(images.psnr_median_db, 2), write.number(images.ssim_mean, 4),
         std::to_string(images.unreadable), std::to_string(images.nonfinite)});
  }
  return table;
}

TitledTable settings_table(const Comparison& comparison) {
  TitledTable table{"Settings that differ", "", {{"setting"}, {}}};
  for (const ComparedFile& file : comparison.files) table.add_column(file.name, file.name, "");
  for (const SettingDifference& setting : comparison.settings) {
    Cells row = {setting.field};
    row.insert(row.end(), setting.values.begin(), setting.values.end());
    table.table.rows.push_back(std::move(row));
  }
  return table;
}

TitledTable not_comparable_table(const Comparison& comparison) {
  TitledTable table{"Not comparable", "", {{"files", "what", "why"}, {}}, Rows::notes};
  for (const NotComparable& item : comparison.not_comparable) {
    table.table.rows.push_back({item.file, item.what, item.why});
  }
  return table;
}

}  // namespace

TitledTable problems_table(const std::vector<DataProblem>& problems) {
  TitledTable table{
      "Data problems: read this first", "", {{"file", "what", "advice"}, {}}, Rows::notes};
  for (const DataProblem& problem : problems) {
    table.table.rows.push_back({problem.file, problem.what, problem.advice});
  }
  return table;
}

std::string describe_shape(const Comparison& comparison) {
  const KvShape& shape = comparison.shape;
  return fmt::format(
      "{}: {} layers × {} heads × {} channels, batch {} ({} rows), K {} B + V {} B an element",
      comparison.model.name, comparison.model.depth, shape.heads, shape.head_dim, shape.samples(),
      shape.rows, shape.key_element_bytes, shape.value_element_bytes);
}

std::string describe_scores(const Scores& scores) {
  return fmt::format("Judged by {}; {}", scores.scorer.name, how_to_read(scores));
}

std::vector<TitledTable> to_tables(const Comparison& comparison, Numbers numbers) {
  const FigureWriter write(numbers);
  std::vector<TitledTable> all = {problems_table(comparison.problems), files_table(comparison),
                                  peak_table(comparison, write), scales_table(comparison, write),
                                  module_time_table(comparison, write)};
  // For people they are too many; the report draws what matters of them.
  if (numbers == Numbers::exact) {
    for (const std::string& module : timed_modules(comparison)) {
      all.push_back(scale_time_table(comparison, module, write));
      all.push_back(layer_time_table(comparison, module, write));
    }
  }
  all.push_back(tokens_table(comparison, write));
  all.push_back(forced_table(comparison, write));
  all.push_back(forced_scales_table(comparison, write));
  all.push_back(scores_table(comparison, write));
  all.push_back(images_table(comparison, write));
  all.push_back(settings_table(comparison));
  all.push_back(not_comparable_table(comparison));
  std::vector<TitledTable> filled;
  for (TitledTable& table : all) {
    if (!table.table.rows.empty()) filled.push_back(std::move(table));
  }
  return filled;
}

std::string to_text(const Comparison& comparison, int columns) {
  return to_text(to_tables(comparison, Numbers::readable), columns);
}

std::string to_markdown(const Comparison& comparison) {
  return to_markdown(to_tables(comparison, Numbers::readable));
}

std::string to_csv(const Comparison& comparison) {
  return to_csv(to_tables(comparison, Numbers::exact));
}

}  // namespace kvscope
