"""Kills processes that write, at random moments, and looks whether anything that they acknowledged is lost.

    python tests/crash/kills.py --kills 200 [--seed N] [--json]

Each scenario (editing, import, export, backup, restore, migration, a fine-tune's hand-over) first runs to its end, to
learn how long it takes and what it leaves. Then it is run again and again on a fresh copy, each time in a process that
gets SIGKILL: half of them at a moment drawn from the whole run time, half right around a commit, a rename or a removal.
What is left on disk must be what was acknowledged last, or what was under way after it; whole, in both cases; and the
same work must go through afterwards. The exit code is 1 where it is not so; the report says what was found.

The processes are forked from this one, so that kills fall on the work rather than on Python's start. SIGKILL shows what
a dying process leaves, not what a power cut does: for that there is synchronous=FULL, and files are synced before they
take their names.
"""

import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from child import Kill, Outcome, run
from command_line import report_of
from scenarios import Fault, Scenario, all_scenarios

# Scheduling alone moves a kill by about this much; a commit takes as long.
AROUND_A_MARK = 0.002
# A scenario may end before its kill; then the kill does not count and another one is drawn.
ATTEMPTS_A_KILL = 5


def main() -> int:
    report = report_of(__doc__ or "", 200, kill_all)
    return 1 if report["lost"] or report["damaged"] else 0


def kill_all(place: Path, kills: int, seed: int) -> dict[str, object]:
    """Run every scenario once to its end, then kill as often as asked; returns the report."""
    began, generator = time.monotonic(), random.Random(seed)
    scenarios = all_scenarios(generator)
    lengths = {scenario.name: learn(scenario, place / scenario.name) for scenario in scenarios}
    counts: Counter[str] = Counter()
    faults: list[tuple[str, Fault]] = []
    for number in range(ATTEMPTS_A_KILL * kills):
        if counts.total() >= kills:
            break
        # Of all that have had less than their share, the one that is most behind.
        scenario = min(scenarios, key=lambda one: (counts[one.name] + 1) / one.share)
        outcome, found = attempt(scenario, place / scenario.name, draw(generator, lengths[scenario.name]))
        counts[scenario.name] += outcome.killed
        faults += [(f"{scenario.name}, attempt {number}", fault) for fault in found]
    return {
        "kills": dict(counts),
        "killed": counts.total(),
        "lost": sum(fault.lost for _, fault in faults),
        "damaged": sum(not fault.lost for _, fault in faults),
        "faults": [f"{where}: {fault.words}" for where, fault in faults[:20]],
        "seed": seed,
        "seconds": round(time.monotonic() - began, 1),
    }


def learn(scenario: Scenario, place: Path) -> Outcome:
    """Prepare a scenario and let it run to its end."""
    (place / "template").mkdir(parents=True)
    scenario.prepare(place / "template")
    folder = fresh(place)
    outcome = run(lambda say: scenario.work(folder, say), None)
    if outcome.status != 0:
        sys.exit(f"The scenario {scenario.name} fails without being killed.\n{outcome.words}")
    scenario.learn(folder, outcome.told)
    return outcome


def attempt(scenario: Scenario, place: Path, kill: Kill) -> tuple[Outcome, list[Fault]]:
    folder = fresh(place)
    outcome = run(lambda say: scenario.work(folder, say), kill)
    try:
        return outcome, scenario.check(folder, outcome.told)
    except Exception as error:  # noqa: BLE001, a check that cannot even look has found damage
        return outcome, [Fault(f"{type(error).__name__}: {error}")]


def draw(generator: random.Random, whole: Outcome) -> Kill:
    if generator.random() < 0.5:
        return Kill(seconds=generator.uniform(0, whole.seconds))
    return Kill(mark=generator.randint(1, whole.marks), seconds=generator.uniform(0, AROUND_A_MARK))


def fresh(place: Path) -> Path:
    """A copy of what a scenario starts from. Times are kept: by them a project knows its images' files."""
    folder = place / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place / "template", folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
