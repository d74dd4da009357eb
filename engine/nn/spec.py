"""What a detector is made of, as plain values. Knows no torch, so that a model card shows without waiting for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from engine.errors import InvalidCheckpoint

PYRAMID_LEVELS = (2, 3, 4, 5, 6)
"""P2 to P6: strides 4 to 64. RoIs are taken from P2 to P5, the last serves the RPN alone (FPN paper, section 4.1)."""

NEWER = "Update Maskwright, or export the model again with this version."


@dataclass(frozen=True, kw_only=True)
class Convention:
    """Small choices in which families of Mask R-CNN weights differ. A wrong one costs accuracy and raises no error."""

    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    """Weights of the box head's deltas (dx, dy, dw, dh); the RPN's are 1."""
    roi_aligned: bool = True
    """RoIAlign with pixel centres at +0.5. torchvision's weights were trained without it."""
    roi_sampling: int = 2
    """Samples a bin and axis of RoIAlign; 0 = as many as the bin has pixels."""
    anchors_rounded: bool = False
    """torchvision rounds the corners of its anchors to whole pixels."""
    anchor_stride_from_grid: bool = False
    """torchvision divides the padded image by the feature map, so P6 of an 800 px image has stride 61 and not 64."""
    norm_eps: float = 1e-5
    """torchvision's first detection weights need 0."""
    paste: Literal["exact", "torchvision"] = "exact"
    """Pasting masks by bilinear sampling, or torchvision's rounding to integer boxes."""
    resize: Literal["antialiased", "bilinear"] = "antialiased"
    """How images were scaled to the network's input in training."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Architecture and settings of one Mask R-CNN. Sizes are in pixels of the network's input."""

    name: str
    categories: tuple[str, ...]
    """Foreground categories in the order of the model's labels, which start at 0."""
    trunk: Literal["resnet18", "resnet50"]
    fpn_channels: int
    anchor_sizes: tuple[float, ...]
    """Square root of the area of the anchors, one size for each of P2 to P6."""
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Height divided by width."""
    head_norm: bool = False
    """Batch norm in place of a bias after the convolutions of FPN, box head and mask head; the trunk always has it."""
    rpn_channels: int
    rpn_layers: int = 1
    """3x3 convolutions of the RPN's head."""
    box_layers: tuple[int, ...] = ()
    """Channels of the box head's 3x3 convolutions, before its hidden layers."""
    box_hidden: int
    box_hidden_layers: Literal[1, 2] = 2
    box_resolution: int = 7
    mask_layers: tuple[int, ...]
    """Channels of the mask head's 3x3 convolutions; the deconvolution after them keeps the last number."""
    mask_resolution: int = 14
    """Side of the RoI features that the mask head sees; its masks have twice that."""
    class_agnostic_masks: bool = False
    """One mask channel serves every category: a new one has masks at once (Mask R-CNN, section 4.2: 0.6 AP less)."""
    roi_canonical_size: float = 224.0
    roi_canonical_level: int = 4
    """RoIs with sqrt(area) from this size on come from this level, from half of it on from the one below, and so on."""

    input_min_side: int
    input_max_side: int
    pixel_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    pixel_std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    """Of RGB values in [0, 1], from ImageNet."""
    stretch_contrast: bool = False
    """Spread each image's own intensity range before normalising: microscopes often use a tenth of the 8-bit range."""

    detections_per_image: int = 500
    score_floor: float = 0.05
    nms_threshold: float = 0.5

    rpn_nms_threshold: float = 0.7
    rpn_pre_nms_train: int = 2000
    rpn_pre_nms_test: int = 1000
    """Proposals a level that enter NMS."""
    rpn_post_nms_train: int = 2000
    rpn_post_nms_test: int = 1000
    """Proposals an image that leave it."""
    rpn_foreground_iou: float = 0.7
    rpn_background_iou: float = 0.3
    rpn_samples: int = 256
    rpn_positive_fraction: float = 0.5

    roi_foreground_iou: float = 0.5
    roi_samples: int = 512
    roi_positive_fraction: float = 0.25

    convention: Convention = field(default_factory=Convention)

    def __post_init__(self) -> None:
        if not self.categories:
            raise InvalidCheckpoint(f"The model description {self.name!r} has no categories.")
        if len(self.anchor_sizes) != len(PYRAMID_LEVELS):
            raise InvalidCheckpoint(
                f"The model description {self.name!r} has {len(self.anchor_sizes)} anchor sizes;"
                f" there must be {len(PYRAMID_LEVELS)}, one for each of P2 to P6."
            )
        if not self.mask_layers or not self.anchor_ratios:
            raise InvalidCheckpoint(
                f"The model description {self.name!r} needs a mask layer and an anchor ratio at least."
            )
        if self.rpn_layers < 1:
            raise InvalidCheckpoint(f"The model description {self.name!r} needs a layer of the RPN at least.")

    @property
    def category_count(self) -> int:
        return len(self.categories)

    @property
    def mask_channels(self) -> int:
        """Foreground channels of the mask head."""
        return 1 if self.class_agnostic_masks else self.category_count

    @property
    def mask_output(self) -> int:
        """Side of the predicted masks."""
        return 2 * self.mask_resolution

    def with_categories(self, categories: tuple[str, ...]) -> ModelSpec:
        return dataclasses.replace(self, categories=categories)

    def to_dict(self) -> dict[str, Any]:
        """Values that JSON can hold; `from_dict` reads them back to an equal spec."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: object) -> ModelSpec:
        """
        Raises:
            InvalidCheckpoint: naming the first setting that is missing, unknown or of the wrong type.
        """
        spec = _read(values, ModelSpec, "model description")
        assert isinstance(spec, ModelSpec)
        return spec


def _read(value: object, kind: Any, where: str) -> Any:
    """`value` as parsed JSON, checked against the type `kind` of a setting."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        variable = len(arguments) == 2 and arguments[1] is Ellipsis
        kinds = [arguments[0]] * len(value) if variable else list(arguments)
        if len(kinds) == len(value):
            return tuple(
                _read(item, item_kind, f"{where}[{i}]")
                for i, (item, item_kind) in enumerate(zip(value, kinds, strict=True))
            )
    elif origin is None:
        if dataclasses.is_dataclass(kind):
            return _read_fields(value, cast(type, kind), where)
        if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if type(value) is kind:
            return value
    raise InvalidCheckpoint(f"The {where} is {value!r}, but should be {_expected(kind)}.", remedy=NEWER)


def _expected(kind: Any) -> str:
    """A setting's type in words: "resnet18 or resnet50", "4 numbers"."""
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin is tuple:
        count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        return f"{count}texts" if arguments[0] is str else f"{count}{'whole ' * (arguments[0] is int)}numbers"
    return words[kind]


def _read_fields(value: object, kind: type, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise InvalidCheckpoint(f"The {where} is not a set of named settings.", remedy=NEWER)
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(str(name) for name in value if name not in fields)
    if unknown:
        raise InvalidCheckpoint(
            f"The {where} has settings that this version does not know: {', '.join(unknown)}.", remedy=NEWER
        )
    needed = (
        n for n, f in fields.items() if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    )
    missing = [name for name in needed if name not in value]
    if missing:
        raise InvalidCheckpoint(f"The {where} lacks {', '.join(missing)}.", remedy=NEWER)
    return kind(**{name: _read(item, hints[name], f"{where}'s {name}") for name, item in value.items()})
