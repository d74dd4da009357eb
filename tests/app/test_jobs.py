"""Promises of the background jobs: the window never waits, what is late is dropped, and a child never outlives it."""

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from app.jobs.pixels import PixelCache, PixelLoader, Thumbnails, neighbours
from app.jobs.planned_thread import PlannedThread
from app.jobs.rounds import RoundProgress, Rounds
from app.jobs.verb_process import VerbProcess
from app.session import Session
from engine.checkpoints import ModelCard, checkpoint_id, read_card
from engine.checkpoints.card import CARD_KEY
from engine.files import work_folder
from engine.learning.finished import (
    RESULT_NAME,
    SEED_NAME,
    STATE_NAME,
    keep_round,
    next_round_folder,
    training_folder,
)
from engine.project import Project
from engine.resources import BUNDLED_WEIGHTS


class Recorder(PlannedThread[int]):
    """Works on numbers: an even one is done at once, an odd one only when it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[int] = []
        self.cancels: list[int] = []
        self.started_odd = threading.Event()

    def work(self, task: int) -> None:
        if task % 2 == 0:
            self.done.append(task)
            return
        self.started_odd.set()
        while not self.cancelled():
            time.sleep(0.001)
        self.cancels.append(task)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_tasks_are_done_in_the_order_of_the_plan(qtbot: QtBot, recorder: Recorder) -> None:
    recorder.set_plan([4, 2, 8])
    qtbot.waitUntil(lambda: recorder.done == [4, 2, 8])
    recorder.stop()


def test_a_newer_plan_cancels_what_it_does_not_begin_with_and_drops_the_rest(qtbot: QtBot, recorder: Recorder) -> None:
    recorder.set_plan([1, 2, 4])
    qtbot.waitUntil(recorder.started_odd.is_set)
    recorder.set_plan([6])
    qtbot.waitUntil(lambda: recorder.done == [6])
    assert recorder.cancels == [1]
    recorder.stop()


def test_a_plan_that_begins_with_the_running_task_lets_it_run(qtbot: QtBot, recorder: Recorder) -> None:
    recorder.set_plan([1])
    qtbot.waitUntil(recorder.started_odd.is_set)
    recorder.set_plan([1, 2])
    qtbot.wait(50)
    assert recorder.cancels == []
    recorder.set_plan([2])
    qtbot.waitUntil(lambda: recorder.done == [2])
    recorder.stop()


def test_stopping_ends_a_running_task(qtbot: QtBot, recorder: Recorder) -> None:
    recorder.set_plan([1, 2])
    qtbot.waitUntil(recorder.started_odd.is_set)
    recorder.stop()
    assert recorder.isFinished()
    assert recorder.done == []


@pytest.mark.parametrize(
    ("current", "expected"), [(1, [2, 3]), (3, [4, 5, 2]), (5, [4]), (9, [])], ids=["first", "middle", "last", "gone"]
)
def test_neighbours_are_two_ahead_and_one_behind(current: int, expected: list[int]) -> None:
    assert neighbours([1, 2, 3, 4, 5], current) == expected


def test_the_pixel_cache_stays_within_its_bytes_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        Picture.fromarray(np.zeros((10, 10, 3), dtype=np.uint8)).save(path)
    cache = PixelCache(limit=700)
    cache.read(paths[0])
    cache.read(paths[1])
    cache.get(paths[0])
    cache.read(paths[2])
    assert [cache.get(path) is not None for path in paths] == [True, False, True]


def test_the_current_image_gets_its_pixels_and_they_cannot_be_written(qtbot: QtBot, session: Session) -> None:
    loader = PixelLoader(session, PixelCache())
    session.step_image(1)
    qtbot.waitUntil(lambda: session.pixels is not None)
    assert session.pixels is not None
    assert session.pixels.shape == (120, 160, 3)
    assert not session.pixels.flags.writeable
    loader.stop()


def test_a_file_that_is_gone_is_said_in_the_place_of_the_image(qtbot: QtBot, session: Session) -> None:
    loader = PixelLoader(session, PixelCache())
    assert session.project is not None
    session.project.image_path(session.images[session.order[1]]).unlink()
    session.step_image(1)
    qtbot.waitUntil(lambda: session.unreadable is not None)
    assert "image 1.png" in (session.unreadable or "")
    loader.stop()


def test_thumbnails_come_when_they_are_asked_for(qtbot: QtBot, session: Session) -> None:
    thumbnails = Thumbnails(session)
    image = session.images[session.order[0]]
    with qtbot.waitSignal(thumbnails.ready, timeout=5000) as emitted:
        assert thumbnails.pixmap(image) is None
    assert emitted.args == [image.id]
    assert thumbnails.pixmap(image) is not None
    thumbnails.stop()


def child(script: str) -> list[str]:
    return [sys.executable, "-u", "-c", script]


def test_json_lines_are_handed_on_and_everything_else_is_kept_as_details(qtbot: QtBot) -> None:
    script = """
