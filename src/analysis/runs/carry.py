"""What goes from run to run even where no notebook of this run speaks of it: the forecasts that are still to be scored.

A book may leave a notebook out for a week, or its page may stop for want of a table; the forecasts it froze before are
not lost by that.
"""

import shutil
from pathlib import Path
from typing import Final

__all__ = ["carry_over"]

_CARRIED: Final = ("forecasts.*", "forecast_windows.*", "forecast_outcomes.*", "forecast_corrections.*")


def carry_over(previous: Path | None, *, out: Path) -> None:
    """Copy the predecessor's forecasts and scores that no notebook of this run wrote again.

    Args:
        previous: Folder of the predecessor, or None.
        out: Folder that this run is built in; all its notebooks are done.
    """
    if previous is None:
        return
    for pattern in _CARRIED:
        for path in sorted((previous / "state").glob(pattern)):
            if not (place := out / "state" / path.name).exists():
                shutil.copyfile(path, place)
