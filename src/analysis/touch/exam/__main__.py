"""Write ``params/exam/verdicts.yaml`` from the rows that the last full exam left: the second half of ``make exam``."""

import json
import sys
from pathlib import Path

from analysis.dated_files import find_file
from analysis.touch.effects import load_effects
from analysis.touch.exam.setting import Setting
from analysis.touch.exam.verdicts import ROWS, Verdict, digest_of, rows_folder, written

_EFFECTS = "params/effects/default.yaml"


def main() -> int:
    """Write the file; return 1, and leave it alone, where rows are missing."""
    priors, project = load_effects(_EFFECTS), find_file(_EFFECTS).parents[2]
    folder = rows_folder(project, digest=digest_of(priors))
    rows = [
        Verdict.model_validate(row)
        for path in sorted(folder.glob("*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]
    missing = sorted(set(range(1, ROWS + 1)) - {row.number for row in rows})
    if missing:
        sys.stderr.write(f"Rows {missing} of the exam are missing in {folder}: run `make exam`.\n")
        return 1
    whole = Setting(priors)
    target: Path = project / "params" / "exam" / "verdicts.yaml"
    target.parent.mkdir(exist_ok=True)
    text = written(rows, priors=priors, n_customers=whole.n_customers, n_replicates=whole.n_replicates)
    target.write_text(text, encoding="utf-8")
    failed = sorted({row.number for row in rows if not row.passed})
    sys.stdout.write(f"{target}: {len(rows)} verdicts; {f'rows {failed} fail' if failed else 'all rows hold'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
