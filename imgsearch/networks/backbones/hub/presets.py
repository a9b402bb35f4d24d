"""KerasHub's presets with an image network, and what one wants to know before a download.

The table is written out, so that listing it needs neither KerasHub nor a network connection. Names,
versions and parameters are those of KerasHub 0.32's registry, keras_hub/src/models/*/*_presets.py,
and the tests compare them with the installed one's; dim and input size are the papers'. What is
used is read from the preset itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_PER_PARAMETER: Final = 4
BPE: Final = ("vocabulary.json", "merges.txt")
SENTENCE_PIECE: Final = ("vocabulary.spm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What the presets of one architecture have in common.

    Attributes:
        folder: of its presets at Kaggle.
        licence: of its weights.
        poolings: which the network has of its own, the default first.
        vocabulary: files of the tokenizer; none where there is no text tower.
        gated: whether the licence has to be accepted before a download.
    """

    folder: str
    licence: str
    poolings: tuple[str, ...]
    vocabulary: tuple[str, ...] = ()
    gated: bool = False


FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "CLIP": Family(folder="clip", licence="MIT", poolings=("cls",), vocabulary=BPE),
        "MetaCLIP2": Family(
            folder="metaclip2",
            licence="CC-BY-NC-4.0",
            poolings=("cls",),
            vocabulary=SENTENCE_PIECE,
        ),
        "SigLIP": Family(
            folder="siglip", licence="Apache-2.0", poolings=("map",), vocabulary=SENTENCE_PIECE
        ),
        "DINOV2": Family(folder="dinov2", licence="Apache-2.0", poolings=("cls",)),
        "DINOV3": Family(folder="dinov3", licence="DINOv3 License", poolings=("cls",), gated=True),
        "ViT": Family(folder="vit", licence="Apache-2.0", poolings=("cls",)),
        "DeiT": Family(folder="deit", licence="Apache-2.0", poolings=("cls",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPreset:
    """A preset that KerasHub knows by name.

    Attributes:
        name: such as "dinov2_small".
        family: its architecture's.
        version: of its files at Kaggle.
        parameters: number of weights, both towers' where there are two.
        dim: of the embedding with the network's own pooling.
        size: side of the square input in pixels.
    """

    name: str
    family: Family
    version: int
    parameters: int
    dim: int
    size: int

    @property
    def handle(self) -> str:
        """Where its files lie at Kaggle, and in KerasHub's cache."""
        return f"keras/{self.family.folder}/keras/{self.name}/{self.version}"

    @property
    def download_bytes(self) -> int:
        """Size of the download to a few per cent: four bytes per parameter."""
        return BYTES_PER_PARAMETER * self.parameters

    @property
    def has_text(self) -> bool:
        """Whether there is a text tower."""
        return bool(self.family.vocabulary)


# Architecture, name, version, parameters, dim, input size. Presets whose weights are several files
# (over 10 GiB) are left out.
_TABLE: Final[tuple[tuple[str, str, int, int, int, int], ...]] = (
    ("CLIP", "clip_vit_base_patch16", 3, 149_620_934, 512, 224),
    ("CLIP", "clip_vit_base_patch32", 3, 151_277_363, 512, 224),
    ("CLIP", "clip_vit_large_patch14", 3, 427_616_770, 768, 224),
    ("CLIP", "clip_vit_large_patch14_336", 3, 427_944_770, 768, 336),
    ("CLIP", "clip_vit_b_32_laion2b_s34b_b79k", 3, 151_277_363, 512, 224),
    ("CLIP", "clip_vit_h_14_laion2b_s32b_b79k", 3, 986_109_698, 1024, 224),
    ("CLIP", "clip_vit_g_14_laion2b_s12b_b42k", 3, 1_366_678_530, 1024, 224),
    ("CLIP", "clip_vit_bigg_14_laion2b_39b_b160k", 3, 2_539_567_362, 1024, 224),
    ("MetaCLIP2", "metaclip_2_vit_huge_patch14_224", 1, 1_858_783_745, 1024, 224),
    ("MetaCLIP2", "metaclip_2_vit_huge_patch14_378", 1, 1_859_389_185, 1024, 378),
    ("SigLIP", "siglip_base_patch16_224", 1, 203_156_230, 768, 224),
    ("SigLIP", "siglip_base_patch16_256", 1, 203_202_370, 768, 256),
    ("SigLIP", "siglip_base_patch16_384", 1, 203_448_450, 768, 384),
    ("SigLIP", "siglip_base_patch16_512", 1, 203_792_962, 768, 512),
    ("SigLIP", "siglip_large_patch16_256", 1, 652_151_106, 1024, 256),
    ("SigLIP", "siglip_large_patch16_384", 1, 652_479_106, 1024, 384),
    ("SigLIP", "siglip_so400m_patch14_224", 1, 877_360_578, 1152, 224),
    ("SigLIP", "siglip_so400m_patch14_384", 1, 877_961_291, 1152, 384),
    ("SigLIP", "siglip_so400m_patch16_256_i18n", 1, 1_128_759_282, 1152, 256),
    ("SigLIP", "siglip_base_patch16_256_multilingual", 1, 370_626_370, 768, 256),
    ("SigLIP", "siglip2_base_patch16_224", 1, 375_188_230, 768, 224),
    ("SigLIP", "siglip2_base_patch16_256", 1, 375_234_370, 768, 256),
    ("SigLIP", "siglip2_base_patch32_256", 1, 376_856_194, 768, 256),
    ("SigLIP", "siglip2_base_patch16_384", 1, 376_856_194, 768, 384),
    ("SigLIP", "siglip2_large_patch16_256", 1, 881_527_106, 1024, 256),
    ("SigLIP", "siglip2_large_patch16_384", 1, 881_855_106, 1024, 384),
    ("SigLIP", "siglip2_large_patch16_512", 1, 882_314_306, 1024, 512),
    ("SigLIP", "siglip2_giant_opt_patch16_256", 2, 1_871_394_226, 1536, 256),
    ("SigLIP", "siglip2_giant_opt_patch16_384", 1, 1_871_886_066, 1536, 384),
    ("SigLIP", "siglip2_so400m_patch14_224", 1, 1_135_463_922, 1152, 224),
    ("SigLIP", "siglip2_so400m_patch14_384", 1, 1_136_009_291, 1152, 384),
    ("SigLIP", "siglip2_so400m_patch16_256", 1, 1_135_671_282, 1152, 256),
    ("SigLIP", "siglip2_so400m_patch16_384", 1, 1_136_040_242, 1152, 384),
    ("SigLIP", "siglip2_so400m_patch16_512", 1, 1_136_555_698, 1152, 512),
    ("DINOV2", "dinov2_small", 1, 22_582_656, 384, 224),
    ("DINOV2", "dinov2_base", 1, 87_632_640, 768, 224),
    ("DINOV2", "dinov2_large", 1, 305_771_520, 1024, 224),
    ("DINOV2", "dinov2_giant", 1, 1_138_585_088, 1536, 224),
    ("DINOV2", "dinov2_with_registers_small", 1, 22_584_192, 384, 224),
    ("DINOV2", "dinov2_with_registers_base", 1, 87_635_712, 768, 224),
    ("DINOV2", "dinov2_with_registers_large", 1, 305_775_616, 1024, 224),
    ("DINOV2", "dinov2_with_registers_giant", 1, 1_138_591_232, 1536, 224),
    ("DINOV3", "dinov3_vit_small_lvd1689m", 1, 21_600_000, 384, 224),
    ("DINOV3", "dinov3_vit_small_plus_lvd1689m", 1, 29_000_000, 384, 224),
    ("DINOV3", "dinov3_vit_base_lvd1689m", 1, 86_000_000, 768, 224),
    ("DINOV3", "dinov3_vit_large_lvd1689m", 1, 300_000_000, 1024, 224),
    ("DINOV3", "dinov3_vit_huge_plus_lvd1689m", 1, 840_000_000, 1280, 224),
    ("DINOV3", "dinov3_vit_large_sat493m", 1, 300_000_000, 1024, 224),
    ("ViT", "vit_base_patch16_224_imagenet", 4, 85_798_656, 768, 224),
    ("ViT", "vit_base_patch16_384_imagenet", 4, 86_090_496, 768, 384),
    ("ViT", "vit_large_patch16_224_imagenet", 4, 303_301_632, 1024, 224),
    ("ViT", "vit_large_patch16_384_imagenet", 4, 303_690_752, 1024, 384),
    ("ViT", "vit_base_patch32_384_imagenet", 3, 87_528_192, 768, 384),
    ("ViT", "vit_large_patch32_384_imagenet", 3, 305_607_680, 1024, 384),
    ("ViT", "vit_base_patch16_224_imagenet21k", 3, 85_798_656, 768, 224),
    ("ViT", "vit_base_patch32_224_imagenet21k", 3, 87_455_232, 768, 224),
    ("ViT", "vit_huge_patch14_224_imagenet21k", 3, 630_764_800, 1280, 224),
    ("ViT", "vit_large_patch16_224_imagenet21k", 3, 303_301_632, 1024, 224),
    ("ViT", "vit_large_patch32_224_imagenet21k", 3, 305_510_400, 1024, 224),
    ("DeiT", "deit_base_distilled_patch16_384_imagenet", 1, 86_092_032, 768, 384),
    ("DeiT", "deit_base_distilled_patch16_224_imagenet", 1, 85_800_192, 768, 224),
    ("DeiT", "deit_tiny_distilled_patch16_224_imagenet", 1, 5_524_800, 192, 224),
    ("DeiT", "deit_small_distilled_patch16_224_imagenet", 1, 21_666_432, 384, 224),
)

PRESETS: Final[Mapping[str, HubPreset]] = MappingProxyType(
    {
        name: HubPreset(
            name=name,
            family=FAMILIES[family],
            version=version,
            parameters=parameters,
            dim=dim,
            size=size,
        )
        for family, name, version, parameters, dim, size in _TABLE
    }
)
