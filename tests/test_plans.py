"""A plan keeps the right file of every group, removes only what is the same, and says why."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_fakes import Desk, make_desk

from imgsearch.duplicates.groups import Evidence, Kind, Member
from imgsearch.errors import UsageError
from imgsearch.plans.entries import Entry, between
from imgsearch.plans.plan import DEFAULT_RULES, KeepRule
from imgsearch.plans.rules import Candidate, key, only_here, parse_rules, rank, why
from imgsearch.search.matches import GalleryFile

if TYPE_CHECKING:
    from pathlib import Path

    from imgsearch.plans.plan import Plan


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A gallery with two groups of duplicates."""
    return make_desk(tmp_path, monkeypatch)


def names(plan: Plan, desk: Desk) -> dict[str, list[str]]:
    """Return the files that are to go, by the name of their keeper."""
    return {
        os.fspath(group.keeper.path.relative_to(desk.photos)): [
            os.fspath(item.file.path.relative_to(desk.photos)) for item in group.removals
        ]
        for group in plan.groups
    }


def left(plan: Plan, desk: Desk) -> dict[str, str]:
    """Return why files are left, by name."""
    everything = [*plan.left, *(one for group in plan.groups for one in group.left)]
    return {os.fspath(one.path.relative_to(desk.photos)): one.reason for one in everything}


def test_the_largest_is_kept_and_what_was_changed_first_where_nothing_else_differs(
    desk: Desk,
) -> None:
    assert names(desk.plan(), desk) == {
        "a/one.png": ["b/copy of one.png"],
        "a/two.png": ["b/small two.png", "c/two.png"],
    }


def test_a_plan_says_of_every_file_why(desk: Desk) -> None:
    one, two = desk.plan(keep=["largest", "oldest"]).groups
    assert one.reason.startswith("oldest: 2023-11-14 22:13:20")
    assert two.removals[0].reason == "the keeper is largest: 48x48 rather than 24x24"
    assert two.removals[1].reason.startswith("the keeper is oldest: ")
    assert (two.removals[0].kind, two.removals[0].certainty) == (Kind.COPY, 0.995)
    assert (two.removals[1].kind, two.removals[1].certainty) == (Kind.IDENTICAL, 1.0)


def test_rules_decide_in_the_order_in_which_they_are_given(desk: Desk) -> None:
    newest = names(desk.plan(keep=["newest"]), desk)
    assert newest == {
        "b/copy of one.png": ["a/one.png"],
        "c/two.png": ["a/two.png", "b/small two.png"],
    }
    both = names(desk.plan(keep=["largest,newest"]), desk)
    assert both == newest
    short = names(desk.plan(keep=["shortest-path", "newest"]), desk)
    assert list(short) == ["a/one.png", "c/two.png"]


def test_preferred_folders_decide_where_the_rules_leave_it_open(desk: Desk) -> None:
    plan = desk.plan(keep=["largest"], prefer=[desk.photos / "c", desk.photos / "b"])
    assert list(names(plan, desk)) == ["b/copy of one.png", "c/two.png"]
    assert plan.groups[1].reason.startswith("preferred: ")
    first = desk.plan(keep=["preferred", "largest"], prefer=[desk.photos / "b"])
    assert "b/small two.png" in names(first, desk)


def test_a_protected_file_is_never_removed_and_is_kept_where_the_rules_leave_it_open(
    desk: Desk,
) -> None:
    plan = desk.plan(keep=["largest"], protect=[desk.photos / "b"])
    assert names(plan, desk) == {"b/copy of one.png": ["a/one.png"], "a/two.png": ["c/two.png"]}
    assert left(plan, desk) == {"b/small two.png": f"protected: it lies in {desk.photos / 'b'}"}
    assert plan.groups[0].reason == "as good by every rule, and protected"


def test_by_default_a_protected_file_is_kept_rather_than_an_older_one(desk: Desk) -> None:
    """It stays anyway, so that keeping the other one too would gain nothing."""
    plan = desk.plan(protect=[desk.photos / "b"])
    assert names(plan, desk) == {"b/copy of one.png": ["a/one.png"], "a/two.png": ["c/two.png"]}
    assert plan.groups[0].reason == "protected: it stays anyway"
    first = desk.plan(keep=["protected", "largest"], protect=[desk.photos / "b"])
    assert "b/small two.png" in names(first, desk)


def test_protection_sees_through_symbolic_links(desk: Desk) -> None:
    (desk.base / "link").symlink_to(desk.photos / "b")
    plan = desk.plan(keep=["oldest"], protect=[desk.base / "link"])
    assert left(plan, desk).keys() == {"b/copy of one.png", "b/small two.png"}
    assert names(plan, desk) == {"a/two.png": ["c/two.png"]}


