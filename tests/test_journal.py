"""A journal that is not as it was written is refused; one that a crash cut short is obeyed."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_fakes import run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_fakes import Desk, make_desk

from imgsearch.errors import PlanRefusedError
from imgsearch.plans import file_acts
from imgsearch.plans.journal import Journal
from imgsearch.plans.step_values import Step, StepState

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DataObject

    Lines = list[bytes]


def step(number: int) -> Step:
    """Return a step about a file of its number, with a name beyond ASCII."""
    return Step(
        number=number,
        way="folder",
        path=Path(f"/photos/é{number}.png"),
        root=Path("/photos"),
        content=f"{number}" * 64,
        bytes=number,
        keeper=Path("/photos/kept.png"),
        target=Path(f"/out/{number}.png"),
    )


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A journal of seven lines: two steps done, one begun, and one done taken back."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    with Journal.create(tmp_path, gallery_id="g", plan="p" * 64) as journal:
        states = [journal.begin(step(number)) for number in (1, 2, 3)]
        for state in states[:2]:
            journal.done(state)
        journal.undone(states[0])
        return journal.path


def outcomes(path: Path) -> dict[int, StepState]:
    """Return what a journal says."""
    return Journal.read(path).states


def without_digests(path: Path) -> None:
    """Make a journal what earlier versions wrote."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    for keys in lines:
        del keys["digest"]
    lines[0]["version"] = 1
    path.write_bytes(b"".join(json.dumps(keys).encode() + b"\n" for keys in lines))


def path_edited(lines: Lines) -> Lines:
    return [*lines[:2], lines[2].replace(b"2.png", b"1.png"), *lines[3:]]


def line_taken_out(lines: Lines) -> Lines:
    return [*lines[:4], *lines[5:]]


def lines_swapped(lines: Lines) -> Lines:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def line_doubled(lines: Lines) -> Lines:
    return [*lines[:5], lines[4], *lines[5:]]


def line_appended(lines: Lines) -> Lines:
    return [*lines, b'{"undone": 2}\n']


def line_sealed_elsewhere(lines: Lines) -> Lines:
    """The last line is one of another place in the same journal, digest and all."""
    return [*lines, lines[4]]


def digest_taken_away(lines: Lines) -> Lines:
    keys = json.loads(lines[3])
    del keys["digest"]
    return [*lines[:3], json.dumps(keys).encode() + b"\n", *lines[4:]]


def line_cut_in_the_middle(lines: Lines) -> Lines:
    return [*lines[:3], lines[3][:30] + b"\n", *lines[4:]]


def another_plan(lines: Lines) -> Lines:
    return [lines[0].replace(b"ppp", b"qqq"), *lines[1:]]


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (path_edited, 3),
        (line_taken_out, 5),
        (lines_swapped, 5),
        (line_doubled, 6),
        (line_appended, 8),
        (line_sealed_elsewhere, 8),
        (digest_taken_away, 4),
        (line_cut_in_the_middle, 4),
        (another_plan, 1),
    ],
)
def test_a_journal_that_was_changed_is_refused_by_the_line(
    written: Path, harm: Callable[[Lines], Lines], named: int
) -> None:
    """And what stands before that line can be undone by itself, as the message says."""
    lines = written.read_bytes().splitlines(keepends=True)
    assert len(lines) == 7
    written.write_bytes(b"".join(harm(lines)))
    for read in (Journal.read, Journal.open):
        with pytest.raises(PlanRefusedError, match=rf"jsonl: line {named} .*no file was touched"):
            read(written)
    before = b"".join(lines[: named - 1])
    written.write_bytes(before)
    if before:
        assert len(outcomes(written)) == min(3, named - 2)


def test_a_journal_that_is_cut_anywhere_says_what_its_whole_lines_say(written: Path) -> None:
    data = written.read_bytes()
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    begun = [outcomes(cut(written, data[:end])) for end in ends]
    for length in sorted({*range(ends[0], len(data), 11), *ends, *(end - 1 for end in ends[1:])}):
        whole = sum(end <= length for end in ends)
        assert outcomes(cut(written, data[:length])) == begun[whole - 1]
    with Journal.open(cut(written, data[:-5])) as journal:
        journal.undone(journal.states[2])
    assert outcomes(written)[2].outcome == "undone"
    assert written.read_bytes().count(b"\n") == 7


