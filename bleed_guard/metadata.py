"""What picture files carry beside their pixels: read, united, and told where a format loses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bleed_guard.audit.infotext import EXIF_IFD, USER_COMMENT, read_infotext
from bleed_guard.images import naming, open_image, read_bytes

if TYPE_CHECKING:
    from PIL import Image

PARAMETERS = "parameters"
"""The PNG text of WebUIs that tells how a picture was made; other formats have it in EXIF."""

PARAMETERS_MARK = "Steps: "
"""Every WebUI's parameters hold it; a camera's comment does not."""

PNG_XMP = "XML:com.adobe.xmp"
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
TIFF_XMP = 700
XMP_ORIENTATION = re.compile(rb'tiff:Orientation="\d+"|<tiff:Orientation>\d+</tiff:Orientation>')

JPEG_SEGMENT = 65_533
"""Bytes of content a segment of a JPEG can hold."""

GPS_IFD, X_RESOLUTION = 34853, 282
INTEROPERABILITY_IFD = 40965
"""Pillow writes the pointer to this directory, but not what it points to."""

LAYOUT_TAGS = frozenset(
    (
        *range(254, 267),  # size, bits, compression
        273,  # strips
        274,  # orientation: pictures are written upright
        *range(277, 282),
        284,
        *range(288, 294),
        *(297, 301, 317),
        *range(320, 348),  # palette, tiles, JPEG tables
        *range(512, 522),
        *range(529, 533),
        *(TIFF_XMP, 34377, 34675, 37724),  # XMP, Photoshop's layers, ICC: blocks of their own
    )
)
"""Tags of TIFF that tell how its pixels lie in the file, not what the picture is."""


@dataclass(frozen=True)
class Metadata:
    """What a file carries beside its pixels.

    `icc`, `exif` and `xmp` are the raw blocks, b"" if there is none; `dpi` (x, y) or None;
    `text` the PNG text chunks, with generation parameters also of files that keep them in EXIF.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    text: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: Metadata) -> Metadata:
        """This metadata, completed by `other` where something is missing; of texts `other`'s win.

        The ICC profile is this one's or none: it says what this picture's pixels mean.
        """
        return Metadata(
            icc=self.icc,
            exif=self.exif or other.exif,
            xmp=self.xmp or other.xmp,
            dpi=self.dpi or other.dpi,
            text={**self.text, **other.text},
        )

    @property
    def colors(self) -> str:
        """What the ICC profile is for, such as "RGB", "CMYK", "GRAY" (ICC.1, 7.2.6: the colour
        space of the data); "" without one."""
        return self.icc[16:20].decode("ascii", "replace").strip()

    @property
    def rgb_icc(self) -> bytes:
        """The ICC profile if it is one for RGB, which is what pictures are written as."""
        return self.icc if self.colors == "RGB" else b""

    @property
    def commented_exif(self) -> bytes:
        """`exif` with the generation parameters as its comment, as WebUIs keep them."""
        if PARAMETERS not in self.text:
            return self.exif
        block = load_exif(self.exif)
        comment = b"UNICODE\0" + self.text[PARAMETERS].encode("utf-16-be")
        block[EXIF_IFD] = {**block.get_ifd(EXIF_IFD), USER_COMMENT: comment}
        return block.tobytes()


def load_exif(block: bytes) -> Image.Exif:
    """The raw block as Pillow's mapping of tags."""
    from PIL import Image

    exif = Image.Exif()
    exif.load(block)
    _keep_texts(exif)
    return exif


class _Text(str):
    """A text of EXIF, whose encoding nobody tells: Pillow reads its bytes as Latin-1, and would
    write a question mark for each beyond ASCII."""

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        return super().encode("latin-1")


def _keep_texts(exif: Image.Exif) -> None:
    """Make every text one that is written as the bytes it was read from."""
    nested = (exif.get_ifd(tag) for tag in (EXIF_IFD, GPS_IFD) if tag in exif)
    for tags in (exif, *nested):
        for tag, value in list(tags.items()):
            if isinstance(value, str):
                tags[tag] = _Text(value)


