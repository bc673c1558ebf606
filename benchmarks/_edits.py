"""Edits whose perfect outcome is known: photographs, masks, new content, and what a model's
drift makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import cycle
from typing import NamedTuple

import cv2
import numpy as np
import skimage.data
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import SuperLU, splu

WIDTH, HEIGHT = 384, 288


class Case(NamedTuple):
    """One edit. Three uint8 H x W x 3 and the mask, uint8 H x W with 255 = repaint.

    `perfect` is what the user should get: the reference outside the mask, the new content inside
    as it was meant. `generated` is what comes out of the pipeline: all of it drifted.
    """

    photo: str
    shape: str
    edit: str
    drift: str
    reference: np.ndarray
    perfect: np.ndarray
    generated: np.ndarray
    mask: np.ndarray


def build_cases(photo_count: int | None = None) -> Iterator[Case]:
    """Every photograph (or the first `photo_count`) x mask x drift, the edits taking turns."""
    photos, masks = load_photos(), draw_masks()
    names = list(photos)
    turns = cycle(EDITS)  # no multiple of the number of drifts: each drift meets each edit
    for index, photo in enumerate(names[:photo_count]):
        donor = photos[names[(index + 3) % len(names)]]
        for shape, mask in masks.items():
            edited = {name: edit(photos[photo], mask, donor) for name, edit in EDITS.items()}
            for drift in DRIFTS:
                edit = next(turns)
                yield build_case((photo, shape, edit, drift), photos[photo], edited[edit], mask)


def build_case(
    names: tuple[str, str, str, str], reference: np.ndarray, edited: np.ndarray, mask: np.ndarray
) -> Case:
    """`names` are photo, shape, edit and drift; `edited` the whole picture before the drift."""
    inside = (mask >= 128)[..., None]
    perfect = np.where(inside, edited, reference)
    return Case(*names, reference, perfect, to_levels(DRIFTS[names[3]](edited)), mask)


def to_levels(picture: np.ndarray) -> np.ndarray:
    """Any numbers -> uint8, rounded and cut at 0 and 255."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


# ------------------------------------------------------------------------------------ photographs


def load_photos() -> dict[str, np.ndarray]:
    """Photographs that scikit-image's wheel carries, cut to WIDTH x HEIGHT."""
    sources: dict[str, Callable[[], np.ndarray]] = {
        "astronaut": skimage.data.astronaut,
        "coffee": skimage.data.coffee,
        "cat": skimage.data.chelsea,
        "rocket": skimage.data.rocket,
        "camera": skimage.data.camera,
        "grass": skimage.data.grass,
        "hubble": skimage.data.hubble_deep_field,
        "motorcycle": lambda: skimage.data.stereo_motorcycle()[0],
    }
    return {name: fit_photo(load()) for name, load in sources.items()}


def fit_photo(photo: np.ndarray) -> np.ndarray:
    """H x W or H x W x 3 uint8 -> the middle of it at HEIGHT x WIDTH x 3."""
    if photo.ndim == 2:
        photo = np.repeat(photo[..., None], 3, axis=2)
    height, width = photo.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    size = max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(photo[..., :3], size, interpolation=method)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    return np.ascontiguousarray(scaled[top : top + HEIGHT, left : left + WIDTH])


def draw_masks() -> dict[str, np.ndarray]:
    """One part, at the border, with a hole, a stroke, several parts."""
    names = ("ellipse", "at the border", "with a hole", "stroke", "three parts")
    masks = {name: np.zeros((HEIGHT, WIDTH), np.uint8) for name in names}
    cv2.ellipse(masks["ellipse"], (200, 140), (90, 60), 20, 0, 360, (255,), -1)
    masks["at the border"][60:200, 0:130] = 255
    cv2.circle(masks["with a hole"], (190, 150), 80, (255,), -1)
    cv2.circle(masks["with a hole"], (200, 150), 30, (0,), -1)
    zigzag = np.array([[60, 60], [150, 200], [250, 80], [330, 220]])
    cv2.polylines(masks["stroke"], [zigzag], False, (255,), 14)
    for x, y, radius in ((80, 80, 30), (300, 90, 40), (200, 220, 25)):
        cv2.circle(masks["three parts"], (x, y), radius, (255,), -1)
    return masks


# ------------------------------------------------------------------------------------------ edits


def insert_other(photo: np.ndarray, mask: np.ndarray, donor: np.ndarray) -> np.ndarray:
    """Another photograph's content, its colours carried over from the mask's edge."""
    fitted = donor + carry_inward(photo.astype(np.float64) - donor, mask)
    return np.where((mask >= 128)[..., None], to_levels(fitted), photo)


def remove(photo: np.ndarray, mask: np.ndarray, donor: np.ndarray) -> np.ndarray:
    """The photograph's own content from elsewhere, as a clean removal has it."""
    return insert_other(photo, mask, np.roll(photo[:, ::-1], (37, 90), (0, 1)))


