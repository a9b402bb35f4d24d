"""From texts to token ids, as KerasHub's preprocessors do it, without TensorFlow.

What KerasHub's tokenizer was made of is kept beside the exported text tower. Whoever exports one
compares the ids with KerasHub's own on `PROBES`, and does without this where they differ.
"""

from __future__ import annotations

import base64
import json
import re
import string
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

PROBES: Final = (
    "two dogs on a beach",
    "Two DOGS, at the beach (at night)!",
    "ÉTÉ à la plage ½",
    "  many\tblanks \n and lines ",
    "it's the 42nd car-park's 3rd floor, isn't it?",
    "ночной город с людьми",  # noqa: RUF001  it is Cyrillic
    "夜の街 🌃",
    "<|endoftext|> </s> <unk>",
    "",
    "word " * 200,
)
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BLANKS: Final = re.compile(r"\s+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tokenization:
    """How texts become ids.

    Attributes:
        kind: "bpe" for a document of the package `tokenizers`, "sentencepiece" for a model of that.
        model: the document, or the model in base 64.
        length: of every row of ids.
        start: id before a text, or None.
        end: id after it, or None.
        pad: id that fills a row.
        canonical: whether texts lose punctuation and capitals first, as SigLIP's do.
    """

    kind: Literal["bpe", "sentencepiece"]
    model: str
    length: int
    start: int | None
    end: int | None
    pad: int
    canonical: bool

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Tokenization:
        """Return what `to_bytes` wrote."""
        return cls(**json.loads(data))


class Tokenizer:
    """Turns texts into ids."""

    def __init__(self, how: Tokenization) -> None:
        """Load the vocabulary.

        Raises:
            ImportError: `tokenizers` or `sentencepiece`, which KerasHub brings, is not installed.
        """
        self._how = how
        self._encode: Callable[[str], Sequence[int]] = (
            _bpe(how.model) if how.kind == "bpe" else _sentencepiece(how.model)
        )

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return ids, shape (n, length), int32; longer texts are cut."""
        return np.array([self._row(text) for text in texts], dtype=np.int32)

    def _row(self, text: str) -> list[int]:
        how = self._how
        before = [] if how.start is None else [how.start]
        after = [] if how.end is None else [how.end]
        words = list(self._encode(canonical(text) if how.canonical else text))
        row = before + words[: how.length - len(before) - len(after)] + after
        return row + [how.pad] * (how.length - len(row))


def canonical(text: str) -> str:
    """Return a text as SigLIP was trained on it: no punctuation, no ASCII capitals, single blanks.

    As `canonicalize_text` of big_vision, in KerasHub's form.
    """
    bare = text.translate(_ASCII_LOWER).translate(_PUNCTUATION)
    return _BLANKS.sub(" ", bare).strip(string.whitespace)


def described(preprocessor: Any) -> Tokenization | None:  # noqa: ANN401  KerasHub has no types
    """Return how a preprocessor of KerasHub makes ids; None where this module cannot do it."""
    tokenizer = preprocessor.tokenizer
    model: str | None = None
    kind: Literal["bpe", "sentencepiece"] = "bpe"
    if type(tokenizer).__name__ == "CLIPTokenizer":
        # KerasHub has no other way to what it built.
        built = getattr(tokenizer, "_tokenizer", None)
        model = None if built is None else built.to_str()
    elif type(tokenizer).__name__ == "SigLIPTokenizer":
        kind, model = "sentencepiece", base64.b64encode(tokenizer.proto).decode("ascii")
    if model is None:
        return None
    return Tokenization(
        kind=kind,
        model=model,
        length=int(preprocessor.sequence_length),
        start=tokenizer.start_token_id if preprocessor.add_start_token else None,
        end=tokenizer.end_token_id if preprocessor.add_end_token else None,
        pad=int(tokenizer.pad_token_id),
        canonical=bool(getattr(preprocessor, "canonicalize_text", False)),
    )


def _bpe(model: str) -> Callable[[str], Sequence[int]]:
    import tokenizers

    built = tokenizers.Tokenizer.from_str(model)

    def encode(text: str) -> Sequence[int]:
        ids: Sequence[int] = built.encode(text, add_special_tokens=False).ids
        return ids

    return encode


def _sentencepiece(model: str) -> Callable[[str], Sequence[int]]:
    import sentencepiece

    built = sentencepiece.SentencePieceProcessor(model_proto=base64.b64decode(model))

    def encode(text: str) -> Sequence[int]:
        ids: Sequence[int] = built.encode(text, out_type=int)
        return ids

    return encode