def read_metadata(path: str | Path) -> Metadata:
    """The metadata of a picture file, without what only fits its own pixels (orientation, layout).

    PictureError if it is damaged.
    """
    data = read_bytes(path)
    comment = read_infotext(data, str(path))
    is_made = PARAMETERS_MARK in comment
    with open_image(data, str(path)) as image, naming(str(path)):
        exif = _read_exif(image, without_comment=is_made)
        image.load()
        text = {key: str(value) for key, value in getattr(image, "text", {}).items()}
        xmp = _read_xmp(image, text.pop(PNG_XMP, ""))
        if is_made:
            text.setdefault(PARAMETERS, comment)
        return Metadata(
            icc=image.info.get("icc_profile") or b"",
            exif=exif,
            xmp=XMP_ORIENTATION.sub(b"", xmp),
            dpi=_read_dpi(image),
            text=text,
        )


def _read_exif(image: Image.Image, *, without_comment: bool) -> bytes:
    exif = image.getexif()
    for tag in LAYOUT_TAGS & set(exif):
        del exif[tag]
    _keep_texts(exif)
    if EXIF_IFD in exif:
        left_out = {INTEROPERABILITY_IFD, *([USER_COMMENT] if without_comment else [])}
        inner = exif.get_ifd(EXIF_IFD)
        exif[EXIF_IFD] = {tag: inner[tag] for tag in inner if tag not in left_out}
    return exif.tobytes() if len(exif) else b""


def _read_xmp(image: Any, text: str) -> bytes:
    """The XMP block of a Pillow image; `text` is what a PNG has of it."""
    tags = getattr(image, "tag_v2", {})
    xmp = image.info.get("xmp") or text or tags.get(TIFF_XMP) or b""
    for _, content in getattr(image, "applist", ()):  # Pillow tells a JPEG's from version 11 on
        if not xmp and content.startswith(JPEG_XMP):
            xmp = content.removeprefix(JPEG_XMP)
    return xmp.encode() if isinstance(xmp, str) else bytes(xmp)


def _read_dpi(image: Any) -> tuple[float, float] | None:
    """Dots per inch in x and y; a TIFF that tells none has 1 x 1 in Pillow."""
    dpi = image.info.get("dpi")
    if not dpi or X_RESOLUTION not in getattr(image, "tag_v2", {X_RESOLUTION}):
        return None
    x, y = (float(value) for value in dpi)
    return (x, y) if x > 0 and y > 0 else None


def tell_changes(original: Metadata, result: Metadata, suffix: str) -> list[str]:
    """Sentences on what of the metadata is not in a repaired file of the format `suffix`."""
    notes = []
    if original.icc and not original.rgb_icc:
        notes.append(
            f"the original's ICC profile is for {original.colors} and left out: the picture is "
            "written as RGB"
        )
    if result.icc and result.icc != original.icc:
        notes.append(
            "the result's ICC profile is not the original's: its colours are taken as they are"
        )
    lost = _find_lost(original.over(result), suffix)
    if lost:
        notes.append(f"{suffix} does not keep {', '.join(lost)}")
    return notes


def _find_lost(metadata: Metadata, suffix: str) -> list[str]:
    """What a format has no place for."""
    if suffix == ".png":
        return []
    lost = [f"the text {key!r}" for key in metadata.text if key != PARAMETERS]
    if metadata.dpi and suffix == ".webp" and X_RESOLUTION not in load_exif(metadata.exif):
        lost.append("the resolution")
    if metadata.xmp and not fits_jpeg(metadata.xmp) and suffix in (".jpg", ".jpeg"):
        lost.append("the XMP, which is too large")
    return lost


def fits_jpeg(xmp: bytes) -> bool:
    """Whether a JPEG can hold this XMP in one segment."""
    return len(JPEG_XMP) + len(xmp) <= JPEG_SEGMENT
