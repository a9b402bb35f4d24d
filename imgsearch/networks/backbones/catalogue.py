"""The catalogue of pretrained networks.

The table is written out, so that listing it needs neither TensorFlow nor a network connection.
Its values come from keras.applications (Keras 3.15, keras/src/applications/): input size,
minimum size, preprocessing, weights file, URL and checksum from the source; dim, default layer
and parameters from the network built without its classifier. The tests compare them with the
installed Keras.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from imgsearch.errors import UnknownBackboneError
from imgsearch.networks.backbones.compact import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imgsearch.recipe import Preprocessing

BYTES_PER_PARAMETER: Final = 4
APPLICATIONS: Final = "https://storage.googleapis.com/tensorflow/keras-applications"
COMPACT_LAYER: Final = "head"
EFFICIENTNETS: Final = "https://storage.googleapis.com/keras-applications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A pretrained network, its classifier removed.

    Attributes:
        name: such as "mobilenet_v2".
        keras_class: the function of `keras.applications` that builds it; "" for compact.
        size: side of the square input in pixels that the weights were trained for.
        minimum_size: smallest side in pixels that the network accepts.
        preprocessing: of the pixels, before the network.
        dim: channels of the default layer, so dimensions of the embedding.
        layer: name of the default layer, the last one before the classifier.
        parameters: number of weights, without the classifier's.
        weights_file: name of the weights file in Keras's cache; "" for compact.
        weights_url: where that file is downloaded from; "" for compact.
        checksum: MD5 or SHA-256 of the file, in hexadecimal, from Keras; "" if Keras has none.
    """

    name: str
    keras_class: str
    size: int
    minimum_size: int
    preprocessing: Preprocessing
    dim: int
    layer: str
    parameters: int
    weights_file: str
    weights_url: str
    checksum: str

    @property
    def download_bytes(self) -> int:
        """Size of the weights file to a few per cent: four bytes per parameter; 0 if bundled."""
        return BYTES_PER_PARAMETER * self.parameters if self.weights_file else 0

    @property
    def is_compact(self) -> bool:
        """Whether this is the bundled network, compact."""
        return not self.keras_class


def find(name: str) -> Backbone:
    """Return the backbone of this name, ignoring case, "-" and "_" ("MobileNetV2").

    Raises:
        UnknownBackboneError: there is none; the message suggests similar names.
    """
    backbone = _BY_SPELLING.get(_spelling(name))
    if backbone is not None:
        return backbone
    near = difflib.get_close_matches(_spelling(name), _BY_SPELLING, n=3, cutoff=0.5)
    names = dict.fromkeys(_BY_SPELLING[key].name for key in near)  # each once
    hint = f"; did you mean {' or '.join(names)}?" if names else ""
    raise UnknownBackboneError(
        f"backbone: {name!r} is not in the catalogue{hint} (`imgsearch backbones` lists all; a "
        "custom model is given as the path of a .keras file)"
    )