import sys
print('{"event": "step", "step": 1}'); print('not json'); print('[1]')
print('{"event": "step", "step": 2}'); print('a reason', file=sys.stderr); sys.exit(3)
"""
    process = VerbProcess(program=child(script))
    events: list[dict[str, object]] = []
    process.reported.connect(events.append)
    with qtbot.waitSignal(process.ended, timeout=20000) as emitted:
        process.start([])
    assert [event["step"] for event in events] == [1, 2]
    assert emitted.args[0] == 3
    assert "a reason" in emitted.args[1]
    assert "not json" in emitted.args[1]


def test_a_child_is_in_a_session_of_its_own_which_the_windows_terminal_does_not_interrupt(qtbot: QtBot) -> None:
    process = VerbProcess(program=child("import os; print('{\"session\": %d}' % os.getsid(0))"))
    with qtbot.waitSignal(process.reported, timeout=20000) as told:
        process.start([])
    assert told.args[0]["session"] != os.getsid(0)
    qtbot.waitUntil(lambda: not process.running, timeout=20000)


def test_a_child_that_will_not_stop_is_gone_when_the_window_closes(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.verb_process.GRACE_MS", 300)
    script = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"pid": %d, "nice": %d}' % (os.getpid(), os.nice(0)))
time.sleep(600)
"""
    process = VerbProcess(program=child(script))
    events: list[dict[str, int]] = []
    process.reported.connect(events.append)
    process.start([])
    qtbot.waitUntil(lambda: len(events) == 1, timeout=20000)
    assert events[0]["nice"] > os.nice(0) or os.nice(0) >= 10
    process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(events[0]["pid"], 0)


@pytest.mark.parametrize(
    ("resumable", "cancelled", "expected"),
    [(False, False, "asked gone "), (False, True, "asked gone "), (True, False, "gone "), (True, True, "cancel gone ")],
)
def test_a_child_is_asked_to_stop_but_one_that_can_go_on_is_left_by_a_closing_window(
    qtbot: QtBot, tmp_path: Path, resumable: bool, cancelled: bool, expected: str
) -> None:
    told = tmp_path / "told"
    script = f"""
import signal, sys
def tell(text): open({str(told)!r}, 'a').write(text + ' ')
signal.signal(signal.SIGTERM, lambda *_: tell('asked'))
print('{{"event": "started"}}', flush=True)
for line in sys.stdin: tell(line.strip())
tell('gone')
"""
    process = VerbProcess(program=child(script), resumable=resumable)
    with qtbot.waitSignal(process.reported, timeout=20000):
        process.start([])
    process.cancel() if cancelled else process.stop()
    qtbot.waitUntil(lambda: not process.running, timeout=20000)
    assert told.read_text() == expected


def test_a_program_that_cannot_be_started_ends_with_a_reason(qtbot: QtBot) -> None:
    process = VerbProcess(program=["/nonexistent/python"])
    with qtbot.waitSignal(process.ended, timeout=20000) as emitted:
        process.start([])
    assert emitted.args[0] != 0
    assert emitted.args[1]


def checkpoint(folder: Path) -> Path:
    """A checkpoint file as far as the window looks into it: its card."""
    folder.mkdir(parents=True)
    card = ModelCard(name="tuned", spec=read_card(BUNDLED_WEIGHTS).spec, parent="0123456789ab")
    save_file({"weight": np.zeros(1, dtype=np.float32)}, folder / "model.safetensors", {CARD_KEY: card.to_json()})
    return folder / "model.safetensors"


def trainer(path: Path, verdict: str) -> list[str]:
    """A stand-in for the verb: prints what it prints, at once."""
    return child(f"""
import json
def say(**event): print(json.dumps(event))
figures = lambda value: {{"mask": {{"AP50": value}}, "checkpoint_id": {checkpoint_id(BUNDLED_WEIGHTS)!r}}}
say(event="started", steps=3, images=8, hold_out=5, scope="whole", choice="many images", seconds=200, memory=1e9)
say(event="evaluated", step=0, mask_AP50=0.5)
for step in (1, 2, 3):
    say(event="step", step=step, steps=3, loss=1.0 / step, losses={{}}, seconds_left=3 - step)
say(event="finished", checkpoint={str(path)!r}, checkpoint_id="fedcba987654", before=figures(0.5), after=figures(0.6),
    verdict={verdict!r}, reason="Because.", unedited_share=0.25, hold_out_images=5, hold_out_instances=120)
""")