def cut(path: Path, data: bytes) -> Path:
    """Write a file anew; return its path."""
    path.write_bytes(data)
    return path


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_other_byte_makes_a_journal_say_anything_else(written: Path, data: DataObject) -> None:
    """Whatever is written over one before its last line, it is refused, or says the same."""
    whole = written.read_bytes()
    known = outcomes(written)
    at = data.draw(st.integers(0, whole.rindex(b"\n", 0, -1)))
    byte = data.draw(st.integers(0, 255))
    try:
        assert outcomes(cut(written, whole[:at] + bytes([byte]) + whole[at + 1 :])) == known
    except PlanRefusedError:
        assert byte != whole[at]
    finally:
        written.write_bytes(whole)


def test_a_journal_is_continued_by_whoever_opens_it_next(written: Path) -> None:
    with Journal.open(written) as journal:
        journal.failed(journal.states[3], "interrupted")
        journal.begin(step(4))
    assert [state.outcome for state in outcomes(written).values()] == [
        "undone",
        "done",
        "failed",
        "begun",
    ]


def test_a_line_that_could_not_be_written_breaks_nothing(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:9])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Journal.open(written) as journal:
        with monkeypatch.context() as patched:
            patched.setattr(file_acts, "append", half)
            with pytest.raises(OSError, match="No space"):
                journal.begin(step(4))
        journal.begin(step(4))
    assert outcomes(written)[4].step == step(4)


def test_a_journal_of_an_earlier_version_is_read_and_continued_as_it_is(written: Path) -> None:
    known = outcomes(written)
    without_digests(written)
    assert outcomes(written) == known
    with Journal.open(written) as journal:
        journal.done(journal.states[3])
    assert outcomes(written)[3].outcome == "done"
    assert b"digest" not in written.read_bytes()
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[2:]]))
    with pytest.raises(
        PlanRefusedError, match=r"no journal of this imgsearch, or damaged \(line 3"
    ):
        outcomes(written)


def test_a_journal_without_digests_may_not_claim_to_have_some(written: Path) -> None:
    keys = json.loads(written.read_bytes().splitlines()[0])
    for digest in (None, "", 7, []):
        written.write_bytes(json.dumps(keys | {"digest": digest}).encode() + b"\n")
        with pytest.raises(PlanRefusedError, match="line 1 is not as it was written"):
            outcomes(written)
    written.write_bytes(json.dumps(keys | {"version": 3}).encode() + b"\n")
    with pytest.raises(PlanRefusedError, match="no journal of this imgsearch"):
        outcomes(written)


# As a person types it


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A gallery with two groups of duplicates."""
    return make_desk(tmp_path, monkeypatch)


def test_undo_and_apply_obey_no_journal_that_was_edited_and_undo_what_stands_before(
    desk: Desk,
) -> None:
    """A plan that was applied, three files; then the second one's place is edited."""
    before, plan = desk.state(), desk.written()
    assert run("apply", plan, "--yes", "--to", desk.base / "out").exit_code == 0
    after = desk.state()
    (journal,) = (desk.gallery.path / "journals").iterdir()
    lines = journal.read_bytes().splitlines(keepends=True)
    assert [b'"begin"' in line for line in lines] == [False, *[True, False] * 3]
    edited = lines[3].replace(b'"path": "', b'"path": "/elsewhere')
    journal.write_bytes(b"".join([*lines[:3], edited, *lines[4:]]))
    for line in (("undo",), ("undo", journal), ("undo", "--dry-run"), ("apply", plan, "--yes")):
        refused = run(*line)
        assert refused.exit_code == 1
        assert f"{journal.name}: line 4 was changed or put in" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert desk.state() == after
    head = desk.base / "head.jsonl"
    head.write_bytes(b"".join(lines[:3]))
    assert run("undo", head).exit_code == 0
    assert len(desk.state()) == len(after) + 1
    journal.write_bytes(b"".join(lines))
    assert run("undo").exit_code == 0
    assert desk.state() == before


def test_undo_obeys_a_journal_of_an_earlier_version(desk: Desk) -> None:
    before = desk.state()
    journal = desk.gallery.apply(desk.plan()).journal
    assert journal is not None
    without_digests(journal)
    assert len(desk.gallery.undo().restored) == 3
    assert desk.state() == before
