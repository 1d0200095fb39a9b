#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "core/base/table.h"
#include "core/base/text_wrap.h"

namespace kvscope {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t gap = 2;
/// Words are not wrapped into less than this, as a wrapped cell in every row is hard to read;
constexpr std::size_t narrowest_words = 28;
/// but names in front of a row, and files beside each other, are.
constexpr std::size_t narrowest_names = 16;
/// Long words, such as ids, paths and lists, can be broken behind these.
constexpr std::string_view joints = "-/,";
/// Longer runs without a place to break, such as digests, are cut anywhere.
constexpr std::size_t longest_run = 40;
/// What begins like a number and is longer is an id.
constexpr std::size_t longest_number = 32;

/// Text cut behind each mark that joins words, and where a run gets too long.
Lines runs_of(const std::string& word) {
  Lines runs(1);
  std::size_t characters = 0;
  for (const char character : word) {
    const bool begins = (static_cast<unsigned char>(character) & 0xC0U) != 0x80U;
    if (begins && characters == longest_run) {
      runs.emplace_back();
      characters = 0;
    }
    runs.back() += character;
    characters += begins ? 1 : 0;
    if (joints.find(character) != std::string_view::npos) {
      runs.emplace_back();
      characters = 0;
    }
  }
  return runs;
}

std::size_t longest_of(const Lines& lines) {
  std::size_t longest = 0;
  for (const std::string& line : lines) longest = std::max(longest, character_count(line));
  return longest;
}

Lines words_of(const std::string& text) { return wrapped_lines(text, 1); }

std::size_t longest_run_of(const std::string& cell) {
  std::size_t longest = 0;
  for (const std::string& word : words_of(cell)) {
    longest = std::max(longest, longest_of(runs_of(word)));
  }
  return longest;
}

/// A number with its unit and interval, which no line break may part.
bool stays_whole(const std::string& cell) {
  return is_number(cell) && character_count(cell) <= longest_number;
}

/// A cell in lines of at most `width` characters. Numbers are never broken, words only where they
/// are wider than the column.
Lines cell_lines(const std::string& cell, std::size_t width) {
  if (character_count(cell) <= width || stays_whole(cell)) return {cell};
  Lines lines;
  for (const std::string& line : wrapped_lines(cell, static_cast<int>(width))) {
    lines.emplace_back();
    for (const std::string& run : character_count(line) <= width ? Lines{line} : runs_of(line)) {
      if (character_count(lines.back() + run) > width) lines.emplace_back();
      lines.back() += run;
    }
  }
  return lines;
}

struct Column {
  std::size_t index = 0;
  std::size_t width = 0;
  std::size_t least = 0;  ///< it can be made so narrow
  bool right = false;
};

Column measure(const Table& table, std::size_t index, const std::string& heading) {
  const std::string& name = table.columns[index];
  const std::size_t of_heading = longest_of(words_of(heading));
  Column column{index, std::max(character_count(name), of_heading),
                std::max(longest_of(words_of(name)), of_heading), is_right_aligned(table, index)};
  const std::size_t narrowest =
      index == 0 || table.figures_right ? narrowest_names : narrowest_words;
  for (const std::vector<std::string>& row : table.rows) {
    const std::string& cell = row.at(index);
    const std::size_t width = character_count(cell);
    column.width = std::max(column.width, width);
    const std::size_t least =
        stays_whole(cell) ? width : std::max(longest_run_of(cell), std::min(width, narrowest));
    column.least = std::max(column.least, least);
  }
  return column;
}

template <typename Width>
std::size_t total(const std::vector<Column>& columns, Width width) {
  return std::accumulate(
      columns.begin(), columns.end(), columns.empty() ? 0 : gap * (columns.size() - 1),
      [width](std::size_t sum, const Column& column) { return sum + column.*width; });
}

/// Narrows the widest of the columns that can be, until all fit.
void narrow(std::vector<Column>& columns, std::size_t room) {
  while (total(columns, &Column::width) > room) {
    Column* widest = nullptr;
    for (Column& column : columns) {
      const bool can = column.width > column.least;
      if (can && (widest == nullptr || column.width > widest->width)) widest = &column;
    }
    if (widest == nullptr) return;
    --widest->width;
  }
}

/// The columns of a table, cut into blocks that fit, each led by the first column.
class Blocks {
 public:
  Blocks(Column first, std::size_t room) : room_(room), blocks_{{first}} {}

  void add(const std::vector<Column>& group) {
    if (!fits(blocks_.back(), group) && blocks_.back().size() > 1) begin();
    if (fits(blocks_.back(), group)) {
      blocks_.back().insert(blocks_.back().end(), group.begin(), group.end());
      return;
    }
    for (const Column& column : group) {
      if (!fits(blocks_.back(), {column}) && blocks_.back().size() > 1) begin();
      blocks_.back().push_back(column);
    }
  }

  const std::vector<std::vector<Column>>& blocks() const { return blocks_; }

