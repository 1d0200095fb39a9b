"""Whoever follows a page finds what it names: links, anchors, files of the tree, figures that are up to date."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "data/FORMAT.md",
         *sorted((ROOT / "docs").glob("*.md"))]
WIDTH = 100

FENCED = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
CODE = re.compile(r"`([^`]+)`")
IN_TREE = re.compile(r"(?:core|analysis|collectors|cli|cmake|data|docs|scripts|tests)/[\w./-]*\w/?")


def anchors(page):
    """GitHub's names of the headings."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            for found in LINK.finditer(FENCED.sub("", page.read_text())):
                link = found.group(1) or found.group(2)
                if "://" in link:
                    continue
                name, _, anchor = link.partition("#")
                target = (page.parent / name) if name else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target))

    def test_named_files_are_in_the_tree(self):
        for page in PAGES:
            for code in CODE.findall(FENCED.sub("", page.read_text())):
                if IN_TREE.fullmatch(code) and "NAME" not in code:
                    with self.subTest(page=page.name, path=code):
                        self.assertTrue((ROOT / code).exists())

    def test_lines_fit_the_page(self):
        for page in PAGES:
            for number, line in enumerate(page.read_text().splitlines(), start=1):
                if not line.startswith(("|", "<img")):
                    with self.subTest(page=page.name, line=number):
                        self.assertLessEqual(len(line), WIDTH)

    def test_reading_order_names_every_page(self):
        listed = (ROOT / "docs" / "README.md").read_text()
        for page in (ROOT / "docs").glob("*.md"):
            if page.name != "README.md":
                with self.subTest(page=page.name):
                    self.assertIn(f"]({page.name})", listed)

    def test_figure_of_the_scales_is_the_one_drawn(self):
        with tempfile.TemporaryDirectory() as folder:
            drawn = pathlib.Path(folder) / "scales.svg"
            subprocess.run([sys.executable, ROOT / "scripts/draw_scales.py", "--out", drawn], check=True)
            self.assertEqual(drawn.read_text(), (ROOT / "docs/images/scales.svg").read_text())


if __name__ == "__main__":
    unittest.main()
