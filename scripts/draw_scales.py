#!/usr/bin/env python3
"""Draws docs/images/scales.svg: the scales of a 256 px model and what its last scale reads.

Every position and every token count follows from the sides of the scales.
"""

import argparse
import pathlib

from geometry import tokens_by_scale

SIDES = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]
TOKENS = tokens_by_scale(SIDES)
CONDENSED = 2
LOCAL = 1
TARGET = len(SIDES) - 1

CELL = 9  # px a token
GAP = 16
LEFT = 62
TOP = 40
WIDTH = 900
GROUND = TOP + SIDES[-1] * CELL  # lower edge of the squares

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 12px; fill: #59636e; }
.strong { font-weight: 600; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.paper { fill: #ffffff; }
.grid { stroke: #ffffff; }
.line { stroke: #59636e; stroke-width: 1.2; fill: none; }
.condensed { fill: #b35900; }
.distant { fill: #8c959f; }
.local { fill: #0969da; }
.target { fill: #8250df; }
.unread { fill: none; stroke: #8c959f; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .small { fill: #9198a1; }
  .paper { fill: #0d1117; }
  .grid { stroke: #0d1117; }
  .line { stroke: #9198a1; }
  .condensed { fill: #e0823d; }
  .distant { fill: #6e7681; }
  .local { fill: #4493f8; }
  .target { fill: #ab7df8; }
  .unread { stroke: #6e7681; }
}
"""


def tokens(scales):
    return sum(TOKENS[scale] for scale in scales)


def kind_of(scale):
    if scale == TARGET:
        return "target"
    if scale < CONDENSED:
        return "condensed"
    return "local" if scale >= TARGET - LOCAL else "distant"


def columns():
    """The left edge of every square. Narrow ones get room for their labels."""
    edges = []
    x = LEFT
    for side in SIDES:
        room = max(side * CELL, 30)
        edges.append(x + (room - side * CELL) / 2)
        x += room + GAP
    return edges


LEFT_EDGES = columns()


def right_edge(scale):
    return LEFT_EDGES[scale] + SIDES[scale] * CELL


def text(x, y, words, classes=""):
    return f'<text x="{x:g}" y="{y:g}" class="{classes}">{words}</text>'


def squares():
    lines = []
    for scale, side in enumerate(SIDES):
        x, size = LEFT_EDGES[scale], side * CELL
        y = GROUND - size
        lines.append(
            f'<rect x="{x:g}" y="{y}" width="{size}" height="{size}" class="{kind_of(scale)}"/>'
        )
        cuts = "".join(
            f"M{x + i * CELL:g} {y}v{size}M{x:g} {y + i * CELL}h{size}" for i in range(1, side)
        )
        if cuts:
            lines.append(f'<path d="{cuts}" class="grid"/>')
        centre = x + size / 2
        lines.append(text(centre, GROUND + 18, str(scale), "middle strong"))
        lines.append(text(centre, GROUND + 35, str(TOKENS[scale]), "middle small"))
    lines.append(text(LEFT - 8, GROUND + 18, "scale", "end small"))
    lines.append(text(LEFT - 8, GROUND + 35, "tokens", "end small"))
    lines.append(text(right_edge(TARGET), 26, "target: its queries read", "end"))
    return lines


def legend(y):
    entries = [
        ("condensed", f"condensed: the first {CONDENSED}"),
        ("distant", "distant: neither"),
        ("local", "local: the one before the target"),
    ]
    lines, x = [], LEFT_EDGES[0]
    for kind, words in entries:
        lines.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" class="{kind}"/>')
        lines.append(text(x + 18, y, words))
        x += 18 + 7.2 * len(words) + 22
    return lines


def reading(y, words, scales):
    """One row of bars under the squares: the sources in `scales` are read, the others are not."""
    lines = [text(LEFT_EDGES[0], y - 8, f"{words}: {tokens(scales)} tokens")]
    for scale in range(TARGET):
        kind = kind_of(scale) if scale in scales else "unread"
        x = LEFT_EDGES[scale]
        lines.append(
            f'<rect x="{x:g}" y="{y}" width="{SIDES[scale] * CELL}" height="14" class="{kind}"/>'
        )
    return lines


def span(y, words, last):
    left, right = LEFT_EDGES[0], right_edge(last)
    return [
        f'<path d="M{left:g} {y - 5}v10M{left:g} {y}H{right:g}M{right:g} {y - 5}v10" class="line"/>',
        text(left, y - 12, words),
    ]


def drawing():
    sources = list(range(TARGET))
    efficient = [scale for scale in sources if kind_of(scale) != "distant"]
    y = GROUND + 76
    lines = squares() + legend(y)
    lines += reading(y + 50, "A layer of the vanilla cache reads every source", sources)
    lines += reading(
        y + 104, f"A layer of “condensed {CONDENSED}, local {LOCAL}” reads", efficient
    )
    read = tokens(sources)
    lines += span(y + 168, f"read: {read} tokens a layer, all that is ever read from the cache",
                  TARGET - 1)
    lines += span(y + 218, f"final: {read + tokens([TARGET])} tokens a layer, all that are drawn",
                  TARGET)
    return lines, y + 236


def picture():
    lines, height = drawing()
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>The ten scales of a 256 px model as token maps of side 1 to 16</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" rx="6" class="paper"/>',
        *lines,
        "</svg>",
    ]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=pathlib.Path, default=root / "docs/images/scales.svg")
    parser.parse_args().out.write_text(picture())


if __name__ == "__main__":
    main()
