"""Every answer equals a brute-force one over all embeddings, filters and ties included."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import FakeSource
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch import paths
from imgsearch.errors import UsageError
from imgsearch.images.metadata import Metadata
from imgsearch.recipe import RecipeRequest
from imgsearch.search import sieve
from imgsearch.search.answering import Question, answer, answer_each
from imgsearch.search.search_space import SearchSpace
from imgsearch.search.space_building import exact_space
from imgsearch.storage import passing
from imgsearch.storage.database import Store
from imgsearch.storage.embeddings import Embeddings
from imgsearch.storage.filters import Filters, full_date
from imgsearch.storage.places import Near, distance_km
from imgsearch.storage.records import Root, ScannedRow
from imgsearch.vectors.approximate_builder import Growing
from imgsearch.vectors.exact import ExactIndex
from imgsearch.vectors.index_plan import IndexPlan
from imgsearch.vectors.probes import Probes
from imgsearch.vectors.segmented import SegmentedIndex

if TYPE_CHECKING:
    from imgsearch.search.matches import Match

DIM = 48
NOWHERE = Path(gettempdir()) / "imgsearch-no-such-folder"
ROOTS = (NOWHERE / "a", NOWHERE / "b")
CAMERAS = (None, "Canon EOS R5", "NIKON Z 6", "iPhone 13")
TIMES = (None, "2019-12-31T23:59:59", "2020-01-01T00:00:00", "2020-05-17T12:00:00")
PLACES = ((None, None), (48.8584, 2.2945), (48.85, 2.35), (-33.86, 151.21), (0.0, 179.99))
FORMATS = ("JPEG", "PNG", "HEIF")


class World:
    """A gallery's rows in memory, with a plain list beside them that the oracle reads."""

    def __init__(self) -> None:
        self.store = Store.in_memory()
        recipe = FakeSource().resolve(RecipeRequest(), offline=True)
        self.stored = self.store.add_recipe(recipe)
        self.roots = [self.store.add_root(path, recursive=True) for path in ROOTS]
        self.items: list[tuple[int, Metadata, np.ndarray, list[tuple[Root, bytes]]]] = []

    @property
    def embeddings(self) -> Embeddings:
        """What the rows hold."""
        return Embeddings(self.store, Path("/nowhere"), self.stored)

    def add(self, vector: np.ndarray, facts: Metadata, files: list[tuple[int, bytes]]) -> int:
        """Keep a content, its unit vector and its files; return its id."""
        content_id = self.store.add_content(f"{len(self.items):064x}", 10, facts)
        held = [(self.roots[root], path) for root, path in files]
        for root, path in held:
            self.store.put_file(None, ScannedRow(root.id, path, 1, 1), content_id=content_id)
        self.items.append((content_id, facts, vector, held))
        return content_id

    def space(self) -> SearchSpace:
        """Return the index over the raw vectors."""
        ids = np.array([item[0] for item in self.items], np.int64)
        vectors = np.array([item[2] for item in self.items], np.float32).reshape(-1, DIM)
        return SearchSpace(None, ExactIndex.build(ids, vectors), 0)

    def ask(self, question: Question) -> list[Match]:
        """Return the answer under test."""
        return answer(self.embeddings, self.space(), question)

    def oracle(self, question: Question) -> list[tuple[float, Path, tuple[Path, ...]]]:
        """Return score, path and further paths of each match, by plain Python."""
        found = []
        for content_id, facts, vector, files in self.items:
            held = sorted(
                paths.encode(root.path / paths.decode(path))
                for root, path in files
                if not question.where.under
                or any(
                    (root.path / paths.decode(path)).is_relative_to(folder)
                    for folder in question.where.under
                )
            )
            if not held or content_id in question.excluded or not passes(facts, question.where):
                continue
            product = sum(float(a) * float(b) for a, b in zip(vector, question.vector, strict=True))
            score = round(min(1.0, max(-1.0, product)), 6) + 0.0
            if question.min_score is None or score >= question.min_score:
                whole = [paths.decode(path) for path in held]
                found.append((score, whole[0], tuple(whole[1:])))
        found.sort(key=lambda match: (-match[0], paths.encode(match[1])))
        return found[: question.k]


