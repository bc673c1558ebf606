"use strict";

/*
 * The painter of the pages on gradio 4. As on Forge, two hidden textareas hold what Python gets:
 * the picture and the strokes over it, each a PNG data URL of the picture's size.
 */

const UNDO_STEPS = 20;

class PaintCanvas {
  /** @param {HTMLElement} root */
  constructor(root) {
    const page = root.closest(".tabitem") ?? document;
    const id = root.dataset.canvas;
    this.root = root;
    this.isPaintable = root.dataset.kind !== "picture";
    /** @type {HTMLTextAreaElement} */
    this.background = page.querySelector(`#${id}_background textarea`);
    /** @type {HTMLTextAreaElement} */
    this.foreground = page.querySelector(`#${id}_foreground textarea`);
    /** @type {HTMLImageElement} */
    this.image = root.querySelector(".minihost-canvas-image");
    /** @type {HTMLCanvasElement} */
    this.canvas = root.querySelector(".minihost-canvas-paint");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    /** @type {ImageData[]} */
    this.undoable = [];
    this.connect();
    this.showPicture(this.background.value);
  }

  /** @param {string} name @returns {HTMLInputElement} */
  part(name) {
    return this.root.querySelector(`[data-part=${name}]`);
  }

  connect() {
    watchValue(this.background, (value) => this.showPicture(value));
    watchValue(this.foreground, (value) => this.showStrokes(value));
    this.part("upload").addEventListener("click", () => this.part("file").click());
    this.part("hint").addEventListener("click", () => this.part("file").click());
    const file = this.part("file");
    file.addEventListener("change", () => this.readFile(file.files?.[0]));
    this.part("remove").addEventListener("click", () => this.setPicture(""));
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.readFile(event.dataTransfer?.files[0]);
    });
    if (this.isPaintable) this.connectBrush();
  }

  connectBrush() {
    this.part("undo").addEventListener("click", () => this.undo());
    this.part("clear").addEventListener("click", () => this.clear());
    this.canvas.addEventListener("pointerdown", (event) => this.startStroke(event));
    this.canvas.addEventListener("pointermove", (event) => this.continueStroke(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => this.endStroke());
    }
  }

  /** @param {File | undefined} file */
  readFile(file) {
    if (!file?.type.startsWith("image/")) return;
    const reader = new FileReader();
    reader.onload = () => this.asPng(String(reader.result)).then((url) => this.setPicture(url));
    reader.readAsDataURL(file);
    this.part("file").value = "";
  }

  /** Python reads PNG only. @param {string} url @returns {Promise<string>} */
  async asPng(url) {
    if (url.startsWith("data:image/png;base64,")) return url;
    const picture = await loadImage(url);
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    canvas.getContext("2d")?.drawImage(picture, 0, 0);
    return canvas.toDataURL("image/png");
  }

  /** @param {string} url */
  setPicture(url) {
    this.background.value = url;
    updateInput(this.background);
  }

  /** @param {string} url */
  async showPicture(url) {
    this.shown = url;
    this.root.classList.toggle("minihost-canvas-empty", !url);
    if (!url) this.image.removeAttribute("src");
    else await this.fitTo(url);
  }

  /** @param {string} url */
  async fitTo(url) {
    const picture = await loadImage(url);
    if (this.shown !== url) return;
    this.image.src = url;
    const { naturalWidth: width, naturalHeight: height } = picture;
    if (this.canvas.width === width && this.canvas.height === height) return;
    const strokes = this.foreground.value && (await loadImage(this.foreground.value));
    this.canvas.width = width;
    this.canvas.height = height;
    this.undoable = [];
    const doFit = strokes && strokes.naturalWidth === width && strokes.naturalHeight === height;
    if (doFit) this.context.drawImage(strokes, 0, 0);
    this.store();
  }

  /** @param {string} url */
  async showStrokes(url) {
    if (url === this.stored) return;
    const strokes = url && (await loadImage(url));
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (strokes) this.context.drawImage(strokes, 0, 0);
    this.stored = url;
  }

  /** Hand the strokes to Python. */
  store() {
    this.stored = this.canvas.toDataURL("image/png");
    this.foreground.value = this.stored;
    updateInput(this.foreground);
  }

  /** Where the pointer is, in the picture's own pixels. @param {PointerEvent} event */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale, scale };
  }

  /** @param {PointerEvent} event */
  startStroke(event) {
    if (event.button !== 0 || !this.background.value) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.undoable.push(this.context.getImageData(0, 0, this.canvas.width, this.canvas.height));
    this.undoable.splice(0, this.undoable.length - UNDO_STEPS);
    this.last = this.place(event);
    this.continueStroke(event);
  }

  /** @param {PointerEvent} event */
  continueStroke(event) {
    if (!this.last) return;
    const next = this.place(event);
    const context = this.context;
    context.strokeStyle = this.part("colour").value;
    context.lineWidth = Number(this.part("size").value) * next.scale;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(this.last.x, this.last.y);
    context.lineTo(next.x, next.y);
    context.stroke();
    this.last = next;
  }

  endStroke() {
    if (!this.last) return;
    this.last = null;
    this.store();
  }

  undo() {
    const before = this.undoable.pop();
    if (!before) return;
    this.context.putImageData(before, 0, 0);
    this.store();
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.undoable = [];
    this.store();
  }
}

/** @param {string} url @returns {Promise<HTMLImageElement>} */
function loadImage(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("this file is no picture the browser can read"));
    image.src = url;
  });
}

onUiUpdate(() => {
  for (const root of document.querySelectorAll(".minihost-canvas:not([data-is-ready])")) {
    const page = root.closest(".tabitem");
    if (!page?.querySelector(`#${root.dataset.canvas}_foreground textarea`)) continue;
    root.dataset.isReady = "true";
    root.paintCanvas = new PaintCanvas(root);
  }
});
