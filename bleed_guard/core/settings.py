"""The one schema of every option. Panel, infotext, API, X/Y/Z axes, presets and docs follow it.

A setting is declared once, in `GuardSettings`. API arguments are positional: new settings go last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from difflib import get_close_matches
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
        """`value` in this setting's type; ValueError with one sentence if it does not fit."""
        if self.choices:
            return self._check_choice(value)
        if isinstance(self.default, bool):
            return self._check_toggle(value)
        return self._check_number(value)

    def _check_choice(self, value: object) -> str:
        if isinstance(value, str) and value in self.choices:
            return value
        raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}, not {show(value)}")

    def _check_toggle(self, value: object) -> bool:
        if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
            return bool(value)
        raise ValueError(f"{self.name} must be true or false, not {show(value)}")

    def _check_number(self, value: object) -> int | float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{self.name} must be a number, not {show(value)}")
        wanted = type(self.default)
        if wanted is int and value != int(value):  # type: ignore[call-overload]
            raise ValueError(f"{self.name} must be a whole number, not {show(value)}")
        if not self.minimum <= value <= self.maximum:  # type: ignore[operator]
            raise ValueError(
                f"{self.name} must lie between {self.minimum} and {self.maximum}, not {show(value)}"
            )
        return wanted(value)  # type: ignore[return-value]


def show(value: object) -> str:
    """A foreign value for a sentence: its repr, cut to `SHOWN_LENGTH` characters."""
    told = repr(value)
    return told if len(told) <= SHOWN_LENGTH else f"{told[:SHOWN_LENGTH]}..."


