"""What the scripts that kill processes share: how they are asked, and how they tell what they found."""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

Report = dict[str, object]


def report_of(description: str, kills: int, kill_all: Callable[[Path, int, int], Report]) -> Report:
    """Kill as often as the command line says, `kills` times by default, in a temporary folder, and print the report."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--kills", type=int, default=kills)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="Print one JSON document on stdout.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maskwright-kills-") as place:
        report = kill_all(Path(place), arguments.kills, arguments.seed)
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in report.items():
            print(f"{name}: {value}")
    return report
