"""What is kept of one guarded generation: the records the tab, the API and the files show."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from bleed_guard.core.arrays import take_rgb
from bleed_guard.core.job import Box, Change, Finding, Verdict
from bleed_guard.core.patch import Patch, find_changed_box
from bleed_guard.core.traces import Traces


class Stage(NamedTuple):
    """The protected pixels after one stage of the pipeline: how many differ, and the largest.

    `name` is one of decoded, composite, after other scripts, guarded, saved file; `scripts`
    names who may have changed the picture since the stage before.
    """

    name: str
    changed: int
    max: int
    scripts: tuple[str, ...] = ()


class Pictures(Protocol):
    """The arrays of one image, loaded when somebody looks. All of the result's size.

    `shape` is their (H, W). `reference`, `unguarded` (what the host alone would have given) and
    `result` are uint8 H x W x 3 RGB, `mask` uint8 H x W with 255 = repaint, `protected` bool H x W.
    """

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def reference(self) -> np.ndarray: ...

    @property
    def unguarded(self) -> np.ndarray: ...

    @property
    def result(self) -> np.ndarray: ...

    @property
    def mask(self) -> np.ndarray: ...

    @property
    def protected(self) -> np.ndarray: ...

    def crop(self, name: str, box: Box) -> np.ndarray:
        """The part `box` of the array called `name`, without loading more than that."""
        ...

    def changed_box(self, name: str) -> Box:
        """A box that holds every pixel in which `unguarded` or `result` is not the reference."""
        ...


@dataclass(frozen=True)
class LoadedPictures:
    """`Pictures` that are simply in memory."""

    reference: np.ndarray
    unguarded: np.ndarray
    result: np.ndarray
    mask: np.ndarray
    protected: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the arrays."""
        height, width = self.mask.shape
        return height, width

    @property
    def size_in_bytes(self) -> int:
        return sum(array.nbytes for array in vars(self).values())

    def crop(self, name: str, box: Box) -> np.ndarray:
        """The part `box` of the array called `name`."""
        return getattr(self, name)[box.slices]

    def changed_box(self, name: str) -> Box:
        """The smallest box that holds every pixel in which `name` is not the reference."""
        return find_changed_box(self.reference, getattr(self, name))


@dataclass(frozen=True)
class PatchedPictures:
    """`Pictures` of which only the reference is whole. `patches` are of unguarded and result.

    `base` holds the reference: uint8 H x W x 3, or H x W x 4 of which the fourth is not looked at.
    """

    base: np.ndarray
    mask: np.ndarray
    protected: np.ndarray
    patches: dict[str, Patch]

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the arrays."""
        height, width = self.mask.shape
        return height, width

    @property
    def reference(self) -> np.ndarray:
        return take_rgb(self.base)

    @property
    def unguarded(self) -> np.ndarray:
        return self.patches["unguarded"].lay_on(self.reference)

    @property
    def result(self) -> np.ndarray:
        return self.patches["result"].lay_on(self.reference)

    def crop(self, name: str, box: Box) -> np.ndarray:
        """The part `box` of the array called `name`."""
        if name in ("mask", "protected"):
            return getattr(self, name)[box.slices]
        own = take_rgb(self.base[box.slices])
        return own if name == "reference" else self.patches[name].crop(own, box)

    def changed_box(self, name: str) -> Box:
        """A box that holds every pixel in which `name` is not the reference: the patch's, or the
        smallest one in a patch that is the whole picture."""
        patch = self.patches[name]
        is_whole = patch.box.area == self.mask.size
        return patch.shrink(self.reference).box if is_whole else patch.box


@dataclass(frozen=True)
class ImageRecord:
    """One image of a generation.

    `changed` and `max` are of the result, `prevented`, `prevented_max` and `prevented_reach` of
    what the host alone would have given; all over the `protected` pixels. `reason` says why an
    image is not guarded, or of a full redo why it is not measured. `saved_as` is the file, "" if
    none was written. `places` are the picture's place in the host's reply and the first one behind
    its mask and composite, None if it is not in there. `traces` are what the diagnosis works from
    when somebody asks for it.
    """

    index: int
    verdict: Verdict
    protected: int
    changed: int
    max: int
    prevented: int = 0
    prevented_max: int = 0
    prevented_reach: int = 0
    reason: str = ""
    saved_as: str = ""
    places: tuple[int, int] | None = None
    stages: tuple[Stage, ...] = ()
    findings: tuple[Finding, ...] = ()
    predicted_reach: int = 0
    crop_box: Box | None = None
    pictures: Pictures | None = None
    traces: Traces | None = None

    @property
    def sentence(self) -> str:
        """The verdict in one line, for people."""
        if self.verdict is Verdict.NOT_GUARDED:
            return f"NOT GUARDED: {self.reason}"
        is_redo = self.verdict is Verdict.FULL_REDO
        if is_redo and self.reason:
            return f"Full redo, not measured: {self.reason}."
        which = "pixels outside the mask" if is_redo else "protected pixels"
        told = f"{self.changed:,} of {self.protected:,} {which} changed"
        told += self._beyond(self.changed, self.max)
        file = next((stage for stage in self.stages if stage.name == "saved file"), None)
        if self.changed:
            told += f" (max {self.max})"
        elif self.verdict is Verdict.BLEED and file:
            told = f"{file.changed:,} of {self.protected:,} {which} of the file changed"
            told += f" (max {file.max})"
        if is_redo:
            return f"Full redo: {told}."
        return f"{told}. Without the guard: {self.prevented_text}."

    @staticmethod
    def _beyond(changed: int, largest: int) -> str:
        """What there is to add where all that differs does so within the tolerance."""
        return f" by more than the tolerance (max {largest})" if largest and not changed else ""

    @property
    def prevented_text(self) -> str:
        """For instance "2,805 (max 222, reach 10 px)", or "0"."""
        if not self.prevented:
            return f"0{self._beyond(self.prevented, self.prevented_max)}"
        reach = f", reach {self.prevented_reach} px"
        return f"{self.prevented:,} (max {self.prevented_max}{reach})"


@dataclass(frozen=True)
class GenerationRecord:
    """One run of the host: its images, what was changed beforehand, and the facts of the run.

    `facts` are label -> value pairs in the order they are shown; `owner` is the logged-in user,
    "" without authentication; `started` is seconds since the epoch.
    """

    id: str
    started: float
    images: tuple[ImageRecord, ...] = ()
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    preset: str = "guard"
    tolerance: int = 0
    owner: str = ""
    prompt: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def with_image(self, image: ImageRecord) -> GenerationRecord:
        """This record with `image` added, or put in the place of the one with its index."""
        others = [entry for entry in self.images if entry.index != image.index]
        images = sorted([*others, image], key=lambda entry: entry.index)
        return replace(self, images=tuple(images))

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of its images; not guarded if there are none."""
        order = list(WORST_FIRST)
        verdicts = [image.verdict for image in self.images] or [Verdict.NOT_GUARDED]
        return min(verdicts, key=order.index)


