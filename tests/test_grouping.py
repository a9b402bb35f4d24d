"""Groups around keepers: nothing is in a group because it is like another member."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsearch.duplicates.companions import are_companions, relation
from imgsearch.duplicates.grouping import default_rank, regroup
from imgsearch.duplicates.groups import Evidence, Kind
from imgsearch.search.matches import FileCopy, GalleryFile

COPY = Evidence(kind=Kind.COPY, certainty=0.999)


def file(name: str, *, width: int = 100, size: int = 1000, taken: str | None = None) -> GalleryFile:
    """Return a file of the gallery whose content is called like it."""
    return GalleryFile(
        path=Path("/photos") / name,
        root=Path("/photos"),
        content=name,
        width=width,
        height=100,
        format="JPEG",
        bytes=size,
        taken=taken,
        camera=None,
        lens=None,
        latitude=None,
        longitude=None,
        offline=False,
    )


def same(*pairs: str, why: Evidence = COPY) -> dict[tuple[str, str], Evidence]:
    """Return evidence, both ways, for pairs such as "ab"."""
    return {pair: why for one, other in pairs for pair in ((one, other), (other, one))}


def test_a_chain_is_cut_at_the_keeper() -> None:
    files = [file("a", width=300), file("b", width=200), file("c", width=100)]
    (group,) = regroup(files, same("ab", "bc"))
    assert group.keeper.content == "a"
    assert [member.file.content for member in group.members] == ["b"]


def test_another_rank_makes_another_keeper_and_drops_what_does_not_match_it() -> None:
    files = [file("a", width=300), file("b", width=200), file("c", width=100)]
    groups = (
        regroup(files, same("ab", "bc", "ac")),
        regroup(files, same("ab", "bc"), rank=lambda one: one.width),
    )
    assert [[m.file.content for m in group.members] for group in groups[0]] == [["b", "c"]]
    assert [(g.keeper.content, [m.file.content for m in g.members]) for g in groups[1]] == [
        ("c", ["b"])
    ]


def test_the_keeper_has_most_pixels_then_bytes_then_is_oldest_then_first_by_path() -> None:
    best = [
        file("e", width=200),
        file("d", size=2000),
        file("c", taken="2001-01-01T00:00:00"),
        file("b", taken="2002-01-01T00:00:00"),
        file("a"),
        file("z"),
    ]
    assert sorted(best, key=default_rank) == best
    assert min([replace(best[0], offline=True), best[5]], key=default_rank) == best[5]


def test_a_burst_does_not_take_what_is_a_copy_of_another() -> None:
    burst = replace(COPY, kind=Kind.BURST)
    files = [file("a", width=300), file("b", width=200), file("c", width=100)]
    groups = regroup(files, same("ab", "ac", why=burst) | same("bc"))
    assert {(g.keeper.content, *(m.file.content for m in g.members)) for g in groups} == {
        ("b", "c")
    }


def test_the_surest_group_comes_first_and_the_surest_member() -> None:
    files = [file(name, width=1000 - ord(name)) for name in "abcde"]
    edit = Evidence(kind=Kind.EDIT, certainty=0.991)
    first, second = regroup(files, same("ac", why=edit) | same("ae") | same("bd"))
    assert (first.keeper.content, first.kind, first.certainty) == ("b", Kind.COPY, 0.999)
    assert [member.file.content for member in second.members] == ["e", "c"]
    assert (second.kind, second.certainty) == (Kind.EDIT, 0.991)


def test_files_of_the_same_bytes_follow_their_content() -> None:
    twice = replace(file("b"), duplicates=(FileCopy(Path("/photos/b2"), Path("/photos"), False),))
    (group,) = regroup([file("a", width=300), twice], same("ab"))
    assert [member.file.path.name for member in group.members] == ["b", "b2"]
    assert {member.evidence.kind for member in group.members} == {Kind.COPY}


@given(
    st.permutations("abcdef"), st.sets(st.sampled_from(["ab", "bc", "cd", "de", "ef", "af", "be"]))
)
def test_the_order_of_what_is_given_changes_nothing(order: list[str], pairs: set[str]) -> None:
    files = {name: file(name, width=100 + (ord(name) * 37) % 50) for name in "abcdef"}
    expected = regroup(files.values(), same(*sorted(pairs)))
    assert regroup([files[name] for name in order], same(*pairs)) == expected
    seen = [one for group in expected for one in (group.keeper, *(m.file for m in group.members))]
    assert len(seen) == len({one.content for one in seen})
    for group in expected:
        for member in group.members:
            assert (group.keeper.content, member.file.content) in same(*pairs)


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("IMG_1.jpg", "IMG_1.CR2", "RAW of the same name"),
        ("IMG_1.CR2", "IMG_1.JPG", "picture of the same name beside the RAW"),
        ("IMG_1.HEIC", "IMG_1.MOV", "film of the same name"),
        ("IMG_1.jpg", "IMG_1.xmp", "sidecar of the same name"),
        ("IMG_1.jpg", "img_1.jpg.xmp", "sidecar of the same name"),
        ("IMG_1.jpg", "IMG_1-edited.jpg", "edited version, by its name"),
        ("IMG_1(edit).jpg", "IMG_1.jpg", "original of an edited version, by its name"),
        ("IMG_0001.HEIC", "IMG_E0001.JPG", "edited version, by its name"),
        ("IMG_1.jpg", "IMG_2.CR2", None),
        ("IMG_1.jpg", "IMG_1.png", None),
        ("IMG_1.jpg", "IMG_12-edited.jpg", None),
        ("credit.jpg", "cr.jpg", None),
    ],
)
def test_companions_are_known_by_their_names(one: str, other: str, reason: str | None) -> None:
    assert relation(Path("/a") / one, Path("/a") / other) == reason
    assert relation(Path("/a") / one, Path("/b") / other) is None
    assert are_companions(file(one), file(other)) == (reason is not None)
