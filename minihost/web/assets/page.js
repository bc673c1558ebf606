"use strict";

/* What the page's own buttons do in the browser: submitting, progress, galleries, tabs. */

const POLL_MS = 250;
const PANEL_OUTPUTS = 4; // Gradio hands over a button's outputs behind its inputs

/** Whether the page is built by gradio 4 or later. */
function isGradio4() {
  return parseInt(window["gradio_config"].version, 10) >= 4;
}

/* Galleries */

/** Small pictures of the gallery on the visible tab. @returns {HTMLElement[]} */
function all_gallery_buttons() {
  const selector = "div[id$=_gallery].gradio-gallery .thumbnails > .thumbnail-item.thumbnail-small";
  /** @type {HTMLElement[]} */
  const buttons = [...gradioApp().querySelectorAll(selector)];
  return buttons.filter((button) => button.parentElement?.offsetParent);
}

/** @returns {HTMLElement | null} */
function selected_gallery_button() {
  return all_gallery_buttons().find((button) => button.classList.contains("selected")) ?? null;
}

/** @returns {number} */
function selected_gallery_index() {
  return all_gallery_buttons().findIndex((button) => button.classList.contains("selected"));
}

/** The selected picture of a gallery's value, in the form the next function takes. */
function extract_image_from_gallery(gallery) {
  if (!gallery?.length) return [null];
  const selected = selected_gallery_index();
  const picture = gallery[selected >= 0 && selected < gallery.length ? selected : 0];
  return isGradio4() ? [[picture]] : [picture];
}

for (const tab of ["txt2img", "img2img"]) {
  onUiLoaded(() => {
    const gallery = gradioApp().getElementById(`${tab}_gallery`);
    const refresh = () => gradioApp().getElementById(`${tab}_generation_info_button`)?.click();
    gallery?.addEventListener("click", refresh);
    gallery?.addEventListener("keydown", (event) => {
      if (["ArrowLeft", "ArrowRight"].includes(event.key)) refresh();
    });
  });
}

/* Tabs */

/** @param {string} id Tab's id as the hosts know it. */
function switchToTab(id) {
  const items = [...gradioApp().querySelectorAll("#tabs > .tabitem")];
  const place = items.findIndex((item) => item.id === `tab_${id}`);
  gradioApp().querySelectorAll("#tabs > .tab-nav > button")[place]?.click();
}

/** @param {number} place */
function switch_to_img2img_tab(place) {
  switchToTab("img2img");
  gradioApp().querySelectorAll("#mode_img2img > .tab-nav > button")[place]?.click();
}

function switch_to_txt2img() {
  switchToTab("txt2img");
  return Array.from(arguments);
}

function switch_to_img2img() {
  switch_to_img2img_tab(0);
  return Array.from(arguments);
}

function switch_to_sketch() {
  switch_to_img2img_tab(1);
  return Array.from(arguments);
}

function switch_to_inpaint() {
  switch_to_img2img_tab(2);
  return Array.from(arguments);
}

function switch_to_inpaint_sketch() {
  switch_to_img2img_tab(3);
  return Array.from(arguments);
}

function switch_to_extras() {
  switchToTab("extras");
  return Array.from(arguments);
}

/** Place of the selected tab among those of `tabId`. @param {string} tabId */
function get_tab_index(tabId) {
  const buttons = [...gradioApp().querySelectorAll(`#${tabId} > .tab-nav > button`)];
  return Math.max(0, buttons.findIndex((button) => button.classList.contains("selected")));
}

/* Called by the paste buttons: real hosts count the prompts' tokens here. */

function recalculate_prompts_txt2img() {
  return Array.from(arguments);
}

function recalculate_prompts_img2img() {
  return Array.from(arguments);
}

function recalculate_prompts_inpaint() {
  return Array.from(arguments);
}

/* Submitting */

function randomId() {
  return `task(${crypto.getRandomValues(new Uint32Array(3)).join("").slice(0, 15)})`;
}

/** @param {string} tab @param {boolean} isReady */
function showSubmitButtons(tab, isReady) {
  const show = (/** @type {string} */ name, /** @type {boolean} */ visible) => {
    const button = gradioApp().getElementById(`${tab}_${name}`);
    if (button) button.style.display = visible ? "block" : "none";
  };
  show("interrupt", !isReady);
  show("skip", !isReady);
  show("interrupting", false);
}

/** @param {string} tab */
function showSubmitInterruptingPlaceholder(tab) {
  gradioApp().getElementById(`${tab}_interrupt`).style.display = "none";
  gradioApp().getElementById(`${tab}_interrupting`).style.display = "block";
}

/** @param {string} url @param {unknown} data */
async function postJson(url, data) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(data) });
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return answer.json();
}

