#pragma once

#include <cstdint>
#include <string>

namespace kvscope {

/// The labels of a model of `classes` classes: 0 to classes − 1 ask for a class, `classes` itself
/// for none; guidance runs every sample with that one too (VAR, models/var.py, class_emb).
class ClassLabels {
 public:
  explicit constexpr ClassLabels(int classes) : classes_(classes) {}

  constexpr bool asks_for_class(std::int64_t label) const { return label >= 0 && label < classes_; }
  constexpr bool contains(std::int64_t label) const {
    return asks_for_class(label) || label == unconditional();
  }
  constexpr std::int64_t count() const { return classes_ + 1; }
  constexpr std::int64_t unconditional() const { return classes_; }
  constexpr std::int64_t last_class() const { return classes_ - 1; }

  /// Label of a sample where nobody gave a list: the classes in turn.
  constexpr std::int64_t in_turn(std::int64_t sample) const { return sample % classes_; }

  /// For errors: "classes 0 to 9 (10 is unconditional)".
  std::string range() const;

 private:
  std::int64_t classes_;
};

}  // namespace kvscope
