"""The recordings as one archive: 773 files of which half are copies of each other, 3 MB instead
of 8 for everybody who clones. `python tests/recordings/archive.py` packs the folders again."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ARCHIVE = FOLDER / "recordings.tar.xz"
STAMP = FOLDER / ".unpacked"
"""Names the archive the folders beside it came from; git does not track either."""


def unpack() -> None:
    """Unpack the archive beside itself, unless that has been done; one test run at a time does."""
    from dev import lock

    wanted = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
    with STAMP.open("a+") as stamp:
        lock(stamp.fileno())
        stamp.seek(0)
        if stamp.read() == wanted:
            return
        for folder in list_folders():
            shutil.rmtree(folder)
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(FOLDER, filter="data")
        stamp.truncate(0)
        stamp.write(wanted)


def pack() -> None:
    """Write the archive from the folders; the same folders give the same bytes."""
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        for folder in list_folders():
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.add(path, path.relative_to(FOLDER).as_posix(), filter=_anonymous)


def list_folders() -> list[Path]:
    """One folder a host."""
    return sorted(path for path in FOLDER.iterdir() if path.is_dir() and path.name[0] not in "._")


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o644
    return info


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("usage: python tests/recordings/archive.py (it takes no arguments)")
    pack()
