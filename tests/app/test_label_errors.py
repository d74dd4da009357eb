"""Promises of the check after a round: one click compares what was accepted with the new model."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.jobs.quality import Quality
from app.session import Session
from app.window import MainWindow
from engine.learning.dataset import from_coco
from engine.project import Project, Round, commands
from engine.quality.checks import MODEL_CHECKS, Check
from engine.quality.findings import Finding
from engine.resources import BUNDLED_WEIGHTS


@pytest.mark.slow
def test_what_was_forgotten_and_what_nobody_else_sees_is_found(qtbot: QtBot, tmp_path: Path, data_root: Path) -> None:
    folder = data_root / "nuclei"
    truth = from_coco(folder / "annotations" / "instances_val.json", folder / "images")
    first, second = truth.images[:2]
    project = Project.create(tmp_path / "p.maskwright")
    project.add_images([first.path, second.path])
    project.apply(commands.add_category(project.new_category_id(), "nucleus", "#ff0000"))
    for mask in first.masks[1:]:
        project.apply(commands.draw(project.new_instance_id(), 1, 1, mask))
    project.apply(commands.accept_image(project.image(1), project.instances(1), 0.5))
    session = Session()
    session.open_project(project)
    quality = Quality(session)
    findings: list[Finding] = []
    quality.found.connect(findings.extend)
    try:
        quality.compare(BUNDLED_WEIGHTS)
        assert quality.compares
        qtbot.waitUntil(lambda: quality.finished, timeout=60_000)
        assert {finding.check for finding in findings} <= MODEL_CHECKS
        assert {finding.image_id for finding in findings} == {1}, "the other one is not accepted"
        missed = [finding for finding in findings if finding.check is Check.MISSED and finding.bounds is not None]
        x1, y1, x2, y2 = first.masks[0].bounds
        assert any(
            finding.bounds[0] < x2 and finding.bounds[2] > x1 and finding.bounds[1] < y2 and finding.bounds[3] > y1
            for finding in missed
            if finding.bounds is not None
        )
        quality.start(files=False)
        assert not quality.compares
    finally:
        quality.stop()
        session.writing.stop()
        session.close_project()


def test_a_finished_round_offers_the_comparison(qtbot: QtBot, working: MainWindow, tmp_path: Path) -> None:
    entry = Round(folder=tmp_path, checkpoint=tmp_path / "no.safetensors", checkpoint_id="x", verdict="better", id=1)
    working.rounds.finished.emit(entry)
    assert "better" in working.notices.text
    working.notices.hide()
    qtbot.waitUntil(lambda: "disagrees" in working.notices.text and working.notices.isVisible())
    (action,) = [each for each in working.notices.findChildren(QPushButton) if each.text()]
    assert action.text() == "Look for Label Errors"
    action.click()
    assert working.quality.compares
    assert working.findings.isVisible()
