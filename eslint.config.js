"use strict";

const js = require("@eslint/js");

const readonly = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

/** What a page has; below it what the WebUI's page adds (declared in types/webui.d.ts). */
const page = readonly(
    "window", "document", "navigator", "location", "console", "performance", "localStorage",
    "setTimeout", "clearTimeout", "setInterval", "clearInterval", "queueMicrotask",
    "requestAnimationFrame", "cancelAnimationFrame", "requestIdleCallback", "getComputedStyle",
    "matchMedia", "fetch", "URL", "Blob", "File", "FileReader", "DataTransfer", "Image", "ImageData",
    "createImageBitmap", "OffscreenCanvas", "Event", "CustomEvent", "InputEvent",
    "KeyboardEvent", "PointerEvent", "WheelEvent", "MutationObserver", "ResizeObserver", "IntersectionObserver",
    "AbortController", "HTMLElement", "HTMLInputElement", "HTMLTextAreaElement", "HTMLImageElement",
    "HTMLCanvasElement", "HTMLButtonElement", "HTMLSelectElement", "Element", "Node", "Document",
    "DOMParser", "DOMMatrix", "DOMPoint", "DOMRect", "CSS", "ClipboardItem", "customElements",
    "crypto", "globalThis",
);
const webui = [
    "gradioApp", "onUiLoaded", "onAfterUiUpdate", "onUiUpdate", "onOptionsChanged", "updateInput",
    "get_uiCurrentTabContent", "opts", "getTranslation",
];
const node = readonly(
    "require", "module", "process", "console", "__dirname", "setTimeout", "clearTimeout",
    "setImmediate", "globalThis", "URL",
);

const strict = {
    ...js.configs.recommended.rules,
    "complexity": ["error", 8],
    "curly": ["error", "multi-line"],
    "eqeqeq": "error",
    "max-len": ["error", { code: 100, ignoreUrls: true }],
    "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true }],
    "no-implicit-globals": "error",
    "no-shadow": "error",
    "no-var": "error",
    "prefer-const": "error",
};

module.exports = [
    { ignores: [".venvs/", "out/", "**/vendor/"] },
    {
        files: ["javascript/**/*.js"],
        languageOptions: {
            ecmaVersion: 2022,
            sourceType: "script",
            globals: { ...page, ...readonly(...webui), module: "readonly" },
        },
        rules: strict,
    },
    {
        // The page's side: its functions and vars are what the page and extensions call and read.
        files: ["minihost/**/*.js"],
        languageOptions: {
            ecmaVersion: 2022,
            sourceType: "script",
            globals: { ...page, ...Object.fromEntries(webui.map((name) => [name, "writable"])) },
        },
        rules: {
            ...strict,
            "no-implicit-globals": "off",
            "no-redeclare": ["error", { builtinGlobals: false }],
            "no-undef": "off",
            "no-unused-vars": ["error", { vars: "local" }],
            "no-var": "off",
        },
    },
    {
        files: ["tests/js/**/*.js", "eslint.config.js"],
        languageOptions: { ecmaVersion: 2022, sourceType: "commonjs", globals: node },
        rules: { ...strict, "max-lines-per-function": "off", "no-implicit-globals": "off" },
    },
    {
        files: ["tests/js/**/*.mjs"],
        languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: node },
        rules: { ...strict, "max-lines-per-function": "off", "no-implicit-globals": "off" },
    },
];
