"use strict";

/*
 * Translates the page's own words as the hosts do: a text that is a key of window.localization is
 * replaced wherever it stands, in text, placeholders and tooltips, now and when it appears later.
 */

const UNTRANSLATED =
  "script, style, textarea, .prompt, .infotext, .gradio-gallery, [data-no-translate]";
const TRANSLATED_ATTRIBUTES = ["placeholder", "title", "aria-label"];

/** @param {string} text @returns {string | undefined} */
function getTranslation(text) {
  const key = text?.trim();
  const table = window["localization"] ?? {};
  return key && Object.hasOwn(table, key) ? table[key] : undefined;
}

/** @param {Text} node */
function translateText(node) {
  const translation = getTranslation(node.textContent ?? "");
  if (translation === undefined || node.parentElement?.closest(UNTRANSLATED)) return;
  if (node.textContent !== translation) node.textContent = translation;
}

/** @param {Element} element */
function translateAttributes(element) {
  for (const name of TRANSLATED_ATTRIBUTES) {
    const translation = getTranslation(element.getAttribute(name) ?? "");
    if (translation !== undefined) element.setAttribute(name, translation);
  }
}

/** @param {Node} root */
function translateTree(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.currentNode; node; node = /** @type {Node} */ (walker.nextNode())) {
    if (node instanceof Text) translateText(node);
    else if (node instanceof Element) translateAttributes(node);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  if (!Object.keys(window["localization"] ?? {}).length) return;
  onUiUpdate((records) => {
    for (const record of records) record.addedNodes.forEach(translateTree);
  });
  onUiLoaded(() => translateTree(gradioApp()));
});
