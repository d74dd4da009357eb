"""The verbs that show whether this installation works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.reporting import emit, say
from engine.verbs.command_line import STOPPED, AsJson, app


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """Check this installation: versions, kernels, display, bundled model."""
    from engine.doctor import examine

    checks = examine()
    if as_json:
        emit({"checks": [check.to_dict() for check in checks], "healthy": all(check.passed for check in checks)})
    else:
        for check in checks:
            say(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.finding}")
    return 0 if all(check.passed for check in checks) else 1


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to work in; created if missing.")],
    steps: Annotated[int, typer.Option(min=1, help="Fine-tuning steps.")] = 40,
    as_json: AsJson = False,
) -> int:
    """The whole loop on the sample project: predict, correct, accept, export, fine-tune, compare."""
    from engine.demo import run_demo

    report = run_demo(out, steps=steps)
    if report is None:
        return STOPPED
    if as_json:
        emit(report)
    return 0
