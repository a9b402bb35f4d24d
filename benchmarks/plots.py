"""Draw the results as SVG, for the documentation.

Reads the results in `benchmarks/results/` and writes into `docs/figures/`:

* `index_rivals.svg`: ANN recall@10 against queries/s, from `index_scale.json`, for projected and
  for raw embeddings: the largest gallery, and where some stop before, the largest that all reach;
* `index_growth.svg`: what grows with the contents, from `index_scale.json`;
* `embedding_rivals.svg`: files to embeddings, from `embedding_rivals.json`;
* `cold_query.svg`: whole processes that answer one query, from `start_up.json`.

Missing files are named and skipped. The same results give the same SVG, byte for byte; text stays
text, so that the files are small.

    python benchmarks/plots.py
    python benchmarks/plots.py --results FOLDER --figures FOLDER --format png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Figures = dict[str, Any]

RESULTS: Final = Path(__file__).parent / "results"
FIGURES: Final = Path(__file__).parents[1] / "docs/figures"
# Okabe and Ito's colours, which colour-blind people can tell apart; the marks differ too.
OURS: Final = "#D55E00"
OTHERS: Final = "#8C8C8C"
INK: Final = "#222222"
CONTENDERS: Final = {
    "imgsearch": ("imgsearch, index alone", OURS, "o"),
    "imgsearch_scored": ("imgsearch, exact scores", "#E69F00", "o"),
    "hnswlib": ("hnswlib", "#0072B2", "s"),
    "usearch": ("usearch", "#56B4E9", "D"),
    "sklearn": ("scikit-learn, exact", "#000000", "*"),
    "milvus": ("Milvus Lite", "#009E73", "^"),
    "chroma": ("Chroma", "#CC79A7", "v"),
    "lancedb": ("LanceDB", "#7F6A00", "P"),
}
GROWTH: Final = {
    "build_s": "index built, s",
    "query_peak_mb": "peak memory of a query process, MB",
    "answer_p95_ms": "answer, p95, ms",
    "add_to_found_s": "1,000 more, until found, s",
}
SPACES: Final = {"projected": (OURS, "o"), "raw": ("#0072B2", "s")}
WAYS: Final = {
    "imgsearch float32": "imgsearch",
    "imgsearch bfloat16": "imgsearch, bfloat16",
    "imagededup": "imagededup (smaller network)",
    "keras-batched": "Keras, tf.data",
    "torch": "PyTorch, DataLoader",
    "keras-loop": "Keras, loop of tutorials",
}
# What a command of start_up.py does, by a part of its name.
COLD: Final = {
    "answer to a new file": "new file",
    "answer to a stored file": "stored",
    "network alone, no answer": "one picture",
}
STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "imgsearch",
    # The first comes with Matplotlib, so that the layout is the same everywhere; the second, where
    # a browser has not the first, is as wide.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
}


def index_rivals(rows: Sequence[Figures]) -> Any:  # noqa: ANN401  Matplotlib is not type-checked
    """Return the plot of ANN recall against queries/s.

    Args:
        rows: the results of index_scale.py.
    """
    panels = [row for dim in SPACES for row in _telling(rows, dim)]
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    figure, axes = plt.subplots(down, across, figsize=(9, 3.2 * down + 0.7), squeeze=False)
    shown: dict[str, Any] = {}
    for axis, row in zip(axes.flat, panels, strict=False):
        lowest = 1.0
        for name, (label, colour, mark) in CONTENDERS.items():
            if not (points := row.get(f"{name}_points")):
                continue
            (line,) = axis.plot(
                [recall for _, recall, _ in points],
                [speed for _, _, speed in points],
                color=colour,
                marker=mark,
                markersize=9 if mark == "*" else 5,
                linewidth=1.6,
                label=label,
                # A point at recall 1 is whole.
                clip_on=False,
            )
            shown.setdefault(label, line)
            lowest = min(lowest, *(recall for _, recall, _ in points))
        axis.set_xlim(min(0.95, lowest - 0.01), 1.0)
        axis.set_yscale("log")
        _numbers(axis.yaxis)
        axis.axvline(0.97, color=INK, linewidth=0.8, linestyle=":")
        axis.set_title(f"{row['size']:,} contents, {row['dim']} embeddings")
        axis.set_xlabel("ANN recall@10, dotted at 0.97")
        axis.set_ylabel("queries/s, one thread")
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    order = [label for label, _, _ in CONTENDERS.values() if label in shown]
    handles = [shown[label] for label in order]
    figure.legend(handles, order, loc="outside lower center", ncols=4)
    return figure


def _telling(rows: Sequence[Figures], dim: str) -> list[Figures]:
    """Return the cases to show of a dim: the largest, and the largest of those with most rivals."""

    def count(row: Figures) -> int:
        return sum(f"{name}_points" in row for name in CONTENDERS)

    cases = sorted((row for row in rows if row["dim"] == dim), key=lambda row: int(row["size"]))
    if not cases:
        return []
    fullest = max(cases, key=lambda row: (count(row), row["size"]))
    return [fullest] if fullest is cases[-1] or not count(cases[-1]) else [fullest, cases[-1]]


def index_growth(rows: Sequence[Figures]) -> Any:  # noqa: ANN401  likewise
    """Return the plots of what grows with the contents.

    Args:
        rows: the results of index_scale.py.
    """
    figure, axes = plt.subplots(2, 2, figsize=(9, 6), sharex=True)
    for axis, (key, title) in zip(axes.flat, GROWTH.items(), strict=True):
        for dim, (colour, mark) in SPACES.items():
            # A step that failed has no figure.
            found = sorted(
                (row["size"], row[key]) for row in rows if row["dim"] == dim and key in row
            )
            if found:
                sizes, values = zip(*found, strict=True)
                axis.plot(sizes, values, color=colour, marker=mark, linewidth=1.6, label=dim)
        axis.set_title(title)
        axis.set_xscale("log")
        axis.set_yscale("log")
        _numbers(axis.yaxis)
        _numbers(axis.xaxis, between=False)
    for axis in axes[1]:
        axis.set_xlabel("contents")
    axes[0, 0].legend(title="embeddings searched", alignment="left")
    return figure


def embedding_rivals(rows: Sequence[Figures]) -> Any:  # noqa: ANN401  likewise
    """Return the bars of files/s.

    Args:
        rows: the results of embedding_rivals.py.
    """
    kinds = list(dict.fromkeys(row["files"] for row in rows))
    figure, axes = plt.subplots(1, len(kinds), figsize=(9, 2.6), squeeze=False, sharey=True)
    for axis, kind in zip(axes.flat, kinds, strict=True):
        rates = {row["contender"]: row["rate"] for row in rows if row["files"] == kind}
        names = [name for name in WAYS if name in rates]
        _bars(
            axis,
            [(WAYS[name], rates[name], "imgsearch" in name) for name in names],
            unit="images/s",
            digits=1,
        )
        title = "photographs as they are" if kind == "as they are" else f"JPEGs of {kind}"
        axis.set_title(f"{title}, end to end")
    return figure


def cold_query(measured: Figures) -> Any:  # noqa: ANN401  likewise
    """Return the bars of whole processes.

    Args:
        measured: the results of start_up.py.
    """
    groups = {
        title: sorted(
            (command["seconds"], command["command"])
            for command in measured["commands"]
            if part in command["command"]
        )
        for title, part in COLD.items()
    }
    groups = {title: found for title, found in groups.items() if found}
    heights = [len(found) + 0.6 for found in groups.values()]
    figure, axes = plt.subplots(
        len(groups),
        1,
        figsize=(9, 0.34 * sum(heights) + 1.2),
        sharex=True,
        squeeze=False,
        height_ratios=heights,
    )
    for axis, (title, found) in zip(axes.flat, groups.items(), strict=True):
        rows = [
            (name.partition(":")[0].partition(",")[0], seconds, "imgsearch" in name)
            for seconds, name in found
        ]
        last = title == list(groups)[-1]
        _bars(axis, rows, unit="seconds from start to end of the process" if last else "", digits=2)
        axis.set_title(title)
    figure.suptitle(f"{measured['contents']:,} contents, nothing loaded before", fontsize=10)
    return figure


def _bars(
    axis: Any,  # noqa: ANN401  Matplotlib is not type-checked
    rows: Sequence[tuple[str, float, bool]],
    *,
    unit: str,
    digits: int,
) -> None:
    """Draw horizontal bars from the top: name, length, and whether it is imgsearch's."""
    names, values, ours = zip(*rows, strict=True)
    colours = [OURS if own else OTHERS for own in ours]
    bars = axis.barh(names, values, color=colours, height=0.68)
    axis.bar_label(bars, fmt=f"{{:,.{digits}f}}", padding=3)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.margins(x=0.14)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(unit)


