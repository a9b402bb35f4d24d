"""Numbers, sizes and times as text for a person."""

from __future__ import annotations

from typing import Final

_THOUSAND: Final = 1000
_MINUTE: Final = 60  # seconds
_HOUR: Final = 60  # minutes


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as "1 file" or "2,020 files"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def byte_size(count: int) -> str:
    """Return a size in bytes for a person, in decimal units."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < _THOUSAND or unit == "GB":
            break
        size /= _THOUSAND
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a time span for a person: "0.4 s", "1 min 05 s", "2 h 03 min"."""
    minutes, rest = divmod(round(seconds), _MINUTE)
    if not minutes:
        return f"{seconds:.1f} s"
    if minutes < _HOUR:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // _HOUR} h {minutes % _HOUR:02d} min"


def share(certainty: float) -> str:
    """Return a probability in percent, which is never rounded up to certainty."""
    return "100 %" if certainty >= 1 else f"{int(certainty * 10_000) / 100:.2f} %"
