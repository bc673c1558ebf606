"""The one schema of every option. Panel, infotext, API, X/Y/Z axes, presets and docs follow it.

A setting is declared once, in `GuardSettings`. API arguments are positional: new settings go last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from bleed_guard.core.job import Protection

CUSTOM = "custom"
SettingValue = bool | int | float | str


@dataclass(frozen=True)
class Setting:
    """How one setting is shown, bounded and written down.

    `choices` is empty for toggles and numbers; `minimum`, `maximum` and `step` are None for
    toggles and choices. `help` is the setting's one-line truth.
    """

    name: str
    label: str
    default: SettingValue
    help: str
    infotext: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None

    def check(self, value: object) -> SettingValue:
        """Return `value` in this setting's type; ValueError with one sentence if it does not fit."""
        if self.choices:
            return self._check_choice(value)
        if isinstance(self.default, bool):
            return self._check_toggle(value)
        return self._check_number(value)

    def _check_choice(self, value: object) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}")

    def _check_toggle(self, value: object) -> bool:
        if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
            return bool(value)
        raise ValueError(f"{self.name} must be true or false, not {value!r}")

    def _check_number(self, value: object) -> int | float:
        wanted = type(self.default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or (wanted is int and value != int(value)):  # type: ignore[arg-type]
            kind = "a whole number" if wanted is int else "a number"
            raise ValueError(f"{self.name} must be {kind}, not {value!r}")
        if not self.minimum <= value <= self.maximum:  # type: ignore[operator]
            raise ValueError(
                f"{self.name} must lie between {self.minimum} and {self.maximum}, not {value!r}"
            )
        return wanted(value)  # type: ignore[return-value]


def _setting(default: Any, label: str, help: str, **bounds: Any) -> Any:
    return field(default=default, metadata={"label": label, "help": help, **bounds})


PRESET_NAMES = ("guard", "tight-edit", "blend-edit", "full-redo", CUSTOM)
BLEND_NAMES = ("hard", "feather", "membrane", "membrane + feather", "multi-band")
WATCH = ("ignore", "warn", "off")


@dataclass(frozen=True)
class GuardSettings:
    """Every option of the guard, in the order of the API's positional arguments."""

    enabled: bool = _setting(
        True, "Enable Bleed Guard", "Off: the host works as if the extension were not there."
    )
    preset: str = _setting(
        "guard",
        "Preset",
        "Sets every guard below; moving one of them shows custom.",
        choices=PRESET_NAMES,
    )
    paste_back: bool = _setting(
        True,
        "Force paste-back",
        "Every protected pixel of the result is the original's, bit for bit.",
    )
    blend: str = _setting(
        "membrane + feather",
        "Blend at the edge",
        "How the edit meets the mask's edge; every blend works inward only.",
        choices=BLEND_NAMES,
    )
    feather: int = _setting(
        4,
        "Feather",
        "Width in px, inside the mask, over which the edit fades into the original.",
        minimum=0,
        maximum=64,
        step=1,
    )
    protect: str = _setting(
        Protection.HARD.value,
        "Protect",
        "hard: all outside the mask; soft: all beyond the mask blur's reach; none: nothing.",
        choices=tuple(member.value for member in Protection),
    )
    limit_padding: bool = _setting(
        True,
        "Limit padding",
        "Padding is context for the model; under paste-back it changes no outside pixel.",
    )
    padding_limit: int = _setting(
        32,
        "Padding limit",
        "Only-masked padding is lowered to this, never raised; too little hurts the content.",
        minimum=0,
        maximum=256,
        step=4,
    )
    soft_mask: str = _setting(
        "warn",
        "Soft mask",
        "Grey mask pixels repaint what lies under them; harden cuts the mask at 50 %.",
        choices=("ignore", "warn", "harden"),
    )
    cap_strength: bool = _setting(
        False,
        "Cap denoising strength",
        "Strength moves no pixel under paste-back; it raises the risk of a visible seam.",
    )
    strength_cap: float = _setting(
        0.7,
        "Strength cap",
        "Denoising strength is lowered to this when the cap is on.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    strength_warning: float = _setting(
        0.85,
        "Warn from strength",
        "A denoising strength from here on is named as a risk at the seam.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    refiner: str = _setting(
        "warn",
        "Refiner",
        "The refiner samples under the same mask; it costs the edit its match with the rest.",
        choices=WATCH,
    )
    face_restoration: str = _setting(
        "warn",
        "Face restoration",
        "It ignores the mask; paste-back covers what it does outside.",
        choices=WATCH,
    )
    color_correction: str = _setting(
        "warn",
        "Color correction",
        "It shifts the whole decoded picture; outside the mask paste-back covers it.",
        choices=WATCH,
    )
    lossy_format: str = _setting(
        "warn",
        "Lossy format",
        "JPEG, WebP and AVIF change pixels everywhere when saved; png saves inpaints as PNG.",
        choices=("ignore", "warn", "png"),
    )
    small_mask: str = _setting(
        "suggest",
        "Whole picture on a small mask",
        "A mask under 256 x 256 gets few pixels of the model; only masked gives it all.",
        choices=("ignore", "suggest", "switch"),
    )
    tolerance: int = _setting(
        0,
        "Tolerance",
        "Levels a pixel outside may differ before it counts as bleed; 0 is bit for bit.",
        minimum=0,
        maximum=255,
        step=1,
    )
    keep_size: bool = _setting(
        False,
        "Keep the original's size",
        "Whole picture: the edit is brought back onto the original at its own size.",
    )
    keep_metadata: bool = _setting(
        True,
        "Keep alpha, ICC profile and DPI",
        "The saved file carries them over from the init image where its format can.",
    )

    @classmethod
    def from_args(cls, args: Sequence[object]) -> ParsedSettings:
        """Settings from a host's script arguments: a positional list, or one dict of names.

        What does not fit keeps its preset's value and is named in `complaints`, one sentence
        each; nothing raises.
        """
        if args and isinstance(args[0], Mapping):
            return _from_mapping(args[0])
        names = [setting.name for setting in SCHEMA]
        complaints = []
        if len(args) > len(names):
            complaints.append(f"expected at most {len(names)} arguments, got {len(args)}")
        parsed = _from_mapping(dict(zip(names, args, strict=False)), use_preset=False)
        return ParsedSettings(parsed.settings, (*complaints, *parsed.complaints))

    def to_args(self) -> list[SettingValue]:
        """The positional form, in schema order."""
        return [getattr(self, setting.name) for setting in SCHEMA]

    def named_preset(self) -> str:
        """The built-in preset these values are, or "custom"."""
        for name, preset in PRESETS.items():
            if replace(preset, enabled=self.enabled, preset=self.preset) == self:
                return name
        return CUSTOM


class ParsedSettings(NamedTuple):
    """Settings as far as they could be read, and one sentence for each that could not."""

    settings: GuardSettings
    complaints: tuple[str, ...]


def _describe(entry: Field[Any]) -> Setting:
    name = entry.name.replace("_", " ")
    return Setting(
        name=entry.name,
        default=entry.default,
        infotext=f"Bleed guard {name}" if entry.name != "enabled" else "Bleed guard",
        **entry.metadata,
    )


SCHEMA: tuple[Setting, ...] = tuple(_describe(entry) for entry in fields(GuardSettings))
SETTINGS: Mapping[str, Setting] = MappingProxyType({entry.name: entry for entry in SCHEMA})

PRESETS: Mapping[str, GuardSettings] = MappingProxyType(
    {
        "guard": GuardSettings(),
        "tight-edit": GuardSettings(
            preset="tight-edit",
            blend="hard",
            feather=0,
            padding_limit=8,
            soft_mask="harden",
            refiner="off",
            face_restoration="off",
            lossy_format="png",
        ),
        "blend-edit": GuardSettings(
            preset="blend-edit", protect=Protection.SOFT.value, padding_limit=256
        ),
        "full-redo": GuardSettings(
            preset="full-redo",
            paste_back=False,
            protect=Protection.NONE.value,
            limit_padding=False,
            soft_mask="ignore",
            refiner="ignore",
            face_restoration="ignore",
            color_correction="ignore",
            lossy_format="ignore",
            small_mask="ignore",
        ),
    }
)


def _from_mapping(given: Mapping[Any, object], *, use_preset: bool = True) -> ParsedSettings:
    values: dict[str, SettingValue] = {}
    complaints = []
    for name, value in given.items():
        setting = SETTINGS.get(name)
        if setting is None:
            known = ", ".join(SETTINGS)
            complaints.append(f"unknown setting {name!r}; known are {known}")
            continue
        try:
            values[name] = setting.check(value)
        except ValueError as error:
            complaints.append(str(error))
    preset = str(values.get("preset", "guard")) if use_preset else ""
    base = PRESETS.get(preset, GuardSettings())
    return ParsedSettings(replace(base, **values), tuple(complaints))  # type: ignore[arg-type]
