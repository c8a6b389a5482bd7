"""Curves as SVG and PNG; needs matplotlib, which is in the extra `bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench.compare import FULL_PATH
from tests.bench.results import Results, curve

Figure = Any
"""A matplotlib figure; it brings no types of its own."""


def pyplot() -> Any:
    """matplotlib without a screen, or None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def relays(results: Results, folder: Path) -> list[Path]:
    """The rate of each relay: medians, with the lowest and the highest."""
    plot = pyplot()
    names = results.candidates(FULL_PATH)[::-1]
    found = [results.spread(FULL_PATH, name, "events_per_second") for name in names]
    rates = [one for one in found if one]
    if plot is None or not rates:
        return []
    figure, axis = plot.subplots(figsize=(9, 0.5 * len(names) + 1))
    medians = [one.median for one in rates]
    below = [one.median - one.lowest for one in rates]
    above = [one.highest - one.median for one in rates]
    axis.barh(names, medians, xerr=[below, above], capsize=4)
    axis.set_xlabel("events/s, full path")
    axis.grid(axis="x", alpha=0.3)
    return saved(figure, folder, "relays")


def growth(results: Results, folder: Path) -> list[Path]:
    """For each series the rate and the cost over what grows, on logarithmic axes."""
    plot = pyplot()
    if plot is None:
        return []
    names = list(dict.fromkeys(row.question for row in results.rows))
    figure, axes = plot.subplots(len(names), 2, figsize=(11, 3.2 * len(names)), squeeze=False)
    for name, (left, right) in zip(names, axes, strict=True):
        for axis, what, label in (
            (left, "events_per_second", "events/s"),
            (right, "cpu_us_per_event", "CPU µs an event"),
        ):
            xs, ys = curve(results, name, what)
            axis.loglog(xs, ys, marker="o")
            axis.set_xlabel(name + (", MiB" if "depth" in name else ""))
            axis.set_ylabel(label)
            axis.set_ylim(min(ys) / 2, max(ys) * 2)
            axis.grid(which="both", alpha=0.3)
    return saved(figure, folder, "growth")


def soak(
    samples: list[dict[str, float]], outages: list[tuple[float, float]], folder: Path
) -> list[Path]:
    """Memory, backlog and rates over time; outages shaded."""
    plot = pyplot()
    if plot is None:
        return []
    minutes = [sample["seconds"] / 60 for sample in samples]
    figure, axes = plot.subplots(3, 1, figsize=(11, 8), sharex=True)
    for axis, label, names in (
        (axes[0], "resident MiB", ["resident_mib"]),
        (axes[1], "events waiting", ["waiting"]),
        (axes[2], "events/s", ["in_per_second", "out_per_second"]),
    ):
        for name in names:
            axis.plot(minutes, [sample[name] for sample in samples], label=name)
        for began, ended in outages:
            axis.axvspan(began / 60, ended / 60, alpha=0.15, color="red")
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    axes[2].legend()
    axes[2].set_xlabel("minutes; the receiver is away where it is red")
    return saved(figure, folder, "soak")


def told(paths: list[Path]) -> str:
    """Where the plots are, or why there are none."""
    return " ".join(map(str, paths)) or "(no plots: pip install -e '.[bench]' brings matplotlib)"


def saved(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Both formats."""
    figure.tight_layout()
    paths = [folder / f"{name}.{kind}" for kind in ("svg", "png")]
    for path in paths:
        figure.savefig(path)
    return paths
