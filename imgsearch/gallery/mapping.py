"""The part of the façade that draws the map of a gallery."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import ImgsearchError
from imgsearch.gallery.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from imgsearch.maps.drawn_map import DrawnMap
    from imgsearch.maps.gallery_map import GalleryMap, MapReport
    from imgsearch.maps.layout import MapMethod
    from imgsearch.maps.watch import MapProgress, Watch
    from imgsearch.storage.embeddings import Embeddings


class MapMaking(Asking):
    """What `Gallery` can do with maps; not used by itself."""

    def map(self, *, method: MapMethod | None = None) -> GalleryMap:
        """Return every picture as a point in two dimensions; nothing is written.

        Args:
            method: "pca" or "tsne"; None for the map that `draw_map` has kept, else "pca". One that
                is not kept is made in memory, which at 100,000 contents takes about 20 seconds of
                the processor with "pca" and 70 with "tsne".

        Raises:
            NoGalleryError: there is no gallery, or it is empty.
            UnknownRecipeError: a recipe that the gallery does not hold.
            UsageError: no such method.
            MissingExtraError: "tsne" without the extra.
        """
        from imgsearch.maps import map_cache
        from imgsearch.maps.drawing import fill, grow
        from imgsearch.maps.layout import chosen_method
        from imgsearch.maps.showing import shown
        from imgsearch.maps.watch import Watch

        watch = Watch()
        with self._connections.own_snapshot() as store:
            held = self._embeddings_to_query(store)
            kept = map_cache.newest(held)
            if kept is not None and method in (None, kept.drawn.method):
                return shown(grow(kept.drawn, held, watch), held, file=kept.path)
        drawn = self._laid_out(chosen_method(method or "pca"), watch)
        with self._connections.own_snapshot() as store:
            held = self._embeddings_to_query(store)
            return shown(fill(drawn, held, watch), held)

    def map_version(self) -> str:
        """Return a text that differs whenever another map is kept; none is read for it."""
        from imgsearch.maps import map_cache

        return map_cache.version(self.path)

    def draw_map(
        self,
        *,
        method: MapMethod | None = None,
        anew: bool = False,
        progress: Callable[[MapProgress], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> MapReport:
        """Draw the map of the gallery and keep it, or bring the one that is kept up to date.

        Pictures that came since it was drawn are placed among those that are there, which never
        move; those that went vanish.

        Args:
            method: "pca", or "tsne", which keeps neighbours together and needs an extra; None for
                that of the map that is kept, else "tsne" where it can be had. Another one than
                that of the map that is kept draws it anew.
            anew: draw it anew in any case.
            progress: told how far it has come.
            stop: asked often; True ends it in good order, with nothing written.

        Raises:
            NoGalleryError: there is no gallery, or it is empty.
            UnknownRecipeError: a recipe that the gallery does not hold.
            UsageError: no such method.
            MissingExtraError: "tsne" without the extra.
        """
        from imgsearch.maps.gallery_map import MapReport
        from imgsearch.maps.layout import chosen_method
        from imgsearch.maps.watch import StoppedError, Watch

        started = time.perf_counter()
        wanted = None if method is None else chosen_method(method)
        try:
            shown, anew, placed = self._draw(wanted, Watch(progress, stop), anew=anew)
        except StoppedError:
            shown, placed = None, 0
        file = None if shown is None else shown.file
        return MapReport(
            map=shown,
            anew=anew,
            placed=placed,
            bytes=0 if file is None else file.stat().st_size,
            seconds=time.perf_counter() - started,
        )

    def _draw(
        self, method: MapMethod | None, watch: Watch, *, anew: bool
    ) -> tuple[GalleryMap, bool, int]:
        """Return the map, whether it was laid out anew, and how many pictures were placed."""
        from imgsearch.maps import map_cache
        from imgsearch.maps.drawing import fill, grow
        from imgsearch.maps.layout import chosen_method
        from imgsearch.maps.showing import shown

        with self._connections.own_snapshot() as store:
            held = self._embeddings_to_query(store)
            kept = map_cache.newest(held)
            if kept is not None and not anew and method in (None, kept.drawn.method):
                drawn = grow(kept.drawn, held, watch)
                file = kept.path if drawn is kept.drawn else _written(drawn, held)
                placed = len(np.setdiff1d(drawn.points.ids, kept.drawn.points.ids))
                return shown(drawn, held, file=file), False, placed
        if method is None:
            method = chosen_method(None if kept is None else kept.drawn.method)
        # Without a snapshot, which a writer's log would have to outgrow.
        drawn = self._laid_out(method, watch)
        with self._connections.own_snapshot() as store:
            held = self._embeddings_to_query(store)
            drawn = fill(drawn, held, watch)
            return shown(drawn, held, file=_written(drawn, held)), True, len(drawn.points)

    def _laid_out(self, method: MapMethod, watch: Watch) -> DrawnMap:
        from imgsearch.maps.drawing import lay_out, read_sample

        with self._connections.own_snapshot() as store:
            held = self._embeddings_to_query(store)
            sample = read_sample(held, self._open_space(held), watch)
        return lay_out(sample, method=method, watch=watch)


def _written(drawn: DrawnMap, held: Embeddings) -> Path:
    """Write a map and return its file.

    Raises:
        ImgsearchError: in place of an OSError.
    """
    from imgsearch.maps import map_cache

    try:
        return map_cache.write(drawn, held)
    except OSError as error:
        raise ImgsearchError(
            f"{error.filename or held.folder}: the map could not be kept ({error.strerror}); "
            "nothing else has changed"
        ) from error
