#include "core/capture/parts/statistics.h"

#include <array>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

namespace kvscope {
namespace {

constexpr std::array similarity_datasets = {schema::similarity, schema::norm,
                                            schema::layer_statistic, schema::similarity_sum,
                                            schema::norm_sum};
constexpr std::array mass_datasets = {schema::mass, schema::density, schema::mass_sum};

std::size_t index_of(KvTensor tensor) { return static_cast<std::size_t>(tensor); }

void check_samples(const BatchCheck& check, const BatchStatistics& statistics) {
  if (statistics.samples == check.place().count) return;
  check.refuse(fmt::format("statistics of {} samples", check.place().count),
               fmt::format("of {}", statistics.samples));
}

bool has_similarity(const BatchRecord& batch) {
  return batch.statistics && !batch.statistics->similarity_sum.arrays[0].empty();
}

void check_similarity(const BatchCheck& check, const BatchRecord& batch) {
  const BatchStatistics& statistics = *batch.statistics;
  check_samples(check, statistics);
  for (const auto& sum : statistics.similarity_sum.arrays) check.item(sum, schema::similarity_sum);
  for (const auto& sum : statistics.norm_sum) check.item(sum, schema::norm_sum);
  for (const auto& statistic : statistics.layer_statistic.arrays) {
    check.rows(statistic, schema::layer_statistic);
  }
}

void write_similarity(const BatchWriter& out, const BatchRecord& batch) {
  const BatchStatistics& statistics = *batch.statistics;
  for (const KvTensor tensor : all_kv_tensors) {
    for (const Metric metric : all_metrics) {
      out.item(schema::path_of(schema::similarity_sum, metric, tensor),
               statistics.similarity_sum(metric, tensor).data);
      out.rows(schema::path_of(schema::layer_statistic, metric, tensor),
               statistics.layer_statistic(metric, tensor).data);
      out.whole(schema::path_of(schema::similarity, metric, tensor),
                out.means().similarity(metric, tensor));
    }
    out.item(schema::path_of(schema::norm_sum, tensor), statistics.norm_sum[index_of(tensor)].data);
    out.whole(schema::path_of(schema::norm, tensor), out.means().norm[index_of(tensor)]);
  }
}

BatchStatistics& statistics_of(const BatchReader& in, BatchRecord& batch) {
  if (!batch.statistics) batch.statistics.emplace().samples = in.samples();
  return *batch.statistics;
}

void read_similarity(const BatchReader& in, BatchRecord& batch) {
  BatchStatistics& statistics = statistics_of(in, batch);
  for (const KvTensor tensor : all_kv_tensors) {
    for (const Metric metric : all_metrics) {
      statistics.similarity_sum(metric, tensor) = in.item<double>(
          schema::similarity_sum, schema::path_of(schema::similarity_sum, metric, tensor));
      statistics.layer_statistic(metric, tensor) = in.rows<double>(
          schema::layer_statistic, schema::path_of(schema::layer_statistic, metric, tensor));
    }
    statistics.norm_sum[index_of(tensor)] =
        in.item<double>(schema::norm_sum, schema::path_of(schema::norm_sum, tensor));
  }
}

bool has_mass(const BatchRecord& batch) {
  return batch.statistics && !batch.statistics->mass_sum.empty();
}

void check_mass(const BatchCheck& check, const BatchRecord& batch) {
  check_samples(check, *batch.statistics);
  check.item(batch.statistics->mass_sum, schema::mass_sum);
}

void write_mass(const BatchWriter& out, const BatchRecord& batch) {
  out.item(schema::mass_sum, batch.statistics->mass_sum.data);
  out.whole(schema::mass, out.means().mass);
  out.whole(schema::density, out.means().density);
}

void read_mass(const BatchReader& in, BatchRecord& batch) {
  statistics_of(in, batch).mass_sum = in.item<double>(schema::mass_sum);
}

Statistics stored_means(const OpenCapture& file) {
  Statistics result;
  result.samples = file.committed_samples();
  if (file.shape().has(Part::similarity)) {
    for (const KvTensor tensor : all_kv_tensors) {
      for (const Metric metric : all_metrics) {
        result.similarity(metric, tensor) = file.all<double>(
            schema::similarity, schema::path_of(schema::similarity, metric, tensor));
      }
      result.norm[index_of(tensor)] =
          file.all<double>(schema::norm, schema::path_of(schema::norm, tensor));
    }
  }
  if (file.shape().has(Part::mass)) {
    result.mass = file.all<double>(schema::mass);
    result.density = file.all<double>(schema::density);
  }
  return result;
}

Statistics means_of_batches(const OpenCapture& file) {
  StatisticsSums sums;
  for (std::int64_t index = 0; index < std::ssize(file.batch_samples()); ++index) {
    const BatchReader in(file, index);
    BatchRecord batch;
    if (file.shape().has(Part::similarity)) read_similarity(in, batch);
    if (file.shape().has(Part::mass)) read_mass(in, batch);
    sums.add(*batch.statistics);
  }
  return sums.means(file.record().model.schedule().tokens_by_scale());
}

}  // namespace

constinit const PartRow similarity_part = {.part = Part::similarity,
                                           .name = "similarity",
                                           .datasets = similarity_datasets,
                                           .is_in = has_similarity,
                                           .check = check_similarity,
                                           .write = write_similarity,
                                           .read = read_similarity};

constinit const PartRow mass_part = {.part = Part::mass,
                                     .name = "mass",
                                     .datasets = mass_datasets,
                                     .is_in = has_mass,
                                     .check = check_mass,
                                     .write = write_mass,
                                     .read = read_mass};

std::optional<Statistics> read_statistics(const OpenCapture& file) {
  if (!file.shape().layout().has_statistics() || file.committed_samples() == 0) return std::nullopt;
  Statistics result = file.complete() ? stored_means(file) : means_of_batches(file);
  if (!file.shape().has(Part::similarity)) return result;
  for (const Metric metric : all_metrics) {
    for (const KvTensor tensor : all_kv_tensors) {
      result.layer_statistic(metric, tensor) = file.rows<double>(
          schema::layer_statistic, schema::path_of(schema::layer_statistic, metric, tensor), 0,
          file.committed_samples());
    }
  }
  return result;
}

}  // namespace kvscope
