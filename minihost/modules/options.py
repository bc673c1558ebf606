"""Settings: what describes one, and the store that holds them all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from modules import errors
from modules.shared_cmd_options import cmd_opts

Section = tuple[str | None, str]


class OptionInfo:
    """One setting: default, label, component of the settings page, and its section.

    Args:
        onchange: Called without arguments after the value changed.
        refresh: Gives new component arguments for the button beside the component.
        infotext: Name in infotexts; such a setting can be overridden by a pasted infotext.
        restrict_api: The API cannot change it.
        category_id: Heading the section stands under, see `categories`.
    """

    def __init__(
        self,
        default: Any = None,
        label: str = "",
        component: Callable[..., Any] | None = None,
        component_args: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
        onchange: Callable[[], Any] | None = None,
        section: Section | None = None,
        refresh: Callable[[], Any] | None = None,
        comment_before: str = "",
        comment_after: str = "",
        infotext: str | None = None,
        restrict_api: bool = False,
        category_id: str | None = None,
    ) -> None:
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.onchange = onchange
        self.section = section
        self.category_id = category_id
        self.refresh = refresh
        self.do_not_save = False
        self.comment_before = comment_before
        self.comment_after = comment_after
        self.infotext = infotext
        self.restrict_api = restrict_api

    def link(self, label: str, url: str) -> OptionInfo:
        """Adds a link before the label."""
        self.comment_before += f"[<a href='{url}' target='_blank'>{label}</a>]"
        return self

    def js(self, label: str, js_func: str) -> OptionInfo:
        """Adds a link before the label that calls a JavaScript function of the page."""
        self.comment_before += f"[<a onclick='{js_func}(); return false'>{label}</a>]"
        return self

    def info(self, info: str) -> OptionInfo:
        """Adds a remark after the label."""
        self.comment_after += f"<span class='info'>({info})</span>"
        return self

    def html(self, html: str) -> OptionInfo:
        """Adds HTML after the label."""
        self.comment_after += html
        return self

    def needs_restart(self) -> OptionInfo:
        """Tells that the host must be restarted."""
        self.comment_after += " <span class='info'>(requires restart)</span>"
        return self

    def needs_reload_ui(self) -> OptionInfo:
        """Tells that the page must be rebuilt."""
        self.comment_after += " <span class='info'>(requires Reload UI)</span>"
        return self


def _settings_text(**kwargs: Any) -> Any:
    import gradio

    return gradio.HTML(elem_classes="settings-info", **kwargs)


class OptionHTML(OptionInfo):
    """Text of the settings page that stores nothing."""

    def __init__(self, text: str) -> None:
        super().__init__(str(text).strip(), label="", component=_settings_text)
        self.do_not_save = True


def options_section(
    section_identifier: tuple[Any, ...], options_dict: dict[str, OptionInfo]
) -> dict[str, OptionInfo]:
    """Puts all the options into the section (id, label) or (id, label, category)."""
    for info in options_dict.values():
        info.section = section_identifier[:2]
        if len(section_identifier) == 3:
            info.category_id = section_identifier[2]
    return options_dict


options_builtin_fields = {"data_labels", "data", "restricted_opts", "typemap"}


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]


class Options:
    """All settings by name: `opts.samples_format` reads, assignment writes.

    `data` holds what the config file holds plus what was set since: after reading no file it
    is EMPTY and reads fall back to the defaults. Overrides of a request are undone only for
    names in `data`, so on a fresh config they stay: the override leak of the real hosts.
    """

    typemap: ClassVar[dict[type, type]] = {int: float}

    def __init__(self, data_labels: dict[str, OptionInfo], restricted_opts: set[str]) -> None:
        self.data_labels = data_labels
        self.data: dict[str, Any] = {
            key: info.default for key, info in data_labels.items() if not info.do_not_save
        }
        self.restricted_opts = restricted_opts

    def __setattr__(self, key: str, value: Any) -> None:
        known = key not in options_builtin_fields and (key in self.data or key in self.data_labels)
        if not known:
            super().__setattr__(key, value)
            return
        info = self.data_labels.get(key)
        if info is None or not info.do_not_save:
            self._refuse_frozen(key, info)
            self.data[key] = value

    def _refuse_frozen(self, key: str, info: OptionInfo | None) -> None:
        assert not cmd_opts.freeze_settings, "changing settings is disabled"
        arguments = info.component_args if info else None
        if isinstance(arguments, Mapping) and arguments.get("visible", True) is False:
            raise RuntimeError(f"not possible to set '{key}' because it is restricted")
        sections = _listed(cmd_opts.freeze_settings_in_sections)
        section = (info.section or (None, ""))[0] if info else None
        assert section not in sections, f"settings in section '{section}' are frozen"
        frozen = _listed(cmd_opts.freeze_specific_settings)
        assert key not in frozen, f"not possible to set '{key}' because it is frozen"
        if cmd_opts.hide_ui_dir_config and key in self.restricted_opts:
            raise RuntimeError(f"not possible to set '{key}' with --hide-ui-dir-config")

    def __getattr__(self, item: str) -> Any:
        if item in options_builtin_fields:
            raise AttributeError(item)
        if item in self.data:
            return self.data[item]
        if item in self.data_labels:
            return self.data_labels[item].default
        raise AttributeError(f"there is no setting {item!r}")

    def set(self, key: str, value: Any, is_api: bool = False, run_callbacks: bool = True) -> bool:
        """Sets one option and calls its `onchange`; True if the value changed.

        Raises:
            KeyError: There is no such setting.
        """
        old = self.data.get(key)
        if old == value:
            return False
        option = self.data_labels[key]
        if option.do_not_save or (is_api and option.restrict_api):
            return False
        try:
            setattr(self, key, value)
        except RuntimeError:
            return False
        return self._called_onchange(key, old) if run_callbacks else True

    def _called_onchange(self, key: str, old: Any) -> bool:
        onchange = self.data_labels[key].onchange
        if onchange is None:
            return True
        try:
            onchange()
        except Exception as error:
            errors.display(error, f"changing setting {key}")
            setattr(self, key, old)
            return False
        return True

    def get_default(self, key: str) -> Any:
        """The setting's default, None if there is no such setting."""
        info = self.data_labels.get(key)
        return None if info is None else info.default

    def save(self, filename: str) -> None:
        """Writes `data` as JSON."""
        assert not cmd_opts.freeze_settings, "saving settings is disabled"
        text = json.dumps(self.data, indent=4, ensure_ascii=False)
        Path(filename).write_text(text, encoding="utf-8")

    def same_type(self, x: Any, y: Any) -> bool:
        """Whether both have one type, int and float being one and None being any."""
        if x is None or y is None:
            return True
        return self.typemap.get(type(x), type(x)) == self.typemap.get(type(y), type(y))

    def load(self, filename: str) -> None:
        """Replaces `data` by the file's; no file, or a broken one, leaves it empty."""
        path = Path(filename)
        try:
            self.data = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.data = {}
        except ValueError:
            kept = path.with_suffix(".broken.json")
            path.replace(kept)
            errors.report(f"Could not read the settings; they are kept as {kept.name}.")
            self.data = {}
        for key, value in self.data.items():
            info = self.data_labels.get(key)
            if info is not None and not self.same_type(info.default, value):
                print(f"Warning: bad setting value: {key}: {value!r}", file=sys.stderr)

    def onchange(self, key: str, func: Callable[[], Any], call: bool = True) -> None:
        """Makes `func` the setting's `onchange`, and calls it."""
        self.data_labels[key].onchange = func
        if call:
            func()

    def dumpjson(self) -> str:
        """Settings, comments and categories as the page's JavaScript reads them."""
        labels = self.data_labels
        dumped: dict[str, Any] = {k: self.data.get(k, v.default) for k, v in labels.items()}
        dumped["_comments_before"] = {k: v.comment_before for k, v in labels.items()}
        dumped["_comments_after"] = {k: v.comment_after for k, v in labels.items()}
        headings: dict[str, str] = {}
        for info in labels.values():
            if info.section and info.section[0] is not None:
                category = categories.mapping.get(info.category_id or "")
                headings.setdefault(category.label if category else "Extensions", info.section[1])
        headed = [[section, category] for category, section in headings.items()]
        dumped["_categories"] = [*headed, ["Defaults", "Other"]]
        return json.dumps(dumped)

    def add_option(self, key: str, info: OptionInfo) -> None:
        """Adds an extension's setting; from now on it counts as stored."""
        self.data_labels[key] = info
        if key not in self.data and not info.do_not_save:
            self.data[key] = info.default

    def reorder(self) -> None:
        """Sorts by category in order of creation, then by the section's label."""
        of_section: dict[Any, str | None] = {}
        for info in self.data_labels.values():
            info.category_id = of_section.setdefault(info.section, info.category_id)
        order = list(categories.mapping)

        def key(item: tuple[str, OptionInfo]) -> tuple[int, str]:
            category = item[1].category_id
            place = order.index(category) if category in order else len(order)
            return place, (item[1].section or (None, ""))[1]

        self.data_labels = dict(sorted(self.data_labels.items(), key=key))

    def cast_value(self, key: str, value: Any) -> Any:
        """`value` as the type of the setting's default: "12" -> 12.

        Raises:
            ValueError: It cannot be read as that type.
        """
        default = self.data_labels[key].default
        default = getattr(self, key, None) if default is None else default
        if value is None or default is None:
            return None
        if isinstance(default, bool) and value == "False":
            return False
        return type(default)(value)


@dataclass
class OptionsCategory:
    """A heading on the settings page."""

    id: str
    label: str


class OptionsCategories:
    """The headings, in order of creation."""

    def __init__(self) -> None:
        self.mapping: dict[str, OptionsCategory] = {}

    def register_category(self, category_id: str, label: str) -> str:
        """Adds a heading unless there is one of that id; gives the id."""
        self.mapping.setdefault(category_id, OptionsCategory(category_id, label))
        return category_id


categories = OptionsCategories()


def names_of(options: Mapping[str, OptionInfo]) -> Iterable[tuple[str, str]]:
    """Pairs (infotext name, setting) of the settings that infotexts can hold."""
    return [(info.infotext, key) for key, info in options.items() if info.infotext]
