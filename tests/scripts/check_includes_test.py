"""check_includes.py must see a forbidden include: a rule nobody enforces is none."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CheckIncludes(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return subprocess.run(
                [sys.executable, ROOT / "scripts" / "check_includes.py", folder],
                capture_output=True,
                text=True,
            )

    def test_this_tree_is_clean(self):
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "check_includes.py"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_allowed_include_passes(self):
        done = self.run_on({"core/budget/x.h": '#include "core/base/error.h"\n#include <vector>\n'})
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_seeded_violations_fail(self):
        for name, line in {
            "core/base/x.h": '#include "core/budget/budget.h"',
            "core/generate/x.cpp": '#include "collectors/session.h"',
            "analysis/planner/x.cpp": '#include "analysis/compare/comparison.h"',
            "analysis/compare/y.cpp": "#include <ATen/Tensor.h>",
            "cli/kvscope/x.cpp": '#include "core/generate/generator.h"',
            "analysis/report/x.cpp": "#include <hdf5.h>",
            "core/record/x.h": '#include "core/capture/capture_reader.h"',
            "core/cache/x.cpp": "#include <cuda_runtime.h>",
            "cli/kvscope/y.cpp": "#include <QString>",
            "core/unknown/x.cpp": "#include <vector>",
        }.items():
            done = self.run_on({name: f"#pragma once\n{line}\n"})
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(name, done.stdout)


if __name__ == "__main__":
    unittest.main()