def passes(facts: Metadata, where: Filters) -> bool:  # noqa: PLR0911 - one for each filter
    """Whether a content's facts pass the filters, restated."""
    if where.after is not None and not (facts.taken and facts.taken >= full_date(where.after)):
        return False
    if where.before is not None and not (facts.taken and facts.taken < full_date(where.before)):
        return False
    if where.camera is not None and (
        facts.camera is None or where.camera.lower() not in facts.camera.lower()
    ):
        return False
    if where.min_width is not None and facts.width < where.min_width:
        return False
    if where.min_height is not None and facts.height < where.min_height:
        return False
    if where.formats and facts.format not in {
        {"jpg": "JPEG", "heic": "HEIF"}.get(name, name.upper()) for name in where.formats
    }:
        return False
    if where.near is None:
        return True
    if facts.latitude is None or facts.longitude is None:
        return False
    return great_circle(facts.latitude, facts.longitude, where.near) <= where.near.kilometres


def great_circle(latitude: float, longitude: float, near: Near) -> float:
    """Return kilometres by the angle between two unit vectors, not by haversines."""

    def unit(latitude: float, longitude: float) -> np.ndarray:
        phi, lam = math.radians(latitude), math.radians(longitude)
        return np.array(
            [math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)]
        )

    a, b = unit(latitude, longitude), unit(near.latitude, near.longitude)
    return 6371.0088 * math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))


def grid_vector(number: int) -> np.ndarray:
    """Return one of a few unit vectors, so that many contents tie."""
    vector = np.zeros(DIM, np.float32)
    vector[number % 3] = 0.6
    vector[3 + number % 2] = 0.8
    return vector