def place_object(photo: np.ndarray, mask: np.ndarray, donor: np.ndarray) -> np.ndarray:
    """New content in the middle, the background around it as it was: a generous mask."""
    depth = cv2.distanceTransform((mask >= 128).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip((depth - 6) / 2, 0, 1)[..., None]
    return to_levels(photo * (1 - share) + donor * share)


def cross_edge(photo: np.ndarray, mask: np.ndarray, donor: np.ndarray) -> np.ndarray:
    """New content that goes on outside the mask, in bands over a third of the picture: nothing of
    it is drift."""
    edited = insert_other(photo, mask, donor)
    near = cv2.dilate(mask, np.ones((33, 33), np.uint8)) >= 128
    bands = np.arange(WIDTH) // 24 % 3 == 0
    return np.where((near & bands[None, :])[..., None], donor, edited)


def fill_latents(photo: np.ndarray, mask: np.ndarray, donor: np.ndarray) -> np.ndarray:
    """New content of its own colours in all latents that the mask covers half, as hosts repaint
    them: up to 4 px beyond an edge, and none of it is drift."""
    latents = cv2.resize(mask, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA) >= 128
    covered = cv2.resize(latents.astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    return np.where(covered[..., None] > 0, donor, photo)


EDITS = {
    "insert": insert_other,
    "removal": remove,
    "object": place_object,
    "crossing": cross_edge,
    "latents": fill_latents,
}


def carry_inward(difference: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The harmonic function inside the mask with the difference's values around it.

    float64 H x W x 3 -> the same, 0 outside. Solved exactly, by another method than the guard's.
    """
    solver, rows, columns, outer = _factorize(mask.tobytes())
    carried = np.zeros_like(difference)
    for channel in range(3):
        right = np.zeros(rows.size)
        for unknowns, at in outer:
            right[unknowns] += difference[at][:, channel]
        carried[rows, columns, channel] = solver.solve(right)
    return carried


Neighbours = list[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]


@lru_cache
def _factorize(mask_bytes: bytes) -> tuple[SuperLU, np.ndarray, np.ndarray, Neighbours]:
    """Laplace's equation on the mask: its solver, the unknowns' rows and columns, and for each
    direction the unknowns whose neighbour is outside, with that neighbour."""
    inside = np.frombuffer(mask_bytes, np.uint8).reshape(HEIGHT, WIDTH) >= 128
    rows, columns = np.nonzero(inside)
    number = np.full(inside.shape, -1)
    number[rows, columns] = np.arange(rows.size)
    degree = np.zeros(rows.size)
    entries, outer = [], []
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        near_rows, near_columns = rows + down, columns + right
        exists = (near_rows >= 0) & (near_rows < HEIGHT) & (near_columns >= 0)
        unknowns = np.flatnonzero(exists & (near_columns < WIDTH))
        degree[unknowns] += 1
        at = near_rows[unknowns], near_columns[unknowns]
        is_unknown = number[at] >= 0
        entries.append((unknowns[is_unknown], number[at][is_unknown]))
        outer.append((unknowns[~is_unknown], (at[0][~is_unknown], at[1][~is_unknown])))
    diagonal = np.arange(rows.size)
    first = np.concatenate([diagonal, *(pair[0] for pair in entries)])
    second = np.concatenate([diagonal, *(pair[1] for pair in entries)])
    values = np.concatenate([degree, np.full(first.size - rows.size, -1.0)])
    matrix = csc_matrix((values, (first, second)), (rows.size, rows.size))
    return splu(matrix), rows, columns, outer


# ----------------------------------------------------------------------------------------- drifts


def shift_picture(picture: np.ndarray, right: float, down: float) -> np.ndarray:
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = picture.shape[1::-1]
    return cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )


def add_noise(picture: np.ndarray, levels: float, *, size: float = 0.0) -> np.ndarray:
    """Gaussian noise of a standard deviation in levels; `size` px wide grains."""
    noise = np.random.default_rng(5).normal(0, 1, picture.shape).astype(np.float32)
    if size:
        noise = cv2.GaussianBlur(noise, (0, 0), size)
    return picture + noise * (levels / noise.std())


def blur_picture(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def change_contrast(picture: np.ndarray, factor: float, middle: float = 128.0) -> np.ndarray:
    return (picture - middle) * factor + middle


def pass_autoencoder(picture: np.ndarray) -> np.ndarray:
    """What a latent autoencoder does: fine detail weaker, grain, and a tint that wanders."""
    smooth = blur_picture(picture.astype(np.float32), 1.5)
    coarse = np.random.default_rng(3).normal(0, 3, (9, 12, 3)).astype(np.float32)
    tint = cv2.resize(coarse, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return add_noise(smooth + 0.6 * (picture - smooth) + tint, 4.0, size=0.8)


WARM = np.array([10.0, 2.0, -8.0])

DRIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "offset +15": lambda picture: picture + 15.0,
    "warm": lambda picture: picture + WARM,
    "contrast 0.85": lambda picture: change_contrast(picture, 0.85),
    "shift 1 px": lambda picture: shift_picture(picture, 1, 0),
    "shift 2 px": lambda picture: shift_picture(picture, 1.5, 1.3),
    "shift 3 px": lambda picture: shift_picture(picture, 3, 0),
    "blur": lambda picture: blur_picture(picture, 1.2),
    "noise": lambda picture: add_noise(picture, 4.0),
    "autoencoder": pass_autoencoder,
    "warm + shift 2 px + noise": lambda picture: add_noise(
        shift_picture(picture, 2, 0) + WARM, 1.5
    ),
    "contrast + blur + shift 1 px": lambda picture: change_contrast(
        blur_picture(shift_picture(picture, 0, 1), 0.8), 0.88
    ),
}