def _numbers(side: Any, *, between: bool = True) -> None:  # noqa: ANN401  likewise
    """Label a logarithmic axis at powers of ten, and optionally at three times these."""
    side.set_major_locator(LogLocator(subs=(1.0, 3.0) if between else (1.0,)))
    side.set_minor_locator(NullLocator())
    side.set_major_formatter(FuncFormatter(_short))


def _short(value: float, _: int) -> str:
    """Return a number of a logarithmic axis without powers."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


PLOTS: Final[dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "index_rivals": ("index_scale.json", index_rivals),
    "index_growth": ("index_scale.json", index_growth),
    "embedding_rivals": ("embedding_rivals.json", embedding_rivals),
    "cold_query": ("start_up.json", cold_query),
}


def main() -> None:
    """Draw what there are results of."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--format", choices=("svg", "png"), default="svg")
    options = parser.parse_args()
    with mpl.rc_context(STYLE):
        for name, (source, draw) in PLOTS.items():
            path = options.results / source
            if not path.is_file():
                print(f"{name}: skipped, {source} is not there")
                continue
            figure = draw(json.loads(path.read_text(encoding="utf-8")))
            target = options.figures / f"{name}.{options.format}"
            plain = {"Date": None, "Creator": None} if options.format == "svg" else None
            figure.savefig(target, format=options.format, metadata=plain)
            plt.close(figure)
            print(f"{name}: {target.name}")


if __name__ == "__main__":
    main()