 private:
  bool fits(std::vector<Column> block, const std::vector<Column>& more) const {
    block.insert(block.end(), more.begin(), more.end());
    return total(block, &Column::least) <= room_;
  }
  void begin() { blocks_.push_back({blocks_.front().front()}); }

  std::size_t room_;
  std::vector<std::vector<Column>> blocks_;
};

/// The group of each column, as an index into table.groups; npos: of none.
std::vector<std::size_t> groups_of(const Table& table) {
  std::vector<std::size_t> of(table.columns.size(), std::string::npos);
  for (std::size_t group = 0; group < table.groups.size(); ++group) {
    std::fill(of.begin() + static_cast<std::ptrdiff_t>(table.groups[group].first), of.end(), group);
  }
  return of;
}

class TextTable {
 public:
  TextTable(const Table& table, std::size_t room)
      : table_(table), room_(room), groups_(groups_of(table)) {}

  std::string text() const {
    std::vector<Column> all;
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      all.push_back(measure(table_, i, heading_of(i)));
    }
    if (all.empty()) return "";
    std::string text;
    for (std::vector<Column> block : cut(all)) {
      narrow(block, room_);
      if (!text.empty()) text += '\n';
      text += block_text(block);
    }
    return text;
  }

 private:
  std::string heading_of(std::size_t column) const {
    return groups_[column] == std::string::npos ? "" : table_.groups[groups_[column]].heading;
  }

  std::vector<std::vector<Column>> cut(const std::vector<Column>& all) const {
    if (total(all, &Column::width) <= room_) return {all};
    Blocks blocks(all.front(), room_);
    for (std::size_t i = 1; i < all.size();) {
      std::vector<Column> group;
      const std::size_t of = groups_[i];
      for (; i < all.size() && groups_[i] == of; ++i) group.push_back(all[i]);
      blocks.add(group);
    }
    return blocks.blocks();
  }

  /// One row; of names that take several lines the last ones stand in one line.
  static std::string row_text(const std::vector<Column>& block, const std::vector<Lines>& cells,
                              bool at_the_bottom) {
    std::size_t height = 0;
    for (const Lines& cell : cells) height = std::max(height, cell.size());
    std::string text;
    for (std::size_t line = 0; line < height; ++line) {
      std::string row;
      for (std::size_t i = 0; i < block.size(); ++i) {
        const std::size_t skip = at_the_bottom ? height - cells[i].size() : 0;
        const bool there = line >= skip && line - skip < cells[i].size();
        if (i != 0) row += std::string(gap, ' ');
        row += padded(there ? cells[i][line - skip] : "", block[i].width, block[i].right);
      }
      row.erase(row.find_last_not_of(' ') + 1);
      text += row + '\n';
    }
    return text;
  }

  /// The headings of groups, drawn over all their columns; nothing without any.
  std::string headings(const std::vector<Column>& block) const {
    std::vector<Column> spans;
    std::vector<Lines> cells;
    for (std::size_t i = 0; i < block.size();) {
      const std::size_t of = groups_[block[i].index];
      Column span = block[i];
      std::size_t columns = 1;
      for (++i; of != std::string::npos && i < block.size() && groups_[block[i].index] == of; ++i) {
        span.width += gap + block[i].width;
        ++columns;
      }
      cells.push_back(heading_lines(heading_of(span.index), span.width, columns));
      spans.push_back(span);
    }
    const bool any = std::any_of(cells.begin(), cells.end(), [](const Lines& heading) {
      return heading.size() > 1 || !heading.front().empty();
    });
    return any ? row_text(spans, cells, true) : "";
  }

  static Lines heading_lines(const std::string& heading, std::size_t width, std::size_t columns) {
    Lines lines = wrapped_lines(heading, static_cast<int>(width));
    const std::size_t taken = character_count(lines.back()) + 2;
    if (heading.empty() || columns == 1 || taken + 2 > width) return lines;
    const std::size_t before = (width - taken) / 2;
    std::string rule;
    for (std::size_t i = 0; i < width - taken; ++i) {
      if (i == before) rule += ' ' + lines.back() + ' ';
      rule += "─";
    }
    lines.back() = rule;
    return lines;
  }

  std::string block_text(const std::vector<Column>& block) const {
    const auto cells_of = [&block](const std::vector<std::string>& row) {
      std::vector<Lines> cells;
      for (const Column& column : block) {
        cells.push_back(cell_lines(row.at(column.index), column.width));
      }
      return cells;
    };
    std::vector<Lines> names;
    for (const Column& column : block) {
      names.push_back(wrapped_lines(table_.columns[column.index], static_cast<int>(column.width)));
    }
    std::string text = headings(block) + row_text(block, names, true);
    for (const std::vector<std::string>& row : table_.rows) {
      text += row_text(block, cells_of(row), false);
    }
    return text;
  }

  const Table& table_;
  std::size_t room_;
  std::vector<std::size_t> groups_;
};

}  // namespace

std::string to_text(const Table& table, int width) {
  return TextTable(table, static_cast<std::size_t>(std::max(1, width))).text();
}

}  // namespace kvscope