SHOWN_LENGTH = 60
MOST_COMPLAINTS = 20
"""Of names that are no setting's; a file may hold a hundred thousand of them."""


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
        "Width in px, inside the mask, over which the edit fades; with membrane at most that.",
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
        "Grey pixels and mask blur repaint outside the mask's edge; harden cuts both off at 50 %.",
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
        "A denoising strength from here on is named as a risk at the seam; 0.7 is a good start.",
        minimum=0.0,
        maximum=1.0,
        step=0.01,
    )
    refiner: str = _setting(
        "warn",
        "Refiner",
        "It samples under the same mask; a second model fits the edit less well to the rest.",
        choices=WATCH,
    )
    face_restoration: str = _setting(
        "warn",
        "Face restoration",
        "It ignores the mask; it runs before the overlay, which covers what it does outside.",
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
        "JPEG, WebP, AVIF and GIF change pixels everywhere when saved; png saves inpaints as PNG.",
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
    def from_args(
        cls,
        args: Sequence[object],
        presets: Mapping[str, GuardSettings] | None = None,
        default: GuardSettings | None = None,
    ) -> ParsedSettings:
        """Settings from a host's script arguments: a positional list, or one dict of names.

        `presets` are the built-in ones and the user's own. A dict starts from the preset it
        names, or from `default` if it names none. In a list every setting is given, so its
        preset counts only while all the others are at their defaults; None stands for a
        default. What does not fit keeps its preset's value and is named in `complaints`, one
        sentence each; nothing raises.
        """
        known = PRESETS if presets is None else presets
        if args and isinstance(args[0], Mapping):
            return _from_mapping(args[0], known, default or cls())
        complaints = []
        if len(args) > len(SCHEMA):
            complaints.append(f"expected at most {len(SCHEMA)} arguments, got {len(args)}")
        given = {setting.name: value for setting, value in zip(SCHEMA, args, strict=False)}
        parsed = _from_positional(given, known)
        return ParsedSettings(parsed.settings, (*complaints, *parsed.complaints))

    def to_args(self) -> list[SettingValue]:
        """The positional form, in schema order."""
        return [getattr(self, setting.name) for setting in SCHEMA]

    def named_preset(self) -> str:
        """The preset these values are: a built-in one, the user's own as `preset` names it, or
        "custom"."""
        if self.preset not in PRESET_NAMES:
            return self.preset
        for name, preset in PRESETS.items():
            if is_preset(self, preset):
                return name
        return CUSTOM


def is_preset(settings: GuardSettings, preset: GuardSettings) -> bool:
    """Whether `settings` has the values of `preset`, in all that a preset decides."""
    return all(getattr(settings, name) == getattr(preset, name) for name in PRESET_SETTINGS)


def take_preset(settings: GuardSettings, preset: GuardSettings) -> GuardSettings:
    """`settings` with all that `preset` decides, and its name."""
    decided = {name: getattr(preset, name) for name in PRESET_SETTINGS}
    return replace(settings, preset=preset.preset, **decided)


class ParsedSettings(NamedTuple):
    """Settings as far as they could be read, and one sentence for each that could not."""

    settings: GuardSettings
    complaints: tuple[str, ...]


PRESET_FREE = ("enabled", "preset", "strength_warning", "tolerance", "keep_size", "keep_metadata")
"""What a preset leaves as it is: the switch, its own name, thresholds, and how files are kept."""


def _describe(entry: Field[Any]) -> Setting:
    name = entry.name.replace("_", " ")
    default: Any = entry.default
    return Setting(
        name=entry.name,
        default=default,
        infotext="Bleed guard" if entry.name == "preset" else f"Bleed guard {name}",
        **entry.metadata,
    )


SCHEMA: tuple[Setting, ...] = tuple(_describe(entry) for entry in fields(GuardSettings))
SETTINGS: Mapping[str, Setting] = MappingProxyType({entry.name: entry for entry in SCHEMA})
PRESET_SETTINGS: tuple[str, ...] = tuple(name for name in SETTINGS if name not in PRESET_FREE)

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


def _from_mapping(
    given: Mapping[Any, object], presets: Mapping[str, GuardSettings], default: GuardSettings
) -> ParsedSettings:
    values, complaints = _check_values(given, presets)
    preset = presets.get(values.get("preset", ""))
    base = default if preset is None else take_preset(default, preset)
    return ParsedSettings(_name_preset(replace(base, **values), presets), complaints)


def _from_positional(
    given: Mapping[str, object], presets: Mapping[str, GuardSettings]
) -> ParsedSettings:
    values, complaints = _check_values(given, presets)
    preset = presets.get(values.get("preset", ""))
    settings = GuardSettings(**values)  # type: ignore[arg-type]
    if preset is not None and is_preset(settings, GuardSettings()):
        settings = take_preset(settings, preset)
    return ParsedSettings(_name_preset(settings, presets), complaints)


def _name_preset(settings: GuardSettings, presets: Mapping[str, GuardSettings]) -> GuardSettings:
    """`settings` with the name of the preset its values are: the one it names, any, or custom."""
    claimed = presets.get(settings.preset)
    if claimed is not None and is_preset(settings, claimed):
        return settings
    matching = (name for name, preset in presets.items() if is_preset(settings, preset))
    return replace(settings, preset=next(matching, CUSTOM))


def _check_values(
    given: Mapping[Any, object], presets: Mapping[str, GuardSettings]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values that fit their settings, and one sentence for each that does not."""
    values: dict[str, Any] = {}
    complaints = []
    for name, value in given.items():
        setting = SETTINGS.get(name)
        if setting is None:
            if len(complaints) < MOST_COMPLAINTS:
                complaints.append(_complain_of_name(name))
            continue
        if value is None:
            continue
        try:
            values[setting.name] = _check_value(setting, value, presets)
        except ValueError as error:
            complaints.append(str(error))
    return values, tuple(complaints)


def _check_value(
    setting: Setting, value: object, presets: Mapping[str, GuardSettings]
) -> SettingValue:
    if setting.name == "preset":
        setting = replace(setting, choices=(*presets, CUSTOM))
    return setting.check(value)


def _complain_of_name(name: object) -> str:
    near = get_close_matches(str(name)[:SHOWN_LENGTH], SETTINGS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(SETTINGS)}"
    return f"unknown setting {show(name)}; {hint}"
