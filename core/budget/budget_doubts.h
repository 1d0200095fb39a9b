#pragma once

#include <string>
#include <vector>

#include "core/budget/kv_bytes.h"

namespace kvscope {

/// Layers whose class says something else than their rule: efficient ones that keep everything, and
/// demanding ones that keep no more than an efficient one, or less than another demanding one. Only
/// the rule decides what is kept.
std::vector<int> layers_of_another_class(const Budget& budget);

/// Whether the stated expectation, if any, is what the layers come to.
bool expectation_holds(const Budget& budget);

/// What an edit by hand left behind, a sentence each: an expectation or classes that the layers do
/// not agree with. For whoever runs or shows the budget; it can be used all the same.
std::vector<std::string> doubts_of(const Budget& budget);

/// How far a run that is counted in `shape` exceeds the memory that the budget was asked for; empty
/// when it does not, or there is no resident_limit.
std::string memory_doubt(const Budget& budget, const KvShape& shape);

}  // namespace kvscope