WORST_FIRST = (
    Verdict.NOT_GUARDED,
    Verdict.BLEED,
    Verdict.WITHIN_TOLERANCE,
    Verdict.FULL_REDO,
    Verdict.CLEAN,
)


class RecordStore(Protocol):
    """Where the records are kept; the host's history implements it."""

    def add(self, record: GenerationRecord) -> None:
        """Keep the record as the newest, or in the place of the one with its id."""
        ...

    def latest(self, owner: str = "") -> GenerationRecord | None: ...

    def get(self, record_id: str, owner: str = "") -> GenerationRecord | None: ...

    def list(self, owner: str = "") -> tuple[GenerationRecord, ...]:
        """Newest first."""
        ...

    @property
    def revision(self) -> int:
        """Grows with every change, so that a page knows when to look again."""
        ...


def describe_record(record: GenerationRecord) -> dict[str, Any]:
    """The record without pictures, ready for `json.dumps`: for report.json and the API."""
    return {
        "id": record.id,
        "started": record.started,
        "verdict": record.verdict.value,
        "preset": record.preset,
        "tolerance": record.tolerance,
        "prompt": record.prompt,
        "facts": record.facts,
        "changes": [change.text for change in record.changes],
        "findings": [describe_finding(finding) for finding in record.findings],
        "images": [_describe_image(image) for image in record.images],
    }


def describe_finding(finding: Finding) -> dict[str, Any]:
    """A finding as plain values."""
    return {
        "cause": finding.cause.value,
        "severity": finding.severity.value,
        "what": finding.what,
        "why": finding.why,
        "fix": None if finding.fix is None else vars(finding.fix).copy(),
        "pixels": finding.pixels,
        "max": finding.max,
        "where": None if finding.where is None else list(finding.where),
        "evidence": finding.evidence,
        "words": finding.words,
        "wording": finding.phrases and finding.phrases._asdict(),
        "certainty": finding.certainty.value,
    }


def _describe_image(image: ImageRecord) -> dict[str, Any]:
    return {
        "index": image.index,
        "verdict": image.verdict.value,
        "sentence": image.sentence,
        "protected": image.protected,
        "changed": image.changed,
        "max": image.max,
        "prevented": image.prevented,
        "prevented_max": image.prevented_max,
        "prevented_reach": image.prevented_reach,
        "predicted_reach": image.predicted_reach,
        "reason": image.reason,
        "saved_as": image.saved_as,
        "places": None if image.places is None else list(image.places),
        "stages": [stage._asdict() for stage in image.stages],
        "findings": [describe_finding(finding) for finding in image.findings],
        "crop_box": None if image.crop_box is None else list(image.crop_box),
    }