NAMES = st.sampled_from(
    [f"{folder}{name}".encode() for folder in ("", "x/", "x/y/", "xy/") for name in "abcdef"]
)
FACTS = st.builds(
    lambda width, height, form, taken, camera, place: Metadata(
        width=width,
        height=height,
        format=form,
        taken=taken,
        camera=camera,
        latitude=place[0],
        longitude=place[1],
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(FORMATS),
    st.sampled_from(TIMES),
    st.sampled_from(CAMERAS),
    st.sampled_from(PLACES),
)
FILES = st.dictionaries(st.tuples(st.integers(0, 1), NAMES), st.integers(0, 19), max_size=40)
FILTERS = st.builds(
    Filters,
    under=st.lists(
        st.sampled_from(
            [NOWHERE, *ROOTS, ROOTS[0] / "x", ROOTS[1] / "x/y", ROOTS[0] / "a", ROOTS[0] / "none"]
        ),
        max_size=2,
    ).map(tuple),
    after=st.none() | st.sampled_from(["2020", "2020-05-17T12:00:00", "2021"]),
    before=st.none() | st.sampled_from(["2020", "2020-05-17T12:00", "2021"]),
    camera=st.none() | st.sampled_from(["canon", "NIKON z", "i", "", "100%", "_"]),
    near=st.none()
    | st.sampled_from(
        [
            Near(48.85, 2.35, 5),
            Near(48.85, 2.35, 3),
            Near(0, -179.99, 3),
            Near(-33.8, 151.2, 20_100),
        ]
    ),
    min_width=st.none() | st.integers(0, 4),
    min_height=st.none() | st.integers(0, 4),
    formats=st.lists(st.sampled_from(["jpeg", "jpg", "PNG", "heic", "bmp"]), max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(
    facts=st.lists(FACTS, min_size=1, max_size=20),
    files=FILES,
    where=st.just(Filters()) | FILTERS,
    k=st.integers(1, 30),
    min_score=st.none() | st.sampled_from([-1.0, 0.0, 0.36, 0.64, 1.0]),
    excluded=st.sets(st.integers(1, 20), max_size=3).map(lambda ids: tuple(sorted(ids))),
)
def test_every_answer_equals_the_brute_force_one(
    facts: list[Metadata],
    files: dict[tuple[int, bytes], int],
    where: Filters,
    k: int,
    min_score: float | None,
    excluded: tuple[int, ...],
) -> None:
    world = World()
    for number, some in enumerate(facts):
        held = [place for place, holder in files.items() if holder == number]
        world.add(grid_vector(number), some, held)
    question = Question(
        vector=grid_vector(0), k=k, where=where, min_score=min_score, excluded=excluded
    )
    got = world.ask(question)
    assert [(m.score, m.path, tuple(c.path for c in m.duplicates)) for m in got] == world.oracle(
        question
    )
    assert [match.rank for match in got] == list(range(1, len(got) + 1))


@settings(max_examples=60, deadline=None)
@given(
    facts=st.lists(FACTS, min_size=1, max_size=20),
    files=FILES,
    asked=st.lists(FILTERS, min_size=1, max_size=3),
    k=st.integers(1, 30),
    first=st.sampled_from([1, 1_000]),
    most=st.sampled_from([1, 5, 20_000]),
)
def test_what_a_reader_remembers_of_filters_changes_no_answer(
    facts: list[Metadata],
    files: dict[tuple[int, bytes], int],
    asked: list[Filters],
    k: int,
    first: int,
    most: int,
) -> None:
    """Each is asked again, when lists of its own and of others with such a part are there."""
    world = World()
    for number, some in enumerate(facts):
        held = [place for place, holder in files.items() if holder == number]
        world.add(grid_vector(number), some, held)
    world.store._remembered = {}  # as of a reader
    with pytest.MonkeyPatch.context() as patch, world.store.snapshot():
        patch.setattr(passing, "FIRST_LISTED", first)
        patch.setattr(sieve, "MOST_ASKED", most)
        for where in asked * 2:
            question = Question(grid_vector(0), k, where)
            found = [(match.score, match.path) for match in world.ask(question)]
            assert found == [match[:2] for match in world.oracle(question)]


PLAIN = Metadata(width=1, height=1, format="PNG")


@pytest.mark.parametrize("k", [1, 10, 299, 300, 301, 10**6, 10**12])
def test_far_more_ties_than_k_are_told_apart_by_path_alone(k: int) -> None:
    world = World()
    order = np.random.default_rng(0).permutation(300)
    for number in order:
        world.add(grid_vector(0), PLAIN, [(0, f"{number:03}.png".encode())])
    got = world.ask(Question(vector=grid_vector(0), k=k, where=Filters()))
    assert [match.path.name for match in got] == [f"{n:03}.png" for n in range(min(k, 300))]


def test_matches_are_found_behind_any_number_of_nearer_contents_without_a_file() -> None:
    world = World()
    for _ in range(500):
        world.add(grid_vector(0), PLAIN, [])
    for number in range(3):
        world.add(grid_vector(1), PLAIN, [(0, f"{number}.png".encode())])
    got = world.ask(Question(vector=grid_vector(0), k=2, where=Filters()))
    assert [match.path.name for match in got] == ["0.png", "1.png"]


def test_scores_that_differ_in_the_last_float_only_are_equal() -> None:
    world = World()
    for number, factor in enumerate(np.linspace(1, 1 + 3e-7, 40)):
        world.add(grid_vector(0) * np.float32(factor), PLAIN, [(0, f"{number:02}.png".encode())])
    got = world.ask(Question(vector=grid_vector(0), k=40, where=Filters()))
    assert [match.path.name for match in got] == [f"{n:02}.png" for n in range(40)]
    assert {match.score for match in got} == {1.0}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 40))
def test_scores_of_real_valued_vectors_are_those_of_float64(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(60, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    world = World()
    for number, vector in enumerate(vectors.astype(np.float32)):
        world.add(vector, PLAIN, [(0, f"{number:02}.png".encode())])
    query = vectors[0].astype(np.float32)
    got = world.ask(Question(vector=query, k=k, where=Filters()))
    exact = np.array([item[2] for item in world.items], np.float64) @ query.astype(np.float64)
    # Scores that agree in what is shown of them are ordered by path.
    best = np.argsort(-exact.round(6), kind="stable")[:k]
    assert [int(match.path.stem) for match in got] == best.tolist()
    np.testing.assert_allclose([match.score for match in got], exact[best], atol=5.1e-7)


def test_scores_are_never_above_one_nor_a_negative_zero() -> None:
    world = World()
    world.add(grid_vector(0) * np.float32(1.00001), PLAIN, [(0, b"a.png")])
    minus = np.zeros(DIM, np.float32)
    minus[40] = -1e-9
    world.add(minus, PLAIN, [(0, b"b.png")])
    query = grid_vector(0)
    query[40] = 1e-3
    scores = [match.score for match in world.ask(Question(query, 5, Filters()))]
    assert scores == [1.0, 0.0]
    assert math.copysign(1, scores[1]) == 1


@pytest.mark.parametrize("k", [0, -1])
def test_no_match_cannot_be_asked_for(k: int) -> None:
    world = World()
    with pytest.raises(UsageError, match="k: "):
        world.ask(Question(grid_vector(0), k, Filters()))


def test_a_folder_that_is_not_in_the_gallery_is_refused_with_those_that_are() -> None:
    world = World()
    world.add(grid_vector(0), PLAIN, [(0, b"a.png")])
    with pytest.raises(UsageError, match="under: /elsewhere is not in the gallery"):
        world.ask(Question(grid_vector(0), 1, Filters(under=(Path("/elsewhere"),))))


def test_a_filter_of_bytes_that_are_not_utf_8_matches_nothing_and_raises_nothing() -> None:
    world = World()
    world.add(grid_vector(0), PLAIN, [(0, b"a.png")])
    assert world.ask(Question(grid_vector(0), 1, Filters(camera="\udcff"))) == []
    with pytest.raises(UsageError, match=r"formats: '\\udcff' is not a format"):
        world.ask(Question(grid_vector(0), 1, Filters(formats=("\udcff",))))


def test_a_copy_that_is_there_is_named_before_one_that_is_offline(tmp_path: Path) -> None:
    world = World()
    online = tmp_path / "z"
    online.mkdir()
    (online / "z.png").write_bytes(b"x")
    world.roots.append(world.store.add_root(online, recursive=True))
    world.add(grid_vector(0), PLAIN, [(0, b"a.png"), (2, b"z.png"), (2, b"y.png")])
    (match,) = world.ask(Question(grid_vector(0), 1, Filters()))
    assert match.path == online / "y.png"
    assert not match.offline
    assert [(copy.path.name, copy.offline) for copy in match.duplicates] == [
        ("z.png", False),
        ("a.png", True),
    ]


def test_an_empty_index_answers_with_nothing() -> None:
    world = World()
    assert world.ask(Question(grid_vector(0), 10, Filters())) == []


@pytest.mark.parametrize(
    ("a", "b", "kilometres"),
    [
        ((48.8566, 2.3522), (51.5074, -0.1278), 343.6),  # Paris, London
        ((0, 179.5), (0, -179.5), 111.2),  # across the date line
        ((90, 0), (90, 135), 0),  # the pole has every longitude
        ((0, 0), (0, 180), 20_015.1),  # half the circumference
        ((10, 20), (10, 20), 0),
    ],
)
def test_distances_are_those_of_an_atlas(
    a: tuple[float, float], b: tuple[float, float], kilometres: float
) -> None:
    assert distance_km(*a, *b) == pytest.approx(kilometres, abs=0.1)
    assert distance_km(*b, *a) == pytest.approx(kilometres, abs=0.1)


LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distances_agree_with_the_angle_between_unit_vectors(
    a: float, b: float, c: float, d: float
) -> None:
    expected = great_circle(a, b, Near(c, d, 1))
    assert distance_km(a, b, c, d) == pytest.approx(expected, abs=1e-3, rel=1e-6)


@given(LATITUDES, LONGITUDES, st.floats(-4, 4.4).map(lambda power: 10**power), st.data())
def test_the_rectangles_of_a_circle_lie_around_it_and_within_it(
    latitude: float, longitude: float, kilometres: float, data: st.DataObject
) -> None:
    near = Near(latitude, longitude, kilometres)
    (south, north), (low, high, west, east) = near.latitudes, near.inside
    at = data.draw(st.floats(max(-90, south - 1), min(90, north + 1)))
    along = data.draw(LONGITUDES | st.floats(max(-180, west), min(180, east)))
    is_within = distance_km(at, along, latitude, longitude) <= kilometres
    if is_within:
        assert south <= at <= north
        assert any(first <= along <= last for first, last in near.longitudes)
    if low <= at <= high and west <= along <= east:
        assert is_within


def test_each_filter_alone_leaves_exactly_what_passes_it() -> None:
    """One content for each combination of facts, so that no filter can hide behind another."""
    world = World()
    for number, (camera, taken, place, form) in enumerate(
        itertools.product(CAMERAS, TIMES, PLACES, FORMATS)
    ):
        facts = Metadata(
            width=number % 4,
            height=number % 5,
            format=form,
            taken=taken,
            camera=camera,
            latitude=place[0],
            longitude=place[1],
        )
        world.add(grid_vector(number), facts, [(number % 2, f"{number % 7}/{number}".encode())])
    for where in (
        Filters(after="2020"),
        Filters(before="2020"),
        Filters(after="2020-05", before="2020-06"),
        Filters(camera="canon"),
        Filters(camera=""),
        Filters(near=Near(48.85, 2.35, 10)),
        Filters(min_width=2),
        Filters(min_height=4),
        Filters(formats=("jpg", "heic")),
        Filters(under=(ROOTS[0] / "3",)),
        Filters(under=(ROOTS[0] / "3", ROOTS[1] / "4")),
    ):
        for k in (5, 1000):
            question = Question(grid_vector(0), k, where)
            expected = world.oracle(question)
            assert expected
            assert [(match.score, match.path) for match in world.ask(question)] == [
                found[:2] for found in expected
            ]


# Approximate indexes name candidates; the answer's scores, filters and ends are the exact ones.


def approximate(world: World) -> SearchSpace:
    """Return the world's embeddings in lists, and in the rows from which scores are computed."""
    for content_id, _, vector, _ in world.items:
        world.store.add_embedding(world.stored.id, content_id, vector)
    ids = np.array([item[0] for item in world.items], np.int64)
    vectors = np.array([item[2] for item in world.items], np.float32)
    plan = IndexPlan(factory="IVF8,SQ8", rescored=2)
    growing = Growing.train(plan, vectors, query_ids=ids[:20], queries=vectors[:20])
    growing.add(ids, vectors)
    index = SegmentedIndex(growing.finish(), ExactIndex(DIM), np.empty(0, np.int64))
    return SearchSpace(None, index, 0)


@pytest.fixture(scope="module")
def crowd() -> tuple[World, SearchSpace]:
    """Return 400 contents, of which every fourth has no file, and their approximate space."""
    world = World()
    random = np.random.default_rng(0)
    for number in range(400):
        vector = random.normal(size=DIM) + 1
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        files = [] if number % 4 == 0 else [(number % 2, f"{number:04}.jpg".encode())]
        facts = Metadata(width=number, height=10, format=FORMATS[number % 3])
        world.add(unit, facts, files)
    return world, approximate(world)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"k": 299},
        {"k": 10_000},
        {"min_score": 0.6},
        {"min_score": 2.0},
        {"k": 400, "min_score": -1.0},
        {"where": Filters(min_width=390)},
        {"where": Filters(formats=("png",), min_width=200), "k": 30},
        {"where": Filters(min_width=1000)},
        {"excluded": tuple(range(1, 300))},
    ],
)
@pytest.mark.parametrize("nprobe", [1, 8])
def test_an_approximate_answer_ends_and_has_exact_scores_and_k_matches(
    crowd: tuple[World, SearchSpace], nprobe: int, changes: dict[str, object]
) -> None:
    """With every list probed it is the exact answer; with one it lacks matches, never more."""
    world, space = crowd
    assert isinstance(space.index, SegmentedIndex)
    space.index.base.measured = replace(space.index.base.measured, probes=Probes(nprobe=nprobe))
    for _, _, vector, _ in world.items[:5]:
        question = replace(Question(vector, 10, Filters()), **changes)  # type: ignore[arg-type]
        expected = world.oracle(question)
        found = [(match.score, match.path) for match in answer(world.embeddings, space, question)]
        everything = {path: score for score, path, _ in world.oracle(replace(question, k=10_000))}
        assert all(everything[path] == score for score, path in found)
        assert [match[0] for match in found] == sorted((s for s, _ in found), reverse=True)
        if question.min_score is None:
            assert len(found) == len(expected)
        if nprobe == 8:
            assert found == [match[:2] for match in expected]


