"""Says how many branches the tests took, by the report that `make coverage` wrote; fails below what we ask for.

coverage.py's own `fail_under` counts lines and branches together, of which lines are six times as many.
"""

import json
import sys
from pathlib import Path

LEAST = 95.0
"""Per cent of branches."""


def main(report: Path) -> None:
    """Print the share; end with an error where it is too small."""
    totals = json.loads(report.read_text())["totals"]
    share = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"{share:.2f} per cent of {totals['num_branches']:,} branches were taken; at least {LEAST:g} must be")
    sys.exit(share < LEAST)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
