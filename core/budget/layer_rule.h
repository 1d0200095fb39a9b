#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/budget/head_group.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// Why a rule cannot be kept: a field of the budget JSON, what it must be and what it is.
struct RuleProblem {
  std::string field;
  std::string expected;
  std::string got;
};

/// What `kvscope plan` takes to give a rule, e.g. {"condensed", 2}, {"local", 1}.
using RuleOptions = std::vector<std::pair<std::string, std::int64_t>>;

/// What a layer keeps: one form of it is one file of core/budget/policies and one line of
/// rule_list.cpp. `key` is the field of the budget JSON that tells the form from the others,
/// `policy` the name that a budget needs to use it. To be read from JSON a form also has
/// `static Rule parse(JsonFields&, const ScaleSchedule&)`.
template <typename Rule>
concept RetentionRule =
    std::equality_comparable<Rule> &&
    requires(const Rule& rule, nlohmann::json& json, const ScaleSchedule& schedule, int heads) {
      { Rule::key } -> std::convertible_to<std::string_view>;
      { Rule::policy } -> std::convertible_to<std::string_view>;
      // Adds its fields to those of a layer.
      rule.write(json);
      // For people: "condensed 2, local 1".
      { rule.in_words() } -> std::same_as<std::string>;
      // Nothing when it can be kept in a model of this schedule.
      { rule.problem(schedule) } -> std::same_as<std::optional<RuleProblem>>;
      // What it comes to, every head in one group; only asked of a rule without a problem.
      { rule.groups(schedule, heads) } -> std::same_as<std::vector<HeadGroup>>;
    };

/// Any of these rules, as a value. Rules that no option of `plan` leads to, or that have no larger
/// neighbour, need not say so.
class LayerRule {
 public:
  template <typename Rule>
    requires(!std::same_as<Rule, LayerRule>) && RetentionRule<Rule>
  LayerRule(Rule rule) : held_(std::make_shared<const Held<Rule>>(std::move(rule))) {}

  std::string_view key() const { return held_->key(); }
  std::string_view policy() const { return held_->policy(); }
  void write(nlohmann::json& layer) const { held_->write(layer); }
  std::string in_words() const { return held_->in_words(); }
  std::optional<RuleProblem> problem(const ScaleSchedule& schedule) const {
    return held_->problem(schedule);
  }
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const {
    return held_->groups(schedule, heads);
  }

  /// What --efficient of `plan` takes for it; empty when nothing leads to it.
  RuleOptions plan_options() const { return held_->plan_options(); }

  /// The rule nearest to it that holds more at some scale; nothing when there is none.
  std::optional<LayerRule> next_larger(const ScaleSchedule& schedule) const {
    return held_->next_larger(schedule);
  }

  /// The rule of this form that it is, else null.
  template <RetentionRule Rule>
  const Rule* as() const {
    const auto* held = dynamic_cast<const Held<Rule>*>(held_.get());
    return held != nullptr ? &held->rule : nullptr;
  }

  friend bool operator==(const LayerRule& a, const LayerRule& b) {
    return a.held_->equals(*b.held_);
  }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::string_view key() const = 0;
    virtual std::string_view policy() const = 0;
    virtual void write(nlohmann::json& layer) const = 0;
    virtual std::string in_words() const = 0;
    virtual std::optional<RuleProblem> problem(const ScaleSchedule& schedule) const = 0;
    virtual std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const = 0;
    virtual RuleOptions plan_options() const = 0;
    virtual std::optional<LayerRule> next_larger(const ScaleSchedule& schedule) const = 0;
    virtual bool equals(const Interface& other) const = 0;
  };

  template <typename Rule>
  struct Held final : Interface {
    explicit Held(Rule of) : rule(std::move(of)) {}
    std::string_view key() const override { return Rule::key; }
    std::string_view policy() const override { return Rule::policy; }
    void write(nlohmann::json& layer) const override { rule.write(layer); }
    std::string in_words() const override { return rule.in_words(); }
    std::optional<RuleProblem> problem(const ScaleSchedule& schedule) const override {
      return rule.problem(schedule);
    }
    std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const override {
      return rule.groups(schedule, heads);
    }
    RuleOptions plan_options() const override {
      if constexpr (requires { rule.plan_options(); }) return rule.plan_options();
      return {};
    }
    std::optional<LayerRule> next_larger(const ScaleSchedule& schedule) const override {
      if constexpr (requires { rule.next_larger(schedule); }) return rule.next_larger(schedule);
      return std::nullopt;
    }
    bool equals(const Interface& other) const override {
      const auto* same = dynamic_cast<const Held*>(&other);
      return same != nullptr && same->rule == rule;
    }

    Rule rule;
  };

  std::shared_ptr<const Interface> held_;
};

}  // namespace kvscope
