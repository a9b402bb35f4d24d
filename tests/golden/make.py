"""Make the golden galleries of this folder, and their answers, with the imgsearch at hand.

    python tests/golden/make.py [NAME …]

For each name, by default all, it writes `NAME.tar.xz`, the gallery's folder, and `NAME.json`, what
that gallery answers. Run it with the version whose galleries are to be kept, never to make a test
pass: a gallery made before must go on giving the answers made before. The same version makes the
same bytes, up to rounding on another processor.
"""

from __future__ import annotations

import json
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

# Below this, two scores that are not compared exactly could change places.
APART = 4e-5


def scores(answer: Any) -> list[list[float]]:
    """Return the scores of each list of matches within an answer."""
    if isinstance(answer, dict):
        return [found for value in answer.values() for found in scores(value)]
    if isinstance(answer, list):
        if answer and isinstance(answer[0], dict) and "score" in answer[0]:
            return [[match["score"] for match in answer]]
        return [found for value in answer for found in scores(value)]
    return []


def document(answers: dict[str, dict[str, Any]]) -> str:
    """Return answers as JSON, each on a line of its own."""
    groups = (
        f"{json.dumps(group)}: {{\n"
        + ",\n".join(f"{json.dumps(case)}: {json.dumps(answer)}" for case, answer in cases.items())
        + "\n}"
        for group, cases in answers.items()
    )
    return "{\n" + ",\n".join(groups) + "\n}\n"


def make(name: str) -> None:
    """Make one gallery and its answers."""
    import golden_answers
    from golden_galleries import GOLDEN

    golden = GOLDEN[name]
    with tempfile.TemporaryDirectory() as place:
        golden.build(Path(place))
        golden.pack(Path(place))
    answers = {}
    for group, ask in golden_answers.GROUPS.items():
        with tempfile.TemporaryDirectory() as place:
            prepare = golden.unpack if group == "offline" else golden.restore
            prepare(Path(place))
            answers[group] = ask(golden, Path(place))
    gaps = [first - second for found in scores(answers) for first, second in pairwise(found)]
    if golden.slack + golden.network_slack and min(gaps) < APART:
        raise SystemExit(f"{name}: scores only {min(gaps)} apart; ask about other pictures")
    golden.expected.write_text(document(answers), encoding="ascii")
    for path in (golden.archive, golden.expected):
        print(f"{path.stat().st_size:9,} {path}")  # noqa: T201  # a script that says what it wrote


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from golden_galleries import GOLDEN

    for each in sys.argv[1:] or GOLDEN:
        make(each)
