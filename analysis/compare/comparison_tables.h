#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/compare/comparison.h"
#include "analysis/compare/titled_table.h"

namespace kvscope {

/// Losses with advice; no rows when there are none.
TitledTable problems_table(const std::vector<DataProblem>& problems);

/// The whole comparison, most urgent first: lost data, files, memory, time, tokens, scores,
/// images, settings, what is not comparable. Empty parts are left out. Exact numbers come with the
/// times of every module by scale and by layer too.
std::vector<TitledTable> to_tables(const Comparison& comparison, Numbers numbers);

/// All tables for a terminal of `columns` columns: a figure a row, the files beside each other.
std::string to_text(const Comparison& comparison, int columns = usual_text_columns);

/// All tables as GitHub-flavoured markdown, each under a heading.
std::string to_markdown(const Comparison& comparison);

/// One long CSV, exact numbers, one line for each cell: table, line in it, first cell of that line,
/// column, value.
std::string to_csv(const Comparison& comparison);

/// Schema "kvscope.comparison/1"; bytes and ns as numbers, changes as fractions.
nlohmann::json to_json(const Comparison& comparison);

/// What every byte figure of a reduction depends on, e.g. "demo: 4 layers × 4 heads × 32 channels,
/// batch 8 (16 rows), K 4 B + V 4 B an element".
std::string describe_shape(const Comparison& comparison);

/// Who judged the images, and how to read the scores.
std::string describe_scores(const Scores& scores);

}  // namespace kvscope