def test_an_edit_goes_only_when_it_was_asked_for_and_what_is_similar_never(desk: Desk) -> None:
    group = desk.group("a/one.png", ("c/other.png", Kind.EDIT))
    plan = desk.gallery.plan([group])
    assert plan.groups == ()
    assert left(plan, desk) == {"c/other.png": "its kind is edit, which was not asked for"}
    assert names(desk.gallery.plan([group], kinds=["edit"]), desk) == {"a/one.png": ["c/other.png"]}
    with pytest.raises(UsageError, match="never removed"):
        desk.gallery.plan([group], kinds=["similar"])


def test_a_file_that_was_compared_with_another_one_only_is_left(desk: Desk) -> None:
    """The rule keeps a copy; the second copy was compared with the first keeper and not with it."""
    group = desk.group("a/two.png", ("b/small two.png", Kind.COPY), ("c/other.png", Kind.COPY))
    plan = desk.gallery.plan([group], keep=["preferred"], prefer=[desk.photos / "b"])
    assert names(plan, desk) == {"b/small two.png": ["a/two.png"]}
    assert "compared with another file" in left(plan, desk)["c/other.png"]


def test_no_file_is_kept_for_one_group_and_removed_for_another(desk: Desk) -> None:
    groups = [
        desk.group("a/one.png", ("c/other.png", Kind.COPY)),
        desk.group("a/two.png", ("a/one.png", Kind.COPY)),
        desk.group("c/other.png", ("c/two.png", Kind.COPY)),
    ]
    plan = desk.gallery.plan(groups)
    kept = {group.keeper.path for group in plan.groups}
    gone = [item.file.path for group in plan.groups for item in group.removals]
    assert kept.isdisjoint(gone)
    assert len(gone) == len(set(gone))
    assert left(plan, desk)["a/one.png"] == "it is the keeper of another group"


def test_what_has_a_companion_stays_and_is_kept_where_the_rules_leave_it_open(desk: Desk) -> None:
    group = desk.group(
        "a/one.png",
        ("b/copy of one.png", Kind.IDENTICAL),
        companions=(desk.companion("b/copy of one.cr2", "b/copy of one.png"),),
    )
    tied = desk.gallery.plan([group], keep=["largest"])
    assert names(tied, desk) == {"b/copy of one.png": ["a/one.png"]}
    assert tied.groups[0].reason == "as good by every rule, and the one with a companion"
    stays = desk.gallery.plan([group], keep=["oldest"])
    assert "belongs to it" in left(stays, desk)["b/copy of one.png"]
    split = desk.gallery.plan([group], keep=["oldest"], split_companions=True)
    assert names(split, desk) == {"a/one.png": ["b/copy of one.png"]}


def test_one_file_under_two_names_is_no_duplicate_of_itself(desk: Desk) -> None:
    os.link(desk.photos / "a/one.png", desk.photos / "b/again.png")
    desk.gallery.index()
    group = desk.group("a/one.png", ("b/again.png", Kind.IDENTICAL))
    plan = desk.gallery.plan([group])
    assert plan.groups == ()
    assert left(plan, desk) == {"b/again.png": "it is the keeper itself under another name"}
    named = replace(group, members=(), keeper_names=(desk.photos / "b/again.png",))
    copy = Member(
        file=desk.file("b/copy of one.png"), evidence=Evidence(kind=Kind.IDENTICAL, certainty=1)
    )
    plan = desk.gallery.plan([replace(named, members=(copy,))], keep=["newest"])
    assert plan.groups == ()
    assert "removing one would free nothing" in left(plan, desk)["a/one.png"]


def test_files_that_are_offline_gone_or_changed_are_left(desk: Desk) -> None:
    groups = desk.groups()
    (desk.photos / "b/copy of one.png").unlink()
    (desk.photos / "b/small two.png").write_bytes(b"changed")
    plan = desk.gallery.plan(groups)
    reasons = left(plan, desk)
    assert reasons["b/copy of one.png"].startswith("not there")
    assert reasons["b/small two.png"].startswith("changed since it was indexed")
    shutil.move(desk.photos, desk.base / "unplugged")
    desk.photos.mkdir()
    gone = desk.gallery.plan(desk.groups())
    assert gone.groups == ()
    assert all(reason.startswith("offline") for reason in left(gone, desk).values())