@pytest.mark.parametrize("verdict", ["better", "worse", "cannot tell"])
def test_only_a_better_model_is_promoted_by_itself_and_every_verdict_can_be_overruled(
    qtbot: QtBot, session: Session, tmp_path: Path, verdict: str
) -> None:
    path = checkpoint(tmp_path / "project.rounds" / "round-001")
    rounds = Rounds(session, trainer(path, verdict))
    with qtbot.waitSignal(rounds.finished, timeout=20000):
        rounds.start()
        assert rounds.running
    assert not rounds.running
    assert [step for step, _ in rounds.progress.losses] == [1, 2, 3]
    (entry,) = rounds.rounds()
    assert (entry.verdict, entry.base_id, entry.promoted) == (verdict, "0123456789ab", verdict == "better")
    assert "25% of the hold-out instances" in entry.reason
    assert (rounds.checkpoint == path) == (verdict == "better")
    rounds.promote(entry)
    assert rounds.checkpoint == path
    assert rounds.is_current(entry)
    rounds.keep_old(entry)
    assert rounds.checkpoint == BUNDLED_WEIGHTS
    assert not rounds.is_current(entry)
    assert rounds.is_declined(entry)
    rounds.promote(entry)
    assert not rounds.is_declined(entry)
    rounds.use_bundled()
    assert rounds.checkpoint == BUNDLED_WEIGHTS


