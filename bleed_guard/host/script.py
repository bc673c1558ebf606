"""The always-on script: hooks only. What they do is in run.py, files.py and processing.py."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from modules import scripts

from bleed_guard.core.job import Change, GuardPlan, InpaintJob, Protection, Severity
from bleed_guard.core.plan import plan_guard
from bleed_guard.core.settings import SETTINGS, GuardSettings, ParsedSettings
from bleed_guard.core.wording import REASONS
from bleed_guard.host import compat, files, infotext, options, presets, processing, xyz_grid
from bleed_guard.host.closing import close_run
from bleed_guard.host.compositing import Rules
from bleed_guard.host.history import HISTORY
from bleed_guard.host.run import GuardRun, make_failed_record
from bleed_guard.host.telling import Told, add_line, withdraw
from bleed_guard.ui import panel

log = logging.getLogger("bleed_guard")
TITLE = "Bleed Guard"

UNEDITED = Change("init image", "edited outside the mask", "as given", REASONS["edited"])


def told_on_failure(hook: Callable[..., None]) -> Callable[..., None]:
    """Whatever fails in a hook: the generation goes on and the user learns it is not guarded."""

    @functools.wraps(hook)
    def run_hook(*args: Any, **kwargs: Any) -> None:
        given = (*args, *kwargs.values())
        try:
            hook(*args, **kwargs)
        except processing.UnmappableError as error:
            tell_not_guarded(given, str(error))
        except Exception as error:
            log.exception("Bleed Guard failed in %s", hook.__name__)
            tell_not_guarded(given, f"{type(error).__name__} in {hook.__name__}: {error}")

    return run_hook


def tell_not_guarded(given: tuple[Any, ...], reason: str) -> None:
    """In the log, under the gallery and in the tab: this image is not guarded, and why.

    `given` are the hook's arguments; the job is among them, as such or as what is saved of it.
    """
    log.warning("Bleed Guard: NOT GUARDED: %s", reason)
    jobs = [getattr(value, "p", value) for value in given]
    p = next((job for job in jobs if hasattr(job, "comment")), None)
    if p is None:
        return
    line = f"Bleed Guard: NOT GUARDED: {reason}"
    p.comment(line)
    processed = next((value for value in given if hasattr(value, "infotexts")), None)
    if processed is not None:  # the job's comments have been copied into it already
        processed.comments += f"{line}\n"
    try:
        add_line(p, line)
    except Exception:
        log.exception("Bleed Guard could not tell this in the reply that is shown")
    try:
        keep_failure(p, reason, is_over=processed is not None)
    except Exception:
        log.exception("Bleed Guard could not keep this in its history")


def keep_failure(p: Any, reason: str, *, is_over: bool) -> None:
    """The failure in the image's infotext and, once the job is over, in the owner's history."""
    infotext.write_failure(p.extra_generation_params, reason)
    run = read_run(p)
    if run is not None:
        run.fail_image(reason, run.index_of(p))
    if run is None or is_over:
        record = run.record if run else make_failed_record(reason)
        HISTORY.add(replace(record, owner=processing.read_owner(p)))


def tell_at_once(plan: GuardPlan) -> None:
    """What makes the host fail is told before it does: none of the later hooks will run."""
    for finding in plan.findings:
        if finding.severity is Severity.ERROR:
            log.error("Bleed Guard: %s", finding.text)


def read_run(p: Any) -> GuardRun | None:
    return getattr(p, "bleed_guard_run", None)


def read_settings(p: Any, args: tuple[Any, ...]) -> ParsedSettings:
    """The settings that were asked for, by the panel, the API or an axis of a grid."""
    known = presets.load_all()
    default = options.default_settings(known)
    parsed = ParsedSettings(default, ())
    if args:
        parsed = GuardSettings.from_args(args, known, default)
    return parsed._replace(settings=xyz_grid.apply_axes(p, parsed.settings))


def keep_protection(asked: GuardSettings) -> tuple[GuardSettings, tuple[Change, ...]]:
    """The settings of this run; where the server's owner is strict, protection stays on, and
    what was asked for instead is a change that is told."""
    if not compat.flag("bleed_guard_strict", False):
        return asked, ()
    kept = {"enabled": True, "paste_back": True, "protect": Protection.HARD.value}
    changes = (
        Change(SETTINGS[name].label, getattr(asked, name), value, REASONS["strict"])
        for name, value in kept.items()
        if getattr(asked, name) != value
    )
    return replace(asked, **kept), tuple(changes)


def begin(p: Any, args: tuple[Any, ...], *, origin: Any = None, is_running: bool = False) -> None:
    """Plan how this inpaint is guarded, write that to it and begin the run.

    `origin`: what the loops before began with, if this one begins with less of it.
    `is_running`: the host has begun it already, but not yet looked at its pictures.
    """
    p.bleed_guard_run = p.bleed_guard_inputs = None
    p.bleed_guard_run = _plan_run(p, args, origin, is_running=is_running)
    p.bleed_guard_inputs = processing.read_inputs(p)


def _plan_run(p: Any, args: tuple[Any, ...], origin: Any, *, is_running: bool) -> GuardRun | None:
    asked, complaints = read_settings(p, args)
    settings, kept = keep_protection(asked)
    is_alone = settings.enabled and not processing.is_nested(p, is_running=is_running)
    selected = processing.read_selected(p)
    is_tiled = selected.lower() in processing.TILING_TITLES
    if is_alone and is_tiled:
        tell_mask_unused(p, selected)
    job = processing.read_job(p) if is_alone and not is_tiled else None
    if job is None:
        return None
    processing.forget_earlier_job(p)
    job, own, unedited = keep_picture(p, job, settings)
    own = own or origin
    plan = plan_guard(job, settings)
    before = processing.read_fields(p)
    prepared = processing.prepare_inputs(p, plan.job)
    processing.apply_plan(p, plan)
    plan = replace(plan, changes=(*kept, *unedited, *prepared, *plan.changes))
    replaced = processing.find_replaced(p, before)
    tell_at_once(plan)
    return GuardRun(Rules(settings, job, plan, own), complaints, replaced, own or p.init_images[0])


def keep_picture(
    p: Any, job: InpaintJob, settings: GuardSettings
) -> tuple[InpaintJob, Any, tuple[Change, ...]]:
    """The job; the user's own picture, where the host was given one that a sketch, a filling or
    another extension has changed outside the mask; and the change that is, if it is told."""
    edited = processing.read_edited(p, job.mask)
    told: tuple[Change, ...] = ()
    if edited.outside:
        is_forcing = settings.paste_back and settings.protect != Protection.NONE.value
        if is_forcing and processing.gives_user_picture(p):
            told = (UNEDITED,)
        else:  # what came in its place is what counts
            job, edited = replace(job, edited_before=edited.outside), processing.Edited()
    return job, processing.read_unsketched(p) or edited.own, told


def tell_mask_unused(p: Any, script: str) -> None:
    """A selected script puts masks of its own in the place of the user's: told once, if the user
    gave one; with none there is nothing to protect."""
    if processing.read_given(p)[0] is not None:
        processing.forget_given(p)
        raise processing.UnmappableError(
            f"{script} redraws the whole picture in tiles of its own and does not use the mask"
        )


class BleedGuardScript(scripts.Script):
    """Every pixel outside the mask is the original's. State lives on `p`, never here."""

    alwayson = True

    def __init__(self) -> None:
        self.section = "inpaint" if options.read("panel_place") == "inpaint section" else None

    def title(self) -> str:
        return TITLE

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible if is_img2img else False

    def ui(self, is_img2img: bool) -> list[Any]:
        if options.read("hide_panel"):
            return []
        step = compat.size_step()
        made = panel.build_panel(options.default_settings(), presets.shared_store(), step)
        self.infotext_fields, self.paste_field_names = infotext.paste_fields(made, presets.load_all)
        return made

    def setup(self, p: Any = None, *args: Any) -> None:
        """No net under it: the guard works without."""
        if p is not None:
            p.bleed_guard_given = processing.read_inputs(p)
            p.bleed_guard_told = Told()  # before a script makes copies of p

    @told_on_failure
    def before_process(self, p: Any = None, *args: Any) -> None:
        earlier, origin = read_run(p), None
        if earlier is not None:
            origin = earlier.find_origin(p.init_images)
            withdraw(p)
            p.bleed_guard_run = None  # of this job's last file or loop, or of the one around it
            processing.forget_given(p)
            if processing.is_nested(p):  # a copy: the entries stay those of the one around it
                p.extra_generation_params = dict(p.extra_generation_params)
            else:
                processing.take_back(p, earlier.replaced)
            infotext.clear(p.extra_generation_params)
        if getattr(p, "image_mask", None) is not None:
            begin(p, args, origin=origin)
        elif p is not None:
            p.bleed_guard_inputs = ()  # another extension may give it a mask yet

    @told_on_failure
    def process(self, p: Any = None, *args: Any) -> None:
        if getattr(p, "image_mask", None) is None:
            return
        run, inputs = read_run(p), getattr(p, "bleed_guard_inputs", None)
        if inputs is not None and not processing.are_same(inputs, processing.read_inputs(p)):
            if run is not None:  # the mask or the picture is another extension's by now
                processing.take_back(p, run.replaced, inputs)
            begin(p, args, is_running=True)
        elif run is not None and run.settle_size((int(p.width), int(p.height))):
            tell_at_once(run.rules.plan)

    @told_on_failure
    def postprocess_batch_list(self, p: Any = None, pp: Any = None, *args: Any, **_: Any) -> None:
        run = read_run(p)
        if run is not None:
            run.look_at_batch(p, pp.images)

    @told_on_failure
    def postprocess_image(self, p: Any = None, pp: Any = None, *args: Any) -> None:
        run = read_run(p)
        if run is not None:
            run.look_at_decoded(p, pp.image)

    @told_on_failure
    def postprocess_maskoverlay(self, p: Any = None, ppmo: Any = None, *args: Any) -> None:
        run = read_run(p)
        if run is not None:
            run.supply_overlay(p, ppmo)

    @told_on_failure
    def postprocess_image_after_composite(self, p: Any = None, pp: Any = None, *args: Any) -> None:
        run = read_run(p)
        if run is not None and not run.has_failed:
            pp.image = run.finish_image(p, pp.image)
            rules, image = run.rules, run.current
            if image is not None and options.read("write_infotext"):
                infotext.write(
                    p.extra_generation_params,
                    rules.settings,
                    image,
                    rules.plan.changes,
                    rules.job.assembled_by or rules.job.varied_by,
                )
            elif image is not None:  # the image before may have failed, which is always told
                infotext.clear(p.extra_generation_params)

    @told_on_failure
    def postprocess(self, p: Any = None, processed: Any = None, *args: Any) -> None:
        run = read_run(p)
        if getattr(p, "image_mask", None) is not None and "before_process" in compat.find_losses():
            raise processing.UnmappableError("this host does not call before_process")
        if run is not None and processed.images:  # none amid a job, where ADetailer calls it
            lines = close_run(run, p, processed)
            if lines and options.read("tell_in_console"):
                print(lines[0])
            if run.record.images:  # none where the job was interrupted before the first
                HISTORY.add(run.record)


@told_on_failure
def before_image_saved(params: Any = None) -> None:
    run = read_run(getattr(params, "p", None))
    finished = files.find_result(run, params)
    if run is not None and finished is not None:
        files.prepare_save(run, finished, params)


@told_on_failure
def image_saved(params: Any = None) -> None:
    run = read_run(getattr(params, "p", None))
    finished = files.find_result(run, params)
    if run is not None and finished is not None:
        files.check_saved(run, finished, params)
