"""Tiny presets of KerasHub with random weights, made and saved by KerasHub itself."""

from __future__ import annotations

import io
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCALE = [0.0145, 0.0149, 0.0142]
OFFSET = [-1.79, -1.75, -1.48]
SENTENCES = ["two dogs on a beach", "the quick brown fox jumped", "at night with many people"]
LENGTH = 16


def save(name: str, folder: Path) -> Path:
    """Write the preset of an architecture into a folder, and return that."""
    import keras

    keras.utils.set_random_seed(7)
    PRESETS[name](folder)
    return folder


def _transformer(**more: object) -> dict[str, Any]:
    return {"num_layers": 2, "num_heads": 2, "hidden_dim": 32, "intermediate_dim": 64, **more}


def _clip(folder: Path) -> None:
    import keras_hub
    from keras_hub.src.tokenizers.byte_pair_tokenizer import bytes_to_unicode

    letters = [str(letter) for letter in bytes_to_unicode()[1]]
    merges = []
    known = dict.fromkeys([*letters, *(f"{letter}</w>" for letter in letters)])
    for word in " ".join(SENTENCES).split():
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            merges.append(f"{pieces[0]} {pieces[1]}")
            pieces = [pieces[0] + pieces[1], *pieces[2:]]
            known[pieces[0]] = None
    vocabulary = {
        token: at for at, token in enumerate([*known, "<|startoftext|>", "<|endoftext|>"])
    }
    models = keras_hub.models
    backbone = models.CLIPBackbone(
        models.CLIPVisionEncoder(**_transformer(patch_size=16, image_shape=(64, 64, 3), name="v")),
        models.CLIPTextEncoder(
            **_transformer(
                vocabulary_size=len(vocabulary),
                embedding_dim=32,
                max_sequence_length=LENGTH,
                name="t",
            )
        ),
        24,
    )
    tokenizer = models.CLIPTokenizer(
        vocabulary=vocabulary, merges=list(dict.fromkeys(merges)), pad_with_end_token=True
    )
    converter = keras_hub.layers.CLIPImageConverter(
        image_size=(64, 64), scale=SCALE, offset=OFFSET, interpolation="bicubic", antialias=True
    )
    backbone.save_to_preset(str(folder))
    models.CLIPPreprocessor(tokenizer, converter, sequence_length=LENGTH).save_to_preset(
        str(folder)
    )


def _siglip(folder: Path) -> None:
    import keras_hub
    import sentencepiece

    models, proto = keras_hub.models, io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*SENTENCES, string.ascii_lowercase] * 5),
        model_writer=proto,
        vocab_size=36,
        pad_id=-1,
        bos_id=-1,
        eos_id=1,
        unk_id=2,
        minloglevel=2,
    )
    tokenizer = models.SigLIPTokenizer(proto=proto.getvalue())
    backbone = models.SigLIPBackbone(
        models.SigLIPVisionEncoder(**_transformer(patch_size=16, image_shape=(64, 64, 3))),
        models.SigLIPTextEncoder(
            **_transformer(
                vocabulary_size=tokenizer.vocabulary_size(),
                embedding_dim=32,
                max_sequence_length=LENGTH,
            )
        ),
    )
    converter = keras_hub.layers.SigLIPImageConverter(
        image_size=(64, 64), scale=1 / 127.5, offset=-1.0, crop_to_aspect_ratio=False
    )
    backbone.save_to_preset(str(folder))
    models.SigLIPPreprocessor(tokenizer, converter, sequence_length=LENGTH).save_to_preset(
        str(folder)
    )


def _images_only(kind: str, size: int, **options: object) -> Callable[[Path], None]:
    def save_both(folder: Path) -> None:
        import keras_hub

        backbone = getattr(keras_hub.models, f"{kind}Backbone")
        backbone(**options).save_to_preset(str(folder))
        converter = getattr(keras_hub.layers, f"{kind}ImageConverter")
        converter(image_size=(size, size), scale=SCALE, offset=OFFSET).save_to_preset(str(folder))

    return save_both


PRESETS: dict[str, Callable[[Path], None]] = {
    "clip": _clip,
    "siglip": _siglip,
    # Smaller than what its weights were trained with, as the papers' own converters make it.
    "dinov2": _images_only(
        "DINOV2",
        56,
        **_transformer(
            patch_size=14,
            num_register_tokens=2,
            image_shape=(70, 70, 3),
            position_embedding_shape=(70, 70, 3),
        ),
    ),
    "dinov3": _images_only("DINOV3", 64, **_transformer(patch_size=16, image_shape=(64, 64, 3))),
    "vit": _images_only(
        "ViT",
        64,
        patch_size=16,
        num_layers=2,
        num_heads=2,
        hidden_dim=32,
        mlp_dim=64,
        image_shape=(64, 64, 3),
    ),
    "resnet": _images_only(
        "ResNet",
        64,
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    ),
}
