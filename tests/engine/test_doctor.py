"""The doctor says what is wrong and what to do; a check that fails does not keep the others from being made."""

from pathlib import Path

import pytest

from engine import doctor, verbs
from engine.doctor import Check, examine
from engine.resources import BUNDLED_WEIGHTS


def check(name: str) -> Check:
    return next(each for each in examine() if each.name == name)


def test_every_check_of_this_installation_passes_and_says_what_it_found() -> None:
    checks = examine()
    assert [each.name for each in checks if not each.passed] == []
    assert all(each.finding for each in checks)
    assert "nucleus" in check("Bundled model").finding


def test_a_machine_without_a_display_is_healthy_and_told_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert check("Display").passed
    assert "the headless verbs work" in check("Display").finding
    monkeypatch.setenv("DISPLAY", ":7")
    assert check("Display").finding == ":7"


def test_a_damaged_model_and_a_missing_package_are_named_and_the_exit_code_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(BUNDLED_WEIGHTS.read_bytes()[:1000])
    monkeypatch.setattr(doctor, "BUNDLED_WEIGHTS", cut)
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "a-package-that-nobody-has"))
    assert verbs.main(["doctor"]) == 1
    said = capsys.readouterr().err.splitlines()
    failed = [line for line in said if line.startswith("FAIL")]
    assert len(failed) == 2
    assert "Packages: Missing: a-package-that-nobody-has. Run: pip install" in failed[0]
    assert "cut.safetensors" in failed[1]
    assert len(said) == len(examine())