def test_metadata_that_only_the_removed_file_has_is_named(desk: Desk) -> None:
    kept = replace(desk.file("a/two.png"), taken=None, camera="Canon EOS R5")
    copy = replace(
        desk.file("b/small two.png"),
        taken="2019-05-01T12:00:00",
        camera="Canon EOS R5",
        latitude=48.85,
        longitude=2.35,
    )
    evidence = Evidence(kind=Kind.COPY, certainty=0.999)
    group = replace(
        desk.group("a/two.png", ("c/two.png", Kind.IDENTICAL)),
        keeper=kept,
        members=(Member(file=copy, evidence=evidence),),
    )
    (planned,) = desk.gallery.plan([group]).groups
    assert planned.removals[0].only_here == ("taken 2019-05-01T12:00:00", "place 48.85, 2.35")
    assert only_here(kept, copy) == ()


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"keep": ["biggest"]}, "'biggest' is no rule"),
        ({"keep": ["largest", "largest"]}, "named twice"),
        ({"keep": ["preferred"]}, "needs folders"),
        ({"kinds": ["same"]}, "'same' is no kind"),
        ({"protect": ["/no/such/folder"]}, "no such folder"),
        ({"protect": "/photos"}, "not a list"),
    ],
)
def test_choices_that_make_no_sense_are_refused(
    desk: Desk, choices: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        desk.gallery.plan([], **choices)  # type: ignore[arg-type]


def test_rules_are_parsed_with_the_preferred_folders_last() -> None:
    assert parse_rules(["oldest,largest"], preferring=True) == (
        KeepRule.OLDEST,
        KeepRule.LARGEST,
        KeepRule.PREFERRED,
    )
    assert parse_rules([], preferring=True) == ()


def candidate(seed: int, path: Path) -> Candidate:
    """Return a file of which a little is drawn from a number."""
    return Candidate(
        GalleryFile(
            path=path / f"{'x' * (seed % 3)}/{seed}.jpg",
            root=path,
            content=f"{seed:064}",
            width=100 * (1 + seed % 2),
            height=100,
            format=("JPEG", "PNG", "RAW", "odd")[seed % 4],
            bytes=1000 * (seed % 3),
            taken="2020-01-01T00:00:00" if seed % 2 else None,
            camera=None,
            lens=None,
            latitude=None,
            longitude=None,
            offline=False,
        ),
        mtime_ns=seed % 5,
        preference=seed % 3,
        protected=seed % 7 == 0,
    )


@given(one=st.integers(0, 60), other=st.integers(0, 60), rules=st.permutations(list(KeepRule)))
def test_of_two_files_the_better_one_is_better_for_a_reason_that_is_told(
    one: int, other: int, rules: list[KeepRule]
) -> None:
    from pathlib import Path as Place

    first, second = (candidate(seed, Place("/photos")) for seed in (one, other))
    keys = key(rules, first), key(rules, second)
    told = why(rules, first, second)
    assert (told == "as good by every rule") == (keys[0] == keys[1])
    deciding = [rule for rule in rules if key([rule], first) != key([rule], second)]
    if deciding:
        assert told.startswith(f"{deciding[0]}: ")


def test_groups_may_be_built_around_the_files_that_a_plan_keeps(desk: Desk) -> None:
    """So that every member was compared with the one that stays."""
    prefer, protect = [desk.photos / "c"], [desk.photos / "b"]
    by = rank(parse_rules(["preferred"], preferring=True), prefer=prefer, protect=protect)
    groups = desk.gallery.duplicates(kinds=["identical"], rank=by)
    assert {os.fspath(group.keeper.path.relative_to(desk.photos)) for group in groups} == {
        "b/copy of one.png",
        "c/two.png",
    }
    plan = desk.gallery.plan(groups, keep=["preferred"], prefer=prefer, protect=protect)
    assert names(plan, desk) == {"b/copy of one.png": ["a/one.png"], "c/two.png": ["a/two.png"]}


def test_the_default_rules_are_all_but_newest() -> None:
    assert set(DEFAULT_RULES) == set(KeepRule) - {KeepRule.NEWEST}


def entry(desk: Desk, name: str, kind: Kind | None, content: str) -> Entry:
    """Return a file of a group with evidence of a kind."""
    return Entry(
        file=replace(desk.file(name), content=content),
        evidence=None if kind is None else Evidence(kind=kind, certainty=0.99),
        status=None,
        obstacle=None,
        protected=False,
        accompanied=False,
    )


@pytest.mark.parametrize(
    ("one", "other", "same_bytes", "expected"),
    [
        (Kind.COPY, None, False, Kind.COPY),
        (None, Kind.EDIT, False, Kind.EDIT),
        (Kind.COPY, Kind.PIXELS, False, Kind.COPY),
        (Kind.IDENTICAL, Kind.COPY, False, Kind.COPY),
        (Kind.IDENTICAL, Kind.PIXELS, False, Kind.PIXELS),
        (Kind.COPY, Kind.COPY, False, None),
        (Kind.COPY, Kind.EDIT, False, None),
        (Kind.COPY, Kind.EDIT, True, Kind.IDENTICAL),
    ],
)
def test_evidence_is_carried_over_only_by_what_is_the_same_without_doubt(
    desk: Desk,
    one: Kind | None,
    other: Kind | None,
    same_bytes: bool,  # noqa: FBT001 - a parameter of the table
    expected: Kind | None,
) -> None:
    found = between(
        entry(desk, "a/one.png", one, "0" * 64),
        entry(desk, "a/two.png", other, ("0" if same_bytes else "1") * 64),
    )
    assert (None if found is None else found.kind) == expected


def test_a_picture_that_is_reached_through_a_link_below_its_root_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tmp_path, monkeypatch)
    groups = desk.groups()
    shutil.move(desk.photos / "b", desk.base / "elsewhere")
    (desk.photos / "b").symlink_to(desk.base / "elsewhere")
    plan = desk.gallery.plan(groups)
    assert left(plan, desk)["b/small two.png"].startswith("it is reached through a symbolic link")
