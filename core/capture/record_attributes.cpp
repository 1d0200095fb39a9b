#include "core/capture/record_attributes.h"

#include <cstdint>
#include <limits>
#include <set>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/json_fields.h"
#include "core/base/json_text.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"

namespace kvscope {
namespace {

constexpr const char* numbering_by_run = "run";

void check_schema(const h5::Calls& calls, hid_t file) {
  if (!h5::has_attribute(calls, file, "schema")) {
    calls.refuse("a kvscope file", "an HDF5 file without the attribute schema");
  }
  const std::string found = h5::read_text(calls, file, "schema");
  if (found == schema::version) return;
  if (!found.starts_with(schema::family)) {
    calls.refuse("a kvscope capture", fmt::format("schema {}", found));
  }
  calls.refuse(fmt::format("schema {}, the one this build reads", schema::version),
               fmt::format("{} (a newer kvscope reads it)", found));
}

int read_minor(const h5::Calls& calls, hid_t file) {
  if (!h5::has_attribute(calls, file, schema::schema_minor)) return 0;
  const std::int64_t minor = h5::read_integer(calls, file, schema::schema_minor);
  if (minor < 0 || minor > std::numeric_limits<int>::max()) {
    calls.refuse(fmt::format("attribute {} to be a minor version", schema::schema_minor),
                 std::to_string(minor));
  }
  return static_cast<int>(minor);
}

void check_attributes(const h5::Calls& calls, hid_t file, int minor) {
  for (const schema::Attribute& attribute : schema::attributes) {
    if (attribute.owner != "/" || attribute.since > minor) continue;
    if (!h5::has_attribute(calls, file, std::string(attribute.name))) {
      calls.refuse(fmt::format("attribute {}", attribute.name), "none");
    }
  }
}

FileKind parse_kind(const h5::Calls& calls, const std::string& name) {
  for (const FileKind kind : {FileKind::capture, FileKind::run, FileKind::analysis}) {
    if (name == name_of(kind)) return kind;
  }
  calls.refuse("attribute kind to be capture, run or analysis", name);
}

SampleNumbering read_numbering(const h5::Calls& calls, hid_t file) {
  if (!h5::has_attribute(calls, file, schema::sample_numbering)) return SampleNumbering::file;
  const std::string found = h5::read_text(calls, file, schema::sample_numbering);
  if (found == numbering_by_run) return SampleNumbering::run;
  calls.refuse(fmt::format("attribute {} to be {}", schema::sample_numbering, numbering_by_run),
               found);
}

std::vector<std::string> parse_ids(const h5::Calls& calls, const std::string& text) {
  const nlohmann::json wrapped = {{"source_ids", parse_json(text, "capture", calls.path())}};
  return JsonFields(wrapped, "capture", calls.path()).texts("source_ids");
}

// `skipped` takes the settings that are not known; without it they are refused.
RunRecord read_record(const h5::Calls& calls, hid_t file, std::vector<std::string>* skipped) {
  const auto text = [&](const std::string& name) { return h5::read_text(calls, file, name); };
  RunRecord record;
  record.kind = parse_kind(calls, text("kind"));
  record.capture_id = text("capture_id");
  record.source_ids = parse_ids(calls, text("source_ids"));
  record.tool_version = text("tool_version");
  record.git_commit = text("git_commit");
  record.weights_sha256 = text("weights_sha256");
  record.model = parse_model_config(text("model_config"), calls.path());
  record.numbering = read_numbering(calls, file);
  record.settings = parse_run_settings(text("settings"), calls.path(), record.numbering, skipped);
  record.policy = text("policy");
  record.budget = parse_budget(text("budget"), calls.path());
  record.torch_version = text("torch_version");
  record.device_name = text("device_name");
  record.cpu_name = text("cpu_name");
  record.start_time = text("start_time");
  return record;
}

// Whether `word` is a part that this build knows, which then goes into `parts`.
bool add_part(std::set<Part>& parts, const std::string& word) {
  for (const PartRow* row : part_rows()) {
    if (word != row->name) continue;
    parts.insert(row->part);
    return true;
  }
  return false;
}

void read_contents(const h5::Calls& calls, hid_t file, FileHead& head) {
  for (const std::string& word : h5::read_words(calls, file, schema::contents)) {
    if (add_part(head.parts, word)) continue;
    calls.refuse("attribute contents to name parts that this build knows",
                 head.minor > schema::minor_version ? word + " (a newer kvscope reads it)" : word);
  }
  if (!h5::has_attribute(calls, file, schema::optional_contents)) return;
  for (const std::string& word : h5::read_words(calls, file, schema::optional_contents)) {
    if (!add_part(head.parts, word)) head.skipped.parts.push_back(word);
  }
}

std::string names_of_parts(const FileShape& shape, bool optional) {
  std::vector<std::string_view> names;
  for (const PartRow* row : part_rows()) {
    if (row->optional == optional && shape.has(row->part)) names.push_back(row->name);
  }
  return fmt::format("{}", fmt::join(names, " "));
}

}  // namespace

void create_record(const h5::Calls& calls, hid_t file, const RunRecord& record,
                   const FileShape& shape) {
  const auto text = [&](const std::string& name, std::string_view value) {
    h5::create_text(calls, file, name, value);
  };
  text("schema", schema::version);
  h5::create_integer(calls, file, schema::schema_minor, schema::minor_version);
  text("kind", name_of(record.kind));
  text(schema::contents, names_of_parts(shape, false));
  text(schema::optional_contents, names_of_parts(shape, true));
  h5::create_integer(calls, file, schema::complete, 0);
  text("capture_id", record.capture_id);
  text("source_ids", json_text(nlohmann::json(record.source_ids)));
  text("tool_version", record.tool_version);
  text("git_commit", record.git_commit);
  text("weights_sha256", record.weights_sha256);
  text("model_config", json_text(to_json(record.model)));
  text("settings", json_text(to_json(record.settings)));
  text(schema::sample_numbering, numbering_by_run);
  h5::create_unsigned(calls, file, "seed", record.settings.seed);
  text("rng", name_of(record.settings.rng));
  text("policy", record.policy);
  text("budget", json_text(to_json(record.budget)));
  text("torch_version", record.torch_version);
  text("device_name", record.device_name);
  text("cpu_name", record.cpu_name);
  text("start_time", record.start_time);
}

FileHead read_head(const h5::Calls& calls, hid_t file) {
  check_schema(calls, file);
  FileHead head;
  head.minor = read_minor(calls, file);
  check_attributes(calls, file, head.minor);
  const bool newer = head.minor > schema::minor_version;
  head.record = read_record(calls, file, newer ? &head.skipped.settings : nullptr);
  read_contents(calls, file, head);
  return head;
}

}  // namespace kvscope
