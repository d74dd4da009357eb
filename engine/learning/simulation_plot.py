"""A simulation as a picture: seconds an instance and mask AP over the images that were accepted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from xml.sax.saxutils import escape

from engine.files import atomic_write
from engine.learning.simulation import Measured, Order, Run

WIDTH, HEIGHT, LEFT, TOP, GAP = 360, 220, 56, 48, 80
"""Pixels of one plot, and around it."""
COLOURS = {
    (Order.QUEUE, True): "#1f6feb",
    (Order.RANDOM, True): "#2da44e",
    (Order.QUEUE, False): "#a5c8f5",
    (Order.RANDOM, False): "#9fd3ae",
}
TICKS = 4
"""Lines above the one of zero, at least."""


def write_plot(path: Path, runs: Sequence[Run]) -> None:
    """Write an SVG of two plots, a line for each order with fine-tuning and without: the mean over the seeds."""
    plots = (
        ("Seconds an instance, by accepted images", lambda each: each.work.seconds / max(1, each.work.instances)),
        ("Mask AP on the test set, by accepted images", lambda each: each.mask.AP),
    )
    width, height = LEFT + 2 * WIDTH + GAP + 24, TOP + HEIGHT + 92
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
    parts = [head + f'font-size="12" fill="#24292f"><rect width="{width}" height="{height}" fill="#ffffff"/>']
    for index, (title, value) in enumerate(plots):
        parts.append(_plot(title, runs, value, LEFT + index * (WIDTH + GAP)))
    for index, ((order, finetuned), colour) in enumerate(COLOURS.items()):
        x, y = LEFT + index % 2 * (WIDTH + GAP), TOP + HEIGHT + 52 + index // 2 * 20
        words = f"{order} order, fine-tuned" if finetuned else f"the same images in {order} order, as it is"
        parts.append(f'<path d="M{x} {y - 4}h24" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 32}" y="{y}">{escape(words)}</text>')
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join([*parts, "</svg>\n"]), encoding="utf-8")


def _plot(title: str, runs: Sequence[Run], value: Callable[[Measured], float], left: int) -> str:
    lines = {key: _means(runs, *key, value) for key in COLOURS}
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    most, levels = max(x for x, _ in points), _levels(max(y for _, y in points) or 1.0)

    def place(x: float, y: float) -> str:
        return f"{left + WIDTH * x / most:.1f} {TOP + HEIGHT * (1 - y / levels[-1]):.1f}"

    parts = [f'<text x="{left}" y="{TOP - 20}" font-size="14" font-weight="bold">{escape(title)}</text>']
    for level in levels:
        parts.append(f'<path d="M{place(0, level)}H{left + WIDTH}" stroke="#d0d7de"/>')
        x, y = place(0, level).split()
        parts.append(f'<text x="{float(x) - 8}" y="{float(y) + 4}" text-anchor="end">{level:g}</text>')
    for count in sorted({count for count, _ in points}):
        at = place(count, 0).split()[0]
        parts.append(f'<text x="{at}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{count}</text>')
    for key, line in lines.items():
        if line:
            path = "L".join(place(x, y) for x, y in line)
            parts.append(f'<path d="M{path}" stroke="{COLOURS[key]}" stroke-width="2.5" fill="none"/>')
    return "\n".join(parts)


def _levels(top: float) -> list[float]:
    """Round numbers from zero on, the last one from ``top`` on."""
    decade = 10.0 ** math.floor(math.log10(top / TICKS))
    step = max(each * decade for each in (1, 2, 5) if each * decade <= top / TICKS or each == 1)
    return [step * number for number in range(math.ceil(top / step) + 1)]


def _means(
    runs: Sequence[Run], order: Order, finetuned: bool, value: Callable[[Measured], float]
) -> list[tuple[int, float]]:
    """(accepted images, mean over the seeds) of the runs of one kind."""
    alike = [run for run in runs if run.order is order and run.finetuned is finetuned]
    return [
        (states[0].images, fmean(map(value, states))) for states in zip(*(run.rounds for run in alike), strict=True)
    ]