@pytest.mark.parametrize("most", [1, 30, 500])
@pytest.mark.parametrize("share", [1, 4])
@pytest.mark.parametrize("first", [1, 1_000])
def test_however_a_filter_is_applied_the_answer_is_the_same(
    crowd: tuple[World, SearchSpace],
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    share: int,
    first: int,
) -> None:
    """By asking about candidates, by listing the few that pass, or by masking all others."""
    monkeypatch.setattr(sieve, "MOST_ASKED", most)
    monkeypatch.setattr(sieve, "FIRST_SHARE", share)
    monkeypatch.setattr(passing, "FIRST_LISTED", first)
    world, space = crowd
    assert isinstance(space.index, SegmentedIndex)
    space.index.base.measured = replace(space.index.base.measured, probes=Probes(nprobe=8))
    for where in (
        Filters(min_width=398),
        Filters(min_width=380, formats=("png",)),
        Filters(min_width=100),
        Filters(formats=("png",)),
        Filters(under=(world.roots[0].path / "0",), min_width=5),
        Filters(under=tuple(root.path for root in world.roots)),
    ):
        for each in (space, world.space()):
            question = Question(world.items[7][2], 10, where, excluded=(world.items[7][0],))
            found = [
                (match.score, match.path) for match in answer(world.embeddings, each, question)
            ]
            assert found == [match[:2] for match in world.oracle(question)]