def test_to_decide_against_a_round_leaves_a_model_that_was_chosen_meanwhile(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    assert session.project is not None
    rounds = Rounds(session, trainer(checkpoint(tmp_path / "project.rounds" / "round-001"), "cannot tell"))
    with qtbot.waitSignal(rounds.finished, timeout=20000) as ended:
        rounds.start()
    chosen = checkpoint(tmp_path / "chosen")
    rounds.use_as_base(chosen)
    rounds.keep_old(ended.args[0])
    assert rounds.checkpoint == chosen
    assert rounds.is_declined(ended.args[0])


def test_another_attempt_hands_its_seed_to_the_verb(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    told = tmp_path / "arguments"
    rounds = Rounds(session, child(f"import sys; open({str(told)!r}, 'w').write(' '.join(sys.argv[1:]))"))
    for seed in (0, 3):
        with qtbot.waitSignal(rounds.failed, timeout=20000):
            rounds.start(seed=seed)
        assert f"--seed {seed}" in told.read_text()


def finished_round(folder: Path, base: Path, verdict: str = "better") -> Path:
    """What a trainer leaves behind, by the code that it leaves it with."""
    card = ModelCard(name="tuned", spec=read_card(BUNDLED_WEIGHTS).spec, parent=checkpoint_id(base))

    def save(path: Path) -> None:
        weight = np.frombuffer(folder.name.encode(), np.uint8)  # of each folder another one
        save_file({"weight": weight}, path, {CARD_KEY: card.to_json()})

    figures = {"mask": {"AP50": 0.5}}
    keep_round(folder, save, {"before": figures, "after": figures, "verdict": verdict, "reason": "Because."})
    return folder / "model.safetensors"


def reopened(session: Session) -> Rounds:
    """What a new window makes of the same project."""
    assert session.project is not None
    path = session.project.path
    session.close_project()
    rounds = Rounds(session)
    session.open_project(Project.open(path))
    return rounds


@pytest.mark.parametrize("verdict", ["better", "worse", "cannot tell"])
def test_a_round_that_finished_after_the_window_was_gone_is_taken_over_once_and_told(
    qtbot: QtBot, session: Session, tmp_path: Path, verdict: str
) -> None:
    path = finished_round(tmp_path / "project.rounds" / "round-001", BUNDLED_WEIGHTS, verdict)
    rounds = reopened(session)
    with qtbot.waitSignal(rounds.found, timeout=5000) as told:
        pass
    (entry,) = rounds.rounds()
    assert told.args == [entry]
    assert (entry.checkpoint, entry.verdict, entry.promoted) == (path, verdict, verdict == "better")
    assert (rounds.checkpoint == path) == (verdict == "better")
    again = reopened(session)
    again.found.connect(lambda entry: pytest.fail("told twice"))
    qtbot.wait(50)
    assert again.rounds() == [entry]


def test_a_round_compared_with_another_model_than_the_present_one_is_not_promoted(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    first = finished_round(tmp_path / "project.rounds" / "round-001", BUNDLED_WEIGHTS)
    os.utime(first.parent / RESULT_NAME, (1, 1))
    second = finished_round(tmp_path / "project.rounds" / "round-002", BUNDLED_WEIGHTS)
    rounds = reopened(session)
    assert [(entry.checkpoint, entry.promoted) for entry in rounds.rounds()] == [(second, False), (first, True)]
    assert rounds.checkpoint == first


@pytest.mark.parametrize(
    "damage", ["no result", "no checkpoint", "another checkpoint", "half a result", "a stray file"]
)
def test_half_a_round_is_never_taken_over(session: Session, tmp_path: Path, damage: str) -> None:
    path = finished_round(tmp_path / "project.rounds" / "round-001", BUNDLED_WEIGHTS)
    result = path.with_name(RESULT_NAME)
    match damage:
        case "no result":
            result.unlink()
        case "no checkpoint":
            path.unlink()
        case "another checkpoint":
            path.write_bytes(path.read_bytes() + b"more")
        case "half a result":
            result.write_bytes(result.read_bytes()[:40])
        case _:
            shutil.rmtree(path.parent)
            path.parent.write_text("notes")
    assert reopened(session).rounds() == []


def test_looking_for_rounds_needs_no_torch() -> None:
    script = "import engine.learning.finished, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_a_checkpoint_that_turns_out_broken_gives_way_to_the_bundled_one_and_says_so(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    path = checkpoint(tmp_path / "project.rounds" / "round-001")
    rounds = Rounds(session, trainer(path, "better"))
    with qtbot.waitSignal(rounds.finished, timeout=20000):
        rounds.start()
    assert rounds.checkpoint == path
    with qtbot.waitSignal(rounds.failed, timeout=1000) as emitted:
        rounds.give_up(path, "The weights are cut short.")
    assert emitted.args[0] == "The weights are cut short. The bundled model predicts in its place."
    assert rounds.checkpoint == BUNDLED_WEIGHTS


def test_a_fine_tune_that_fails_says_why_and_leaves_the_model(qtbot: QtBot, session: Session) -> None:
    script = 'print(\'{"event": "failed", "message": "The loss diverged.", "remedy": "Try again."}\')'
    rounds = Rounds(session, child(script))
    before = rounds.checkpoint
    with qtbot.waitSignal(rounds.failed, timeout=20000) as emitted:
        rounds.start()
    assert emitted.args[0] == "The loss diverged. Try again."
    assert (rounds.checkpoint, rounds.rounds()) == (before, [])


def test_a_fine_tune_that_dies_is_told_with_its_last_words(qtbot: QtBot, session: Session) -> None:
    rounds = Rounds(session, child("import os, sys; print('out of memory', file=sys.stderr); os.abort()"))
    with qtbot.waitSignal(rounds.failed, timeout=20000) as emitted:
        rounds.start()
    assert "unexpectedly" in emitted.args[0]
    assert "out of memory" in emitted.args[1]


@pytest.fixture
def cut_off(session: Session) -> Path:
    """The folder of a round with seed 3 that was cut off."""
    assert session.project is not None
    folder = training_folder(next_round_folder(session.project.path))
    folder.mkdir(parents=True)
    (folder / STATE_NAME).touch()
    (folder / SEED_NAME).write_text("3")
    return folder


def test_a_fine_tune_goes_on_with_the_choices_of_the_one_that_was_cut_off(
    qtbot: QtBot, session: Session, cut_off: Path
) -> None:
    script = "import json, sys; print(json.dumps({'event': 'failed', 'message': ' '.join(sys.argv)}))"
    rounds = Rounds(session, child(script))
    with qtbot.waitSignal(rounds.failed, timeout=20000) as told:
        rounds.start()
    assert "--seed 3 " in told.args[0]
    with work_folder(cut_off) as work:  # another process is at it
        work.keep = True
        with qtbot.waitSignal(rounds.failed, timeout=20000) as told:
            rounds.start()
    assert told.args[0].startswith("Another process is fine-tuning")
    assert not rounds.running


def test_a_fine_tune_that_has_to_be_killed_to_stop_leaves_nothing_either(
    qtbot: QtBot, session: Session, cut_off: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.verb_process.GRACE_MS", 300)
    rounds = Rounds(session, child('import time; print(\'{"event": "view", "done": 1, "total": 2}\'); time.sleep(600)'))
    rounds.start()
    qtbot.waitUntil(lambda: rounds.progress.views == (1, 2), timeout=20000)
    with qtbot.waitSignal(rounds.cancelled, timeout=20000):
        rounds.cancel()
    assert not cut_off.parent.exists()
    assert rounds.progress == RoundProgress()


def test_a_cancelled_fine_tune_registers_nothing_and_is_no_failure(qtbot: QtBot, session: Session) -> None:
    script = """
import sys
print('{"event": "view", "done": 4, "total": 24}')
sys.stdin.read()
print('{"event": "cancelled"}')
sys.exit(130)
"""
    rounds = Rounds(session, child(script))
    failures: list[str] = []
    rounds.failed.connect(lambda message, details: failures.append(message))
    rounds.start()
    qtbot.waitUntil(lambda: rounds.progress.views == (4, 24), timeout=20000)
    rounds.cancel()
    assert rounds.cancelling
    qtbot.waitUntil(lambda: not rounds.running, timeout=10000)
    assert failures == []
    assert rounds.rounds() == []
