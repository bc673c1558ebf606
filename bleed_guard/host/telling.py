"""What the user reads under the gallery: of a job, or of all that one click has run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bleed_guard.core.job import Finding, Severity, Verdict
from bleed_guard.core.record import ImageRecord
from bleed_guard.host.run import GuardRun

MOST_LINES = 40
"""Of what there is to say beside the verdicts: a batch of JPEG files has a line for each."""


class ToldJob(NamedTuple):
    """What one job has to say: of its images, and what else; `prevented` is None unless all of
    them are clean."""

    images: tuple[str, ...]
    more: tuple[str, ...]
    script: str
    prevented: int | None


@dataclass
class Told:
    """The jobs that one click has run so far, and the lines they are told in.

    A batch of files, Loopback and other scripts run several with one `p`, or with copies of it,
    and show one reply: the first one, `shown`, or one of their own that has `p`'s comments.
    """

    jobs: list[ToldJob] = field(default_factory=list)
    lines: tuple[str, ...] = ()
    shown: Any = None


def read_told(p: Any) -> Told:
    """What `p` and its copies share."""
    told = getattr(p, "bleed_guard_told", None)
    if told is None:
        told = p.bleed_guard_told = Told()
    return told


def tell_run(run: GuardRun) -> tuple[str, ...]:
    """What there is to say of one job, most important first; no line twice."""
    return _tell_jobs([_tell_job(run)])


def withdraw(p: Any) -> None:
    """A job begins: until it has something to say, its comments are not those of the one before."""
    comments = getattr(p, "comments", {})
    for line in read_told(p).lines:
        comments.pop(line, None)


def show(p: Any, processed: Any, run: GuardRun) -> None:
    """Add what one job has to say to the reply the host shows, wherever it takes it from."""
    withdraw(p)
    told = read_told(p)
    told.jobs.append(_tell_job(run))
    told.shown = told.shown or processed
    before, told.lines = told.lines, _tell_jobs(told.jobs)
    for reply in (processed, told.shown):
        _exchange(reply, before, told.lines)
    for line in told.lines:
        p.comment(line)


def add_line(p: Any, line: str) -> None:
    """A line that stays, in the reply of an earlier job that is shown for this one too."""
    shown = read_told(p).shown
    if shown is not None:
        _exchange(shown, (), (line,))


def _exchange(reply: Any, before: tuple[str, ...], lines: tuple[str, ...]) -> None:
    """Put `lines` in the place of those `before` among the comments of a reply."""
    gone = set(before).difference(lines)
    known = [line for line in reply.comments.splitlines() if line not in gone]
    added = set(lines).difference(known)
    told = [*known, *(line for line in lines if line in added)]
    reply.comments = "".join(f"{line}\n" for line in told)


def _tell_job(run: GuardRun) -> ToldJob:
    images, job = run.record.images, run.rules.job
    more = [change.text for change in run.rules.plan.changes]
    found = [finding for image in images for finding in image.findings]
    more += [_tell_finding(finding) for finding in (*found, *run.record.findings)]
    more += [f"setting not used: {complaint}" for complaint in run.complaints]
    is_clean = all(image.verdict is Verdict.CLEAN for image in images)
    prevented = sum(image.prevented for image in images) if is_clean else None
    return ToldJob(_tell_images(images), tuple(more), job.assembled_by or job.varied_by, prevented)


def _tell_finding(finding: Finding) -> str:
    mark = "" if finding.severity is Severity.INFO else f"{finding.severity.value}: "
    return f"{mark}{finding.text}"


def _tell_images(images: tuple[ImageRecord, ...]) -> tuple[str, ...]:
    """One sentence if all images fared alike, else one for each."""
    if len(images) > 1 and all(image.verdict is Verdict.CLEAN for image in images):
        prevented = sum(image.prevented for image in images)
        return (
            f"{len(images)} images, 0 protected pixels changed. Without the guard: {prevented:,}.",
        )
    if len(images) == 1:
        return (images[0].sentence,)
    return tuple(f"image {image.index + 1}: {image.sentence}" for image in images)


def _tell_jobs(jobs: list[ToldJob]) -> tuple[str, ...]:
    """The lines of all jobs; of several, those that are all clean have one."""
    script = jobs[-1].script
    if len(jobs) == 1:
        scope = f"in this job of {script}: " if script else ""
        told = [f"{scope}{line}" for line in jobs[0].images]
    else:
        scope = f"in the jobs of {script} so far: " if script else ""
        told = [f"{scope}{line}" for line in _sum_up(jobs)]
    more = [*dict.fromkeys(line for job in jobs for line in job.more)]
    told += more[:MOST_LINES]
    if len(more) > MOST_LINES:
        told.append(f"{len(more) - MOST_LINES} further lines are in the Bleed tab, job by job.")
    return tuple(dict.fromkeys(f"Bleed Guard: {line}" for line in told))


def _sum_up(jobs: list[ToldJob]) -> list[str]:
    """What several jobs say of their images: those with something to tell first."""
    clean = [job.prevented for job in jobs if job.prevented is not None]
    lines = [
        f"job {number}: {line}"
        for number, job in enumerate(jobs, 1)
        if job.prevented is None
        for line in job.images
    ]
    if clean:
        which = f"{len(clean)} of {len(jobs)} jobs" if lines else f"{len(jobs)} jobs"
        lines.append(f"{which}, 0 protected pixels changed. Without the guard: {sum(clean):,}.")
    return lines
