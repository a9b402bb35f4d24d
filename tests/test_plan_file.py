"""A plan is read as it was written, or told to be something else."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_fakes import Desk, make_desk

from imgsearch.duplicates.groups import Kind
from imgsearch.errors import ImgsearchError, PlanRefusedError, UsageError
from imgsearch.plans.plan import (
    KeepRule,
    LeftFile,
    Plan,
    PlannedFile,
    PlannedGroup,
    PlannedRemoval,
)
from imgsearch.plans.plan_file import digest_of, plan_keys, read_plan, write_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A gallery with two groups of duplicates."""
    return make_desk(tmp_path, monkeypatch)


def edited(path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    """Change a plan's document by hand."""
    document = json.loads(path.read_bytes())
    edit(document)
    path.write_text(json.dumps(document, indent=1))
    return path


# Names as Linux has them: any bytes but "/" and NUL.
NAMES: SearchStrategy[str] = st.binary(min_size=1, max_size=12).map(
    lambda raw: "x" + raw.replace(b"/", b"").replace(b"\0", b"").decode("utf-8", "surrogateescape")
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Return a plan with names of any bytes."""

    def file() -> PlannedFile:
        name = draw(NAMES)
        return PlannedFile(
            path=Path("/photos") / name,
            root=Path("/photos"),
            content=f"{draw(st.integers(0, 9)):064}",
            bytes=draw(st.integers(0, 2**40)),
            mtime_ns=draw(st.integers(-(2**62), 2**62)),
            device=draw(st.none() | st.integers(0, 2**64 - 1)),
            inode=draw(st.none() | st.integers(0, 2**64 - 1)),
        )

    def removal() -> PlannedRemoval:
        return PlannedRemoval(
            file=file(),
            kind=draw(st.sampled_from(list(Kind))),
            certainty=draw(st.floats(0, 1)),
            changes=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
            reason=draw(st.text(max_size=9)),
            only_here=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
        )

    return Plan(
        gallery=Path("/gallery") / draw(NAMES),
        gallery_id="0" * 32,
        recipe=draw(st.none() | st.text(max_size=8)),
        made="2026-05-01T12:00:00+00:00",
        keep=(KeepRule.LARGEST,),
        protect=(Path("/photos") / draw(NAMES),),
        groups=tuple(
            PlannedGroup(
                keeper=file(),
                reason="largest",
                removals=tuple(removal() for _ in range(draw(st.integers(1, 2)))),
                left=(LeftFile(path=Path("/photos") / draw(NAMES), reason="protected"),),
            )
            for _ in range(draw(st.integers(0, 2)))
        ),
    )


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
@given(plan=plans())
def test_any_plan_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan
) -> None:
    path = tmp_path_factory.getbasetemp() / "any plan.json"
    write_plan(plan, path)
    assert read_plan(path) == plan
    assert path.read_bytes().isascii()
    assert json.loads(path.read_bytes())["digest"] == digest_of(plan)


def test_the_layout_of_a_plan_does_not_matter(desk: Desk) -> None:
    path = desk.written()
    edited(path, lambda _: None)
    assert read_plan(path) == desk.plan() or read_plan(path).groups == desk.plan().groups


def test_entries_may_be_taken_out_and_that_must_be_said(desk: Desk) -> None:
    path = edited(desk.written(), lambda plan: plan["groups"].pop(0))
    with pytest.raises(PlanRefusedError, match="say --edited"):
        read_plan(path)
    assert len(read_plan(path, edited=True).groups) == 1
    edited(path, lambda plan: plan["groups"][0]["remove"].pop())
    assert read_plan(path, edited=True).files == 1
    assert len(desk.gallery.apply(read_plan(path, edited=True)).removed) == 1


def change(*keys: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    """Return what changes one value of a document."""

    def act(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = to

    return act


@pytest.mark.parametrize(
    "edit",
    [
        change("groups", 0, "remove", 0, "path", to="/etc/passwd"),
        change("groups", 0, "remove", 0, "content", to="0" * 64),
        change("groups", 0, "remove", 0, "kind", to="identical"),
        change("groups", 0, "keeper", "path", to="/photos/other.png"),
        change("groups", 0, "keeper", "content", to="0" * 64),
        change("gallery_id", to="0" * 32),
        change("protect", to=[]),
        change("kinds", to=["identical", "similar"]),
    ],
)
def test_any_other_change_is_refused_even_if_edits_are_expected(
    desk: Desk, edit: Callable[[dict[str, Any]], None]
) -> None:
    groups = list(reversed(desk.groups()))
    plan = desk.gallery.plan(groups, protect=[desk.photos / "a"])
    path = edited(desk.written(plan), edit)
    for allowed in (False, True):
        with pytest.raises(PlanRefusedError):
            read_plan(path, edited=allowed)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no plan as imgsearch writes it"),
        (b"[]", "no plan"),
        (b'{"imgsearch": "query", "version": 1}', "no plan"),
        (b'{"imgsearch": "plan", "version": 2}', "a plan of version 2"),
        (b'{"imgsearch": "plan", "version": 1}', "'gallery' is no path"),
        (
            b'{"imgsearch": "plan", "version": 1, "gallery": "/g"}',
            "misses 'gallery_id'",
        ),
        (b'{"imgsearch": "plan", "version": 1, "gallery": 5}', "'gallery' is no path"),
        (b'{"imgsearch": "plan", "version": 1, "gallery": "here"}', "no absolute path"),
        (b"[" * 100_000, "no plan as imgsearch writes it"),
        (b"\xff\xfe", "no plan as imgsearch writes it"),
    ],
)
def test_what_is_no_plan_is_refused_in_a_sentence(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(text)
    with pytest.raises(ImgsearchError, match=said) as caught:
        read_plan(path)
    assert str(path) in str(caught.value)


@given(place=st.integers(0, 10_000), new=st.sampled_from([None, 5, "x", [], {}, True, -1.5]))
def test_a_value_of_another_type_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, new: object
) -> None:
    """Wherever it stands in the document, and whatever is put there."""
    file = PlannedFile(
        path=Path("/photos/a.png"), root=Path("/photos"), content="0" * 64, bytes=1, mtime_ns=2
    )
    item = PlannedRemoval(file=file, kind=Kind.COPY, certainty=0.5, reason="smaller")
    plan = Plan(
        gallery=Path("/gallery"),
        gallery_id="0" * 32,
        recipe="1234",
        made="now",
        keep=(KeepRule.LARGEST,),
        groups=(PlannedGroup(keeper=file, reason="largest", removals=(item,)),),
    )
    document = plan_keys(plan)
    places = list(_places(document))
    holder, key = places[place % len(places)]
    if holder[key] == new and type(holder[key]) is type(new):
        return
    holder[key] = new
    path = tmp_path_factory.getbasetemp() / "odd plan.json"
    path.write_text(json.dumps(document))
    with pytest.raises((PlanRefusedError, UsageError)):
        read_plan(path)


def _places(node: Any) -> Any:
    """Yield every place of a document, as what holds it and the key."""
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def test_the_digest_tells_plans_apart_that_differ_in_anything(desk: Desk) -> None:
    plan = desk.plan()
    assert digest_of(plan) == digest_of(replace(plan))
    assert digest_of(plan) != digest_of(replace(plan, made="later"))
    assert digest_of(plan) != digest_of(replace(plan, groups=plan.groups[:1]))
