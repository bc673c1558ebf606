"use strict";

/*
 * The hosts' JavaScript interface for extensions: the same names, so that an extension's script
 * finds them. Everything here is global on purpose.
 */

/**
 * The node all queries start from: the page itself on both Gradios, with getElementById.
 * @returns {Document | HTMLElement | ShadowRoot}
 */
function gradioApp() {
  const app = document.getElementsByTagName("gradio-app")[0];
  if (!app) return document;
  if (app.shadowRoot) return app.shadowRoot;
  app.getElementById = (/** @type {string} */ id) => document.getElementById(id);
  return app;
}

/** The selected top-level tab's button. @returns {HTMLElement | null} */
function get_uiCurrentTab() {
  return gradioApp().querySelector("#tabs > .tab-nav > button.selected");
}

/** The visible top-level tab's content. @returns {HTMLElement | null} */
function get_uiCurrentTabContent() {
  return gradioApp().querySelector(
    '#tabs > .tabitem[id^=tab_]:not([style*="display: none"])',
  );
}

/** @type {Function[]} */
var uiUpdateCallbacks = [];
/** @type {Function[]} */
var uiAfterUpdateCallbacks = [];
/** @type {Function[]} */
var uiLoadedCallbacks = [];
/** @type {Function[]} */
var uiTabChangeCallbacks = [];
/** @type {Function[]} */
var optionsChangedCallbacks = [];
/** @type {HTMLElement | null} */
var uiCurrentTab = null;
/** @type {Record<string, any>} */
var opts = {};

/** Call back on every change of the page. @param {(records: MutationRecord[]) => void} callback */
function onUiUpdate(callback) {
  uiUpdateCallbacks.push(callback);
}

/** Call back soon after changes of the page, once for many. @param {() => void} callback */
function onAfterUiUpdate(callback) {
  uiAfterUpdateCallbacks.push(callback);
}

/** Call back once, when the page is built. @param {() => void} callback */
function onUiLoaded(callback) {
  uiLoadedCallbacks.push(callback);
}

/** Call back when another top-level tab is shown. @param {() => void} callback */
function onUiTabChange(callback) {
  uiTabChangeCallbacks.push(callback);
}

/** Call back when settings were loaded or changed. @param {() => void} callback */
function onOptionsChanged(callback) {
  optionsChangedCallbacks.push(callback);
}

/** @param {Function[]} queue @param {unknown} [argument] */
function executeCallbacks(queue, argument) {
  for (const callback of queue) {
    try {
      callback(argument);
    } catch (error) {
      console.error("error running callback", callback, ":", error);
    }
  }
}

const AFTER_UPDATE_MS = 200;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let afterUpdateTimer;
let hasLoaded = false;

/** @param {MutationRecord[]} records */
function onPageMutation(records) {
  if (!hasLoaded && gradioApp().querySelector("#txt2img_prompt")) {
    hasLoaded = true;
    executeCallbacks(uiLoadedCallbacks);
  }
  executeCallbacks(uiUpdateCallbacks, records);
  clearTimeout(afterUpdateTimer);
  afterUpdateTimer = setTimeout(() => executeCallbacks(uiAfterUpdateCallbacks), AFTER_UPDATE_MS);
  const tab = get_uiCurrentTab();
  if (tab && tab !== uiCurrentTab) {
    uiCurrentTab = tab;
    executeCallbacks(uiTabChangeCallbacks);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver(onPageMutation).observe(gradioApp(), { childList: true, subtree: true });
});

/**
 * Tell Gradio that a script changed an input's value.
 * @param {HTMLInputElement | HTMLTextAreaElement} target
 */
function updateInput(target) {
  const event = new Event("input", { bubbles: true });
  Object.defineProperty(event, "target", { value: target });
  target.dispatchEvent(event);
}

/** @type {Record<string, ReturnType<typeof setTimeout>>} */
const editTimers = {};

/**
 * Call `func` when an input was left alone for `afterMs` after an edit.
 * @param {string} editId @param {HTMLElement} elem @param {number} afterMs @param {() => void} func
 */
