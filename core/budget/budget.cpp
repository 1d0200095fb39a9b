#include "core/budget/budget.h"

#include <algorithm>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/budget/choice_names.h"
#include "core/budget/denominator.h"
#include "core/budget/policies/rule_fields.h"

namespace kvscope {
namespace {

constexpr std::string_view where = "budget";
constexpr std::string_view schema = "kvscope.budget/1";

std::string one_of(JsonFields& fields, std::string_view key,
                   std::span<const std::string_view> known) {
  std::string value = fields.text(key);
  if (std::find(known.begin(), known.end(), value) == known.end()) {
    fields.fail(key, fmt::format("one of {}", fmt::join(known, ", ")),
                fmt::format("\"{}\"", value));
  }
  return value;
}

double number_at_least_zero(JsonFields& fields, std::string_view key) {
  const double value = fields.number(key);
  if (value < 0) fields.fail(key, "a number ≥ 0", fmt::to_string(value));
  return value;
}

BudgetModel parse_model(JsonFields fields) {
  constexpr int largest = std::numeric_limits<int>::max();
  BudgetModel model;
  model.depth = integer_between(fields, "depth", 1, largest);
  model.heads = integer_between(fields, "heads", 1, largest);
  model.head_dim = integer_between(fields, "head_dim", 1, largest);
  model.patch_nums = fields.integers("patch_nums", 1);
  fields.refuse_unknown();
  try {
    (void)ScaleSchedule(model.patch_nums);
  } catch (const Error&) {
    fields.fail("patch_nums", "two or more ascending sides", fmt::format("{}", model.patch_nums));
  }
  return model;
}

std::vector<std::string> keys_of(std::span<const RuleForm> forms) {
  std::vector<std::string> keys;
  for (const RuleForm& form : forms) keys.emplace_back(form.key);
  return keys;
}

std::vector<std::string_view> policies_of(std::span<const RuleForm> forms) {
  std::vector<std::string_view> policies;
  for (const RuleForm& form : forms) {
    const bool known = std::find(policies.begin(), policies.end(), form.policy) != policies.end();
    if (!known) policies.push_back(form.policy);
  }
  return policies;
}

const RuleForm& form_of(const JsonFields& fields, std::span<const RuleForm> forms,
                        const std::string& file, std::size_t position) {
  std::vector<const RuleForm*> there;
  std::vector<std::string_view> named;
  for (const RuleForm& form : forms) {
    if (!fields.has(form.key)) continue;
    there.push_back(&form);
    named.push_back(form.key);
  }
  if (there.size() == 1) return *there.front();
  const std::vector<std::string> keys = keys_of(forms);
  throw BadInput(where, file,
                 fmt::format("layers[{}] to have exactly one of {} and {}", position,
                             fmt::join(keys.begin(), keys.end() - 1, ", "), keys.back()),
                 named.empty() ? "none" + fields.misspelt(keys)
                               : fmt::format("{}", fmt::join(named, " and ")));
}

LayerRule parse_rule(JsonFields& fields, const RuleForm& form, const ScaleSchedule& schedule) {
  LayerRule rule = form.parse(fields, schedule);
  if (const auto wrong = rule.problem(schedule)) {
    fields.fail(wrong->field, wrong->expected, wrong->got);
  }
  return rule;
}

std::vector<LayerBudget> parse_layers(JsonFields& root, const Budget& budget,
                                      const std::string& file, std::span<const RuleForm> forms) {
  const ScaleSchedule schedule(budget.model.patch_nums);
  const std::size_t depth = static_cast<std::size_t>(budget.model.depth);
  const std::size_t entries = root.array("layers").size();
  if (entries != depth) {
    root.fail("layers", fmt::format("one entry for each of {} layers", depth),
              fmt::format("{} entries", entries));
  }
  std::vector<LayerBudget> layers(depth);
  std::vector<bool> seen(depth, false);
  for (std::size_t position = 0; position < entries; ++position) {
    JsonFields fields = root.element("layers", position);
    const int layer = integer_between(fields, "layer", 0, budget.model.depth - 1);
    const std::size_t index = static_cast<std::size_t>(layer);
    if (seen[index]) {
      fields.fail("layer", "a layer that no earlier entry names", fmt::to_string(layer));
    }
    seen[index] = true;
    const bool demanding =
        one_of(fields, "class", layer_class_names) == name_of(LayerClass::demanding);
    layers[index].layer_class = demanding ? LayerClass::demanding : LayerClass::efficient;
    const RuleForm& form = form_of(fields, forms, file, position);
    layers[index].rule = parse_rule(fields, form, schedule);
    fields.refuse_unknown();
    if (form.policy != budget.policy && form.policy != vanilla_policy) {
      fields.fail(KeepAll::key, fmt::format("\"all\" under policy {}", budget.policy),
                  "another rule");
    }
  }
  return layers;
}

BudgetOrigin parse_origin(JsonFields fields) {
  BudgetOrigin origin;
  if (fields.has("capture_id")) origin.capture_id = fields.text("capture_id");
  if (fields.has("choice")) origin.choice = one_of(fields, "choice", choice_names::all);
  if (fields.has("statistic")) origin.statistic = fields.text("statistic");
  if (fields.has("theta")) origin.theta = fields.number("theta");
  if (fields.has("demanding_layers")) {
    origin.demanding_layers = fields.integer("demanding_layers", 0);
  }
  if (fields.has("ratio")) origin.ratio = number_at_least_zero(fields, "ratio");
  if (fields.has("of")) origin.of = one_of(fields, "of", denominator_names);
  if (fields.has("kv_memory_bytes")) origin.kv_memory_bytes = fields.integer("kv_memory_bytes", 0);
  if (fields.has("fill")) origin.fill = fields.boolean("fill");
  fields.refuse_unknown();
  return origin;
}

BudgetExpectation parse_expectation(JsonFields fields) {
  BudgetExpectation expected;
  expected.logical_peak_bytes = fields.integer("logical_peak_bytes", 0);
  if (fields.has("resident_peak_bytes")) {
    expected.resident_peak_bytes = fields.integer("resident_peak_bytes", 0);
  }
  expected.batch = integer_between(fields, "batch", 1, largest_batch);
  expected.key_element_bytes =
      integer_between(fields, "key_element_bytes", 1, largest_element_bytes);
  expected.value_element_bytes =
      integer_between(fields, "value_element_bytes", 1, largest_element_bytes);
  expected.ratio_of_read = number_at_least_zero(fields, "ratio_of_read");
  expected.ratio_of_final = number_at_least_zero(fields, "ratio_of_final");
  fields.refuse_unknown();
  return expected;
}

Budget parse(const nlohmann::json& json, const std::string& file, std::span<const RuleForm> forms) {
  JsonFields root(json, std::string(where), file);
  root.check_schema(schema);
  Budget budget;
  budget.policy = one_of(root, "policy", policies_of(forms));
  budget.model = parse_model(root.object("model"));
  budget.layers = parse_layers(root, budget, file, forms);
  if (root.has("rule")) budget.rule = parse_origin(root.object("rule"));
  if (root.has("expected")) budget.expected = parse_expectation(root.object("expected"));
  root.refuse_unknown();
  return budget;
}

nlohmann::json layer_json(const LayerBudget& layer, std::size_t index) {
  nlohmann::json json = {{"layer", index}, {"class", name_of(layer.layer_class)}};
  layer.rule.write(json);
  return json;
}

nlohmann::json origin_json(const BudgetOrigin& origin) {
  nlohmann::json json = nlohmann::json::object();
  if (!origin.capture_id.empty()) json["capture_id"] = origin.capture_id;
  if (!origin.choice.empty()) json["choice"] = origin.choice;
  if (!origin.statistic.empty()) json["statistic"] = origin.statistic;
  if (origin.theta) json["theta"] = *origin.theta;
  if (origin.demanding_layers) json["demanding_layers"] = *origin.demanding_layers;
  if (origin.ratio) json["ratio"] = *origin.ratio;
  if (origin.of) json["of"] = *origin.of;
  if (origin.kv_memory_bytes) json["kv_memory_bytes"] = *origin.kv_memory_bytes;
  if (origin.fill) json["fill"] = true;
  return json;
}

}  // namespace

bool runs_alike(const Budget& a, const Budget& b) {
  return a.policy == b.policy && a.model == b.model && a.layers == b.layers;
}

BudgetModel budget_model_of(const ModelConfig& config) {
  return {.depth = config.depth,
          .heads = config.heads,
          .head_dim = config.head_dim(),
          .patch_nums = config.patch_nums};
}

Budget vanilla_budget(const BudgetModel& model) {
  Budget budget;
  budget.policy = vanilla_policy;
  budget.model = model;
  budget.layers.resize(static_cast<std::size_t>(model.depth));
  return budget;
}

Budget load_budget(const std::string& path) {
  return parse(read_json_file(path, where), path, rule_forms());
}

Budget parse_budget(std::string_view json, const std::string& file,
                    std::span<const RuleForm> forms) {
  return parse(parse_json(json, where, file), file, forms);
}

nlohmann::json to_json(const Budget& budget) {
  nlohmann::json layers = nlohmann::json::array();
  for (std::size_t layer = 0; layer < budget.layers.size(); ++layer) {
    layers.push_back(layer_json(budget.layers[layer], layer));
  }
  nlohmann::json json = {{"schema", schema},
                         {"policy", budget.policy},
                         {"model",
                          {{"depth", budget.model.depth},
                           {"heads", budget.model.heads},
                           {"head_dim", budget.model.head_dim},
                           {"patch_nums", budget.model.patch_nums}}},
                         {"layers", std::move(layers)}};
  if (budget.rule) json["rule"] = origin_json(*budget.rule);
  if (budget.expected) {
    json["expected"] = {{"logical_peak_bytes", budget.expected->logical_peak_bytes},
                        {"batch", budget.expected->batch},
                        {"key_element_bytes", budget.expected->key_element_bytes},
                        {"value_element_bytes", budget.expected->value_element_bytes},
                        {"ratio_of_read", budget.expected->ratio_of_read},
                        {"ratio_of_final", budget.expected->ratio_of_final}};
    if (budget.expected->resident_peak_bytes) {
      json["expected"]["resident_peak_bytes"] = *budget.expected->resident_peak_bytes;
    }
  }
  return json;
}

void check_budget_fits(const Budget& budget, const ModelConfig& config, const std::string& file) {
  const BudgetModel model = budget_model_of(config);
  const auto check = [&](std::string_view field, const auto& expected, const auto& got) {
    if (expected == got) return;
    throw BadInput(where, file,
                   fmt::format("model.{} to be {}, as in model {}", field, expected, config.name),
                   fmt::format("{}", got));
  };
  check("depth", model.depth, budget.model.depth);
  check("heads", model.heads, budget.model.heads);
  check("head_dim", model.head_dim, budget.model.head_dim);
  check("patch_nums", model.patch_nums, budget.model.patch_nums);
}

}  // namespace kvscope