/**
 * Show a bar above `container` until a task is over, then call `atEnd`.
 * @param {string} id @param {HTMLElement} container @param {() => void} atEnd
 */
async function requestProgress(id, container, atEnd) {
  const bar = document.createElement("div");
  bar.className = "progressDiv";
  const inner = document.createElement("div");
  inner.className = "progress";
  bar.append(inner);
  container.before(bar);
  try {
    await untilCompleted(id, (share) => (inner.style.width = `${share * 100}%`));
  } catch (error) {
    console.error("progress of the task is unknown:", error);
  }
  bar.remove();
  atEnd();
}

/** @param {string} id @param {(share: number) => void} tell */
async function untilCompleted(id, tell) {
  for (let wasActive = false; ; ) {
    const state = await postJson("./internal/progress", { id_task: id, live_preview: false });
    if (state.completed || (wasActive && !state.active)) return;
    wasActive ||= state.active;
    tell(state.progress ?? 0);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** @param {string} tab @param {IArguments} values */
function submitTab(tab, values) {
  const id = randomId();
  showSubmitButtons(tab, false);
  const container = gradioApp().getElementById(`${tab}_gallery_container`);
  requestProgress(id, container, () => showSubmitButtons(tab, true));
  const inputs = Array.from(values).slice(0, -PANEL_OUTPUTS);
  inputs[0] = id;
  return inputs;
}

function submit() {
  return submitTab("txt2img", arguments);
}

function submit_img2img() {
  const inputs = submitTab("img2img", arguments);
  inputs[1] = get_tab_index("mode_img2img");
  return inputs;
}

document.addEventListener("keydown", (event) => {
  const content = get_uiCurrentTabContent();
  const press = (/** @type {string} */ name) => {
    const button = content?.querySelector(`button[id$=_${name}]`);
    if (!button) return;
    event.preventDefault();
    button.click();
  };
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) press("generate");
  else if (event.key === "Enter" && event.altKey) press("skip");
});

/* Sizes */

/** @param {string} tab */
function switchWidthHeight(tab) {
  const width = gradioApp().querySelector(`#${tab}_width input[type=number]`);
  const height = gradioApp().querySelector(`#${tab}_height input[type=number]`);
  [width.value, height.value] = [height.value, width.value];
  updateInput(width);
  updateInput(height);
  return [];
}

/** Size of the picture on the visible img2img page, 0 x 0 without one. */
function currentImg2imgSourceResolution(_width, _height, scaleBy) {
  const pages = [...gradioApp().querySelectorAll("#mode_img2img > .tabitem")];
  const page = pages.find((item) => item.offsetParent);
  /** @type {HTMLImageElement | null | undefined} */
  const picture = page?.querySelector("img.minihost-canvas-image, img");
  const size = picture?.naturalWidth ? [picture.naturalWidth, picture.naturalHeight] : [0, 0];
  return [...size, scaleBy];
}

/* A starting mask on gradio 3, whose image editor cannot be given one: painted with its brush. */

/** @param {HTMLCanvasElement} canvas @param {number[][]} path In the picture's pixels. */
function paintPath(canvas, path) {
  const box = canvas.getBoundingClientRect();
  const scale = box.width / (canvas.width / (window.devicePixelRatio || 1));
  const send = (/** @type {string} */ name, /** @type {number[]} */ [x, y]) => {
    const place = { clientX: box.left + x * scale, clientY: box.top + y * scale };
    canvas.dispatchEvent(new MouseEvent(name, { ...place, bubbles: true, button: 0 }));
  };
  const closed = [...path, path[0], path[1]];
  send("mousedown", closed[0]);
  for (const point of closed) send("mousemove", point);
  send("mouseup", closed[closed.length - 1]);
}

onUiLoaded(() => {
  const plan = gradioApp().getElementById("minihost_strokes");
  if (!plan) return;
  const paint = () => {
    const canvas = gradioApp().querySelector("#img2maskimg canvas[key=interface]");
    if (!canvas || canvas.getBoundingClientRect().width < 2) return setTimeout(paint, POLL_MS);
    for (const path of JSON.parse(plan.dataset.strokes)) paintPath(canvas, path);
  };
  setTimeout(paint, POLL_MS * 2);
});

/* Reload UI */

function restart_reload() {
  const note = document.createElement("h1");
  note.textContent = "Reloading...";
  note.className = "minihost-reloading";
  document.body.replaceChildren(note);
  const ping = () =>
    fetch("./internal/ping").then(
      (answer) => (answer.ok ? location.reload() : setTimeout(ping, POLL_MS)),
      () => setTimeout(ping, POLL_MS),
    );
  setTimeout(ping, 2000);
  return [];
}
