"""The page of an empty window lists the projects that were opened last."""

from pathlib import Path

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.panels.parts import CutLabel
from app.welcome import CARDS, Welcome


def test_recent_projects_of_any_name_fit_the_page_and_open(qtbot: QtBot) -> None:
    opened: list[Path] = []
    page = Welcome({name: lambda: None for name, *_ in CARDS}, opened.append)
    qtbot.addWidget(page)
    path = Path("/data", *["a folder with a long name"] * 8, f"R&D {'with a long name ' * 8}.maskwright")
    page.set_recent([path])
    page.resize(800, 700)
    page.show()
    (name,) = [each for each in page.findChildren(QPushButton) if each.text().startswith("R&&D")]
    (folder,) = page.findChildren(CutLabel)
    for each in (name, folder):
        assert "…" in each.text()
        assert each.width() >= each.fontMetrics().horizontalAdvance(each.text().replace("&&", "&"))
        assert str(path.parent) in each.toolTip()
    name.click()
    assert opened == [path]
    page.set_recent([])
    assert not name.isVisible()
