#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/common/path_kind.h"
#include "cli/common/value_options.h"
#include "cli/kvscope/commands.h"
#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/base/log.h"
#include "core/base/output_file.h"
#include "core/base/progress.h"
#include "core/base/table.h"
#include "core/capture/capture_images.h"
#include "core/image/npz.h"

namespace kvscope::cli {
namespace {

struct Options {
  std::string file;
  std::string csv;
  std::string npz;
  std::uint64_t shuffle_seed = 0;
  bool force = false;
  bool json = false;
};

// std::shuffle is not the same everywhere; a recorded seed must be.
std::vector<std::int64_t> shuffled_samples(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::mt19937_64 random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

// An evaluator would take a spoiled image for one that the model meant.
std::vector<std::int64_t> exported_samples(const CaptureReader& reader, std::uint64_t seed) {
  const std::int64_t samples = reader.committed_samples();
  std::vector<std::int64_t> order = shuffled_samples(samples, seed);
  std::erase_if(order, [&](std::int64_t sample) { return !reader.has_finite_image(sample); });
  if (order.empty()) {
    throw BadInput("export", reader.path(), "at least one image to export",
                   samples == 0 ? "no committed sample"
                                : fmt::format("none: NaN or infinity behind all {}", samples));
  }
  return order;
}

int export_images(const CaptureReader& reader, const Options& options) {
  const std::vector<std::int64_t> order = exported_samples(reader, options.shuffle_seed);
  const std::vector<std::int64_t> left_out = reader.nonfinite_samples();
  const int side = reader.record().model.image_size;
  NpzWriter writer(options.npz, options.force);
  writer.begin_array("arr_0", "|u1", {static_cast<std::int64_t>(order.size()), side, side, 3});
  Progress progress("export", static_cast<std::int64_t>(order.size()), "images");
  const CaptureImages images(reader);
  for (const std::int64_t position : order) {
    const Image image = images.read(position);
    if (image.width != side || image.height != side) {
      throw BadInput("export", images.path(position), fmt::format("{0} × {0} pixels", side),
                     fmt::format("{} × {}", image.width, image.height));
    }
    writer.append(std::as_bytes(std::span(image.rgb)));
    progress.advance(1);
  }
  writer.end_array();
  const std::vector<std::int64_t> samples = reader.samples();
  std::vector<std::int64_t> indices;
  for (const std::int64_t position : order) {
    indices.push_back(samples[static_cast<std::size_t>(position)]);
  }
  // Which seed and which order, so that a sample can be found again.
  writer.begin_array("shuffle_seed", "<u8", {1});
  writer.append(std::as_bytes(std::span(&options.shuffle_seed, 1)));
  writer.end_array();
  writer.begin_array("sample", "<i8", {static_cast<std::int64_t>(order.size())});
  writer.append(std::as_bytes(std::span(indices)));
  writer.end_array();
  writer.begin_array("left_out", "<i8", {static_cast<std::int64_t>(left_out.size())});
  writer.append(std::as_bytes(std::span(left_out)));
  writer.end_array();
  writer.finish();
  if (options.json) {
    fmt::print("{}\n", json_text(nlohmann::json{{"file", options.npz},
                                                {"images", order.size()},
                                                {"left_out", left_out},
                                                {"shuffle_seed", options.shuffle_seed}}));
  } else {
    fmt::print("{}: {} images, arr_0 uint8 NHWC, shuffled with seed {}\n", options.npz,
               order.size(), options.shuffle_seed);
  }
  if (left_out.empty()) return 0;
  log().warn("{}: {} images left out, NaN or infinity behind them: samples {}", options.npz,
             left_out.size(), fmt::join(left_out, ", "));
  return exit_code(ErrorKind::data_lost);
}

std::string cell(double value) { return std::isnan(value) ? "" : fmt::format("{:.9g}", value); }

Table statistics_table(const Statistics& statistics, const ModelConfig& model) {
  Table table{
      .columns = {"layer", "head", "target", "source", "cosine_key", "cosine_value", "neg_l2_key",
                  "neg_l2_value", "attention_mass", "attention_share", "attention_density"},
      .rows = {}};
  const int scales = static_cast<int>(model.patch_nums.size());
  const NdArray<double> share =
      attention_share(statistics.mass, model.schedule().tokens_by_scale());
  const auto at = [](const NdArray<double>& array, int layer, int head, int target, int source) {
    return array.empty() ? std::string() : cell(array(layer, head, target, source));
  };
  for (int layer = 0; layer < model.depth; ++layer) {
    for (int head = 0; head < model.heads; ++head) {
      for (int target = 0; target < scales; ++target) {
        for (int source = 0; source <= target; ++source) {
          std::vector<std::string> row = {fmt::to_string(layer), fmt::to_string(head),
                                          fmt::to_string(target), fmt::to_string(source)};
          for (const NdArray<double>& array : statistics.similarity.arrays) {
            row.push_back(at(array, layer, head, target, source));
          }
          row.push_back(at(statistics.mass, layer, head, target, source));
          row.push_back(at(share, layer, head, target, source));
          row.push_back(at(statistics.density, layer, head, target, source));
          table.rows.push_back(std::move(row));
        }
      }
    }
  }
  return table;
}

void export_csv(const CaptureReader& reader, const Options& options) {
  const std::optional<Statistics> statistics = reader.statistics();
  if (!statistics) {
    throw BadInput("export", reader.path(), "similarity or attention statistics in the file",
                   "none (make them with 'kvscope analyze')");
  }
  if (!statistics->has_similarity()) {
    log().warn(
        "{}: no similarity, its columns stay empty ('kvscope analyze' computes it from raw K and "
        "V)",
        reader.path());
  }
  const Table table = statistics_table(*statistics, reader.record().model);
  check_text_target(options.csv, options.force);
  write_file(options.csv, to_csv(table));
  if (is_standard_output(options.csv)) return;
  if (options.json) {
    fmt::print("{}\n",
               json_text(nlohmann::json{{"file", options.csv}, {"rows", table.rows.size()}}));
  } else {
    fmt::print("{}: {} rows\n", options.csv, table.rows.size());
  }
}

void check_file(const Options& options) {
  if (options.csv.empty()) {
    expect_kind("export --npz", options.file, "a capture or run, which have images",
                {PathKind::capture, PathKind::run});
  } else {
    expect_kind("export --csv", options.file, "an analysis or capture, which have statistics",
                {PathKind::analysis, PathKind::capture});
  }
}

}  // namespace

Command export_command() {
  return {.name = "export",
          .summary = "Write statistics as CSV or images as NPZ for other tools",
          .define = [](CLI::App& app) -> std::function<int()> {
            auto options = std::make_shared<Options>();
            app.add_option("file", options->file, "Capture, run or analysis file")->required();
            auto* csv = app.add_option("--csv", options->csv,
                                       "Similarity, attention mass (counts queries), share (of the "
                                       "target's attention) and density, one row per (layer, "
                                       "head, target, source); - for stdout");
            auto* npz =
                app.add_option("--npz", options->npz,
                               "Images as arr_0, uint8 [sample, y, x, 3], shuffled: what the "
                               "usual FID evaluators read");
            csv->excludes(npz);
            add_number(app, "--shuffle-seed", options->shuffle_seed, "Order of the images",
                       NumberRange<std::uint64_t>{})
                ->needs(npz);
            app.add_flag("--force", options->force, "Overwrite an existing file");
            app.add_flag("--json", options->json, "Machine-readable summary");
            return [options] {
              if (options->csv.empty() && options->npz.empty()) {
                throw UsageError("export: give --csv FILE or --npz FILE");
              }
              check_file(*options);
              const CaptureReader reader(options->file);
              if (options->csv.empty()) return export_images(reader, *options);
              export_csv(reader, *options);
              return 0;
            };
          }};
}

}  // namespace kvscope::cli