function onEdit(editId, elem, afterMs, func) {
  const edited = () => {
    clearTimeout(editTimers[editId]);
    editTimers[editId] = setTimeout(func, afterMs);
  };
  elem.addEventListener("input", edited);
  return edited;
}

/** Whether neither the element nor anything around it is hidden. @param {any} element */
function uiElementIsVisible(element) {
  if (element === document) return true;
  if (getComputedStyle(element).display === "none") return false;
  return uiElementIsVisible(element.parentNode);
}

/** Whether the element is within the window's height. @param {HTMLElement} element */
function uiElementInSight(element) {
  const box = element.getBoundingClientRect();
  return box.bottom > 0 && box.top < window.innerHeight;
}

/** @param {string} key @param {string} value */
function localSet(key, value) {
  localStorage.setItem(key, value);
}

/** @param {string} key @param {string} [fallback] */
function localGet(key, fallback) {
  return localStorage.getItem(key) ?? fallback;
}

/** @param {string} key */
function localRemove(key) {
  localStorage.removeItem(key);
}

/* Settings: a hidden textarea holds them as JSON; `opts` follows it. */

/**
 * Call `onSet` whenever a script (Gradio's included) sets an input's value.
 * @param {HTMLTextAreaElement} textarea @param {(value: string) => void} onSet
 */
function watchValue(textarea, onSet) {
  const native = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  Object.defineProperty(textarea, "value", {
    configurable: true,
    get: () => native?.get?.call(textarea),
    set: (value) => {
      native?.set?.call(textarea, value);
      onSet(value);
    },
  });
}

onAfterUiUpdate(() => {
  if (Object.keys(opts).length) return;
  /** @type {HTMLTextAreaElement | null} */
  const textarea = gradioApp().querySelector("#settings_json textarea");
  if (!textarea?.value) return;
  opts = JSON.parse(textarea.value);
  executeCallbacks(optionsChangedCallbacks);
  watchValue(textarea, (value) => {
    if (value) opts = JSON.parse(value);
    executeCallbacks(optionsChangedCallbacks);
  });
});

/* Tooltips: the page's configuration carries them beside each component. */

onUiLoaded(() => {
  for (const component of window["gradio_config"].components) {
    const id = component.props.elem_id || `component-${component.id}`;
    const tooltip = component.webui_tooltip || component.props.webui_tooltip;
    const element = tooltip && gradioApp().getElementById(id);
    if (element) element.title = tooltip;
  }
});

/* Input accordions: a checkbox in the label stands for the hidden one Gradio knows. */

/** @param {string} id @param {boolean} checked */
function inputAccordionChecked(id, checked) {
  const accordion = gradioApp().getElementById(id);
  accordion?.onChecked?.(checked);
}

/** @param {any} accordion */
function setupAccordion(accordion) {
  const label = accordion.querySelector(".label-wrap");
  const hidden = gradioApp().querySelector(`#${accordion.id}-checkbox input`);
  const extra = gradioApp().querySelector(`#${accordion.id}-extra`);
  const box = document.createElement("input");
  box.type = "checkbox";
  box.id = `${accordion.id}-visible-checkbox`;
  box.className = `${hidden.className} input-accordion-checkbox`;
  const isOpen = () => label.classList.contains("open");
  const send = () => {
    if (hidden.checked === box.checked) return;
    hidden.checked = box.checked;
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
    updateInput(hidden);
  };
  accordion.visibleCheckbox = box;
  accordion.onChecked = (/** @type {boolean} */ checked) => {
    box.checked = checked;
    if (isOpen() !== checked) label.click();
  };
  accordion.onVisibleCheckboxChange = () => {
    if (isOpen() !== box.checked) label.click();
    send();
  };
  box.checked = isOpen();
  box.addEventListener("click", (event) => event.stopPropagation());
  box.addEventListener("input", accordion.onVisibleCheckboxChange);
  new MutationObserver(() => {
    accordion.classList.toggle("input-accordion-open", isOpen());
    box.checked = isOpen();
    send();
  }).observe(label, { attributes: true, attributeFilter: ["class"] });
  label.querySelector("span").prepend(box);
  if (extra) label.insertBefore(extra, label.lastElementChild);
}

onUiLoaded(() => gradioApp().querySelectorAll(".input-accordion").forEach(setupAccordion));