def _spelling(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _bundled() -> Backbone:
    return Backbone(
        name=bundled.NAME,
        keras_class="",
        size=bundled.INPUT_SIZE,
        minimum_size=bundled.MINIMUM_SIZE,
        preprocessing="raw",
        dim=bundled.DIM,
        layer=COMPACT_LAYER,
        parameters=bundled.PARAMETERS,
        weights_file="",
        weights_url="",
        checksum="",
    )


def _applications() -> Iterator[Backbone]:
    for name, keras_class, size, minimum, mode, dim, layer, parameters, path, checksum in _TABLE:
        base, _, file_name = path.rpartition("/")
        yield Backbone(
            name=name,
            keras_class=keras_class,
            size=size,
            minimum_size=minimum,
            preprocessing=mode,
            dim=dim,
            layer=layer,
            parameters=parameters,
            weights_file=_FILE_NAMES.get(file_name, file_name),
            weights_url=f"{APPLICATIONS}/{path}" if base else f"{EFFICIENTNETS}/{file_name}",
            checksum=checksum,
        )


# Keras's cache uses other names for these than its server.
_FILE_NAMES: Final = {
    "NASNet-mobile-no-top.h5": "nasnet_mobile_no_top.h5",
    "NASNet-large-no-top.h5": "nasnet_large_no_top.h5",
}

# Name, Keras's function, input size, minimum size, preprocessing, dim, default layer, parameters;
# the weights' path on Keras's server; their checksum.
# Not formatted, so that a network takes three lines instead of twelve.
# fmt: off
_TABLE: Final[
    tuple[tuple[str, str, int, int, Preprocessing, int, str, int, str, str], ...]
] = (
    ("vgg16", "VGG16", 224, 32, "caffe", 512, "block5_pool", 14_714_688,
     "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "6d6bbae143d832006294945121d1f1fc"),
    ("vgg19", "VGG19", 224, 32, "caffe", 512, "block5_pool", 20_024_384,
     "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "253f8cb515780f3b799900260a226db6"),
    ("resnet50", "ResNet50", 224, 32, "caffe", 2048, "conv5_block3_out", 23_587_712,
     "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "4d473c1dd8becc155b73f8504c6f6626"),
    ("resnet101", "ResNet101", 224, 32, "caffe", 2048, "conv5_block3_out", 42_658_176,
     "resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "88cf7a10940856eca736dc7b7e228a21"),
    ("resnet152", "ResNet152", 224, 32, "caffe", 2048, "conv5_block3_out", 58_370_944,
     "resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ee4c566cf9a93f14d82f913c2dc6dd0c"),
    ("resnet50_v2", "ResNet50V2", 224, 32, "tf", 2048, "post_relu", 23_564_800,
     "resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "fac2f116257151a9d068a22e544a4917"),
    ("resnet101_v2", "ResNet101V2", 224, 32, "tf", 2048, "post_relu", 42_626_560,
     "resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "c0ed64b8031c3730f411d2eb4eea35b5"),
    ("resnet152_v2", "ResNet152V2", 224, 32, "tf", 2048, "post_relu", 58_331_648,
     "resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "ed17cf2e0169df9d443503ef94b23b33"),
    ("inception_v3", "InceptionV3", 299, 75, "tf", 2048, "mixed10", 21_802_784,
     "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "bcbd6486424b2319ff4ef7d526e38f63"),
    ("inception_resnet_v2", "InceptionResNetV2", 299, 75, "tf", 1536, "conv_7b_ac", 54_336_736,
     "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "d19885ff4a710c122648d3b5c3b684e4"),
    ("xception", "Xception", 299, 71, "tf", 2048, "block14_sepconv2_act", 20_861_480,
     "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "b0042744bf5b25fce3cb969f33bebb97"),
    ("mobilenet", "MobileNet", 224, 32, "tf", 1024, "conv_pw_13_relu", 3_228_864,
     "mobilenet/mobilenet_1_0_224_tf_no_top.h5",
     ""),
    ("mobilenet_v2", "MobileNetV2", 224, 32, "tf", 1280, "out_relu", 2_257_984,
     "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
     ""),
    ("mobilenet_v3_small", "MobileNetV3Small", 224, 32, "raw", 576, "activation_17", 939_120,
     "mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
     "d3e8ec802a04aa4fc771ee12a9a9b836"),
    ("mobilenet_v3_large", "MobileNetV3Large", 224, 32, "raw", 960, "activation_19", 2_996_352,
     "mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
     "07fb09a5933dd0c8eaafa16978110389"),
    ("densenet121", "DenseNet121", 224, 32, "torch", 1024, "relu", 7_037_504,
     "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "30ee3e1110167f948a6b9946edeeb738"),
    ("densenet169", "DenseNet169", 224, 32, "torch", 1664, "relu", 12_642_880,
     "densenet/densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "b8c4d4c20dd625c148057b9ff1c1176b"),
    ("densenet201", "DenseNet201", 224, 32, "torch", 1920, "relu", 18_321_984,
     "densenet/densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
     "c13680b51ded0fb44dff2d8f86ac8bb1"),
    ("nasnet_mobile", "NASNetMobile", 224, 32, "tf", 1056, "activation_187", 4_269_716,
     "nasnet/NASNet-mobile-no-top.h5",
     "1ed92395b5b598bdda52abe5c0dbfd63"),
    ("nasnet_large", "NASNetLarge", 331, 32, "tf", 4032, "activation_259", 84_916_818,
     "nasnet/NASNet-large-no-top.h5",
     "d81d89dc07e6e56530c4e77faddd61b5"),
    ("efficientnet_b0", "EfficientNetB0", 224, 32, "raw", 1280, "top_activation", 4_049_571,
     "efficientnetb0_notop.h5",
     "50bc09e76180e00e4465e1a485ddc09d"),
    ("efficientnet_b1", "EfficientNetB1", 240, 32, "raw", 1280, "top_activation", 6_575_239,
     "efficientnetb1_notop.h5",
     "74c4e6b3e1f6a1eea24c589628592432"),
    ("efficientnet_b2", "EfficientNetB2", 260, 32, "raw", 1408, "top_activation", 7_768_569,
     "efficientnetb2_notop.h5",
     "111f8e2ac8aa800a7a99e3239f7bfb39"),
    ("efficientnet_b3", "EfficientNetB3", 300, 32, "raw", 1536, "top_activation", 10_783_535,
     "efficientnetb3_notop.h5",
     "af6d107764bb5b1abb91932881670226"),
    ("efficientnet_b4", "EfficientNetB4", 380, 32, "raw", 1792, "top_activation", 17_673_823,
     "efficientnetb4_notop.h5",
     "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    ("efficientnet_b5", "EfficientNetB5", 456, 32, "raw", 2048, "top_activation", 28_513_527,
     "efficientnetb5_notop.h5",
     "38879255a25d3c92d5e44e04ae6cec6f"),
    ("efficientnet_b6", "EfficientNetB6", 528, 32, "raw", 2304, "top_activation", 40_960_143,
     "efficientnetb6_notop.h5",
     "9ecce42647a20130c1f39a5d4cb75743"),
    ("efficientnet_b7", "EfficientNetB7", 600, 32, "raw", 2560, "top_activation", 64_097_687,
     "efficientnetb7_notop.h5",
     "cbcfe4450ddf6f3ad90b1b398090fe4a"),
    ("efficientnet_v2_b0", "EfficientNetV2B0", 224, 32, "raw", 1280, "top_activation", 5_919_312,
     "efficientnet_v2/efficientnetv2-b0_notop.h5",
     "893217f2bb855e2983157299931e43ff"),
    ("efficientnet_v2_b1", "EfficientNetV2B1", 240, 32, "raw", 1280, "top_activation", 6_931_124,
     "efficientnet_v2/efficientnetv2-b1_notop.h5",
     "0e80663031ca32d657f9caa404b6ec37"),
    ("efficientnet_v2_b2", "EfficientNetV2B2", 260, 32, "raw", 1408, "top_activation", 8_769_374,
     "efficientnet_v2/efficientnetv2-b2_notop.h5",
     "1dfe2e7a5d45b6632553a8961ea609eb"),
    ("efficientnet_v2_b3", "EfficientNetV2B3", 300, 32, "raw", 1536, "top_activation", 12_930_622,
     "efficientnet_v2/efficientnetv2-b3_notop.h5",
     "f6abf7b5849ac99a89b50dd3fd532856"),
    ("efficientnet_v2_s", "EfficientNetV2S", 384, 32, "raw", 1280, "top_activation", 20_331_360,
     "efficientnet_v2/efficientnetv2-s_notop.h5",
     "af0682fb74e8c54910f2d4393339c070"),
    ("efficientnet_v2_m", "EfficientNetV2M", 480, 32, "raw", 1280, "top_activation", 53_150_388,
     "efficientnet_v2/efficientnetv2-m_notop.h5",
     "1b8dc055df72dde80d614482840fe342"),
    ("efficientnet_v2_l", "EfficientNetV2L", 480, 32, "raw", 1280, "top_activation", 117_746_848,
     "efficientnet_v2/efficientnetv2-l_notop.h5",
     "b0b66b5c863aef5b46e8608fe1711615"),
    ("convnext_tiny", "ConvNeXtTiny", 224, 32, "raw", 768, "layer_normalization", 27_820_128,
     "convnext/convnext_tiny_notop.h5",
     "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"),
    ("convnext_small", "ConvNeXtSmall", 224, 32, "raw", 768, "layer_normalization", 49_454_688,
     "convnext/convnext_small_notop.h5",
     "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"),
    ("convnext_base", "ConvNeXtBase", 224, 32, "raw", 1024, "layer_normalization", 87_566_464,
     "convnext/convnext_base_notop.h5",
     "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"),
    ("convnext_large", "ConvNeXtLarge", 224, 32, "raw", 1536, "layer_normalization", 196_230_336,
     "convnext/convnext_large_notop.h5",
     "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"),
    ("convnext_xlarge", "ConvNeXtXLarge", 224, 32, "raw", 2048, "layer_normalization", 348_147_968,
     "convnext/convnext_xlarge_notop.h5",
     "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"),
)
# fmt: on

CATALOGUE: Final[Mapping[str, Backbone]] = MappingProxyType(
    {backbone.name: backbone for backbone in (_bundled(), *_applications())}
)
_BY_SPELLING: Final = {_spelling(name): backbone for name, backbone in CATALOGUE.items()} | {
    _spelling(f"{bundled.NAME}-{bundled.VERSION}"): CATALOGUE[bundled.NAME]
}