def test_many_questions_are_answered_as_one_by_one(crowd: tuple[World, SearchSpace]) -> None:
    world, space = crowd
    assert isinstance(space.index, SegmentedIndex)
    for where in (Filters(), Filters(formats=("png",))):
        questions = [
            Question(vector, 5, where, excluded=(content_id,) if number % 2 else ())
            for number, (content_id, _, vector, _) in enumerate(world.items[:20])
        ]
        together = answer_each(world.embeddings, space, questions)
        assert together == [answer(world.embeddings, space, question) for question in questions]


def test_the_exact_space_of_an_approximate_one_holds_the_same_vectors(
    crowd: tuple[World, SearchSpace],
) -> None:
    world, space = crowd
    exact = exact_space(world.embeddings, space)
    assert exact.is_exact
    assert not space.is_exact
    ids = np.array([item[0] for item in world.items])
    np.testing.assert_array_equal(exact.index.vectors(ids), world.space().index.vectors(ids))
    question = Question(world.items[3][2], 10, Filters())
    found = [match.path for match in answer(world.embeddings, exact, question)]
    assert found == [path for _, path, _ in world.oracle(question)]


def test_what_is_known_to_be_held_is_a_match_even_if_the_lists_overlook_it(
    crowd: tuple[World, SearchSpace],
) -> None:
    world, space = crowd
    assert isinstance(space.index, SegmentedIndex)
    space.index.base.measured = replace(space.index.base.measured, probes=Probes(nprobe=1))
    content_id = world.items[1][0]
    opposite = Question(-world.items[1][2], 1, Filters())
    assert answer(world.embeddings, space, opposite)[0].content != f"{1:064x}"
    known = replace(opposite, k=400, min_score=-1.0, known=(content_id,))
    assert f"{1:064x}" in {match.content for match in answer(world.embeddings, space, known)}
    for changes in ({"excluded": (content_id,)}, {"where": Filters(min_width=2)}):
        left_out = replace(known, **changes)  # type: ignore[arg-type]
        found = answer(world.embeddings, space, left_out)
        assert f"{1:064x}" not in {match.content for match in found}
