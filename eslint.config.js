"use strict";

const js = require("@eslint/js");

const strict = {
    ...js.configs.recommended.rules,
    "complexity": ["error", 8],
    "curly": ["error", "multi-line"],
    "eqeqeq": "error",
    "max-len": ["error", { code: 100, ignoreUrls: true }],
    "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true }],
    "no-implicit-globals": "error",
    "no-shadow": "error",
    "no-undef": "off", // the type checker knows better: types/webui.d.ts
    "no-var": "error",
    "prefer-const": "error",
};
const outsideOfThePage = {
    ...strict,
    "max-lines-per-function": "off",
    "no-implicit-globals": "off",
};

module.exports = [
    { ignores: [".venvs/", "out/", "**/vendor/"] },
    {
        files: ["javascript/**/*.js"],
        languageOptions: { ecmaVersion: 2022, sourceType: "script" },
        rules: strict,
    },
    {
        // The page's side: its functions and vars are what the page and extensions call and read.
        files: ["minihost/**/*.js"],
        languageOptions: { ecmaVersion: 2022, sourceType: "script" },
        rules: {
            ...strict,
            "no-implicit-globals": "off",
            "no-unused-vars": ["error", { vars: "local" }],
            "no-var": "off",
        },
    },
    {
        files: ["tests/js/**/*.js", "eslint.config.js"],
        languageOptions: { ecmaVersion: 2022, sourceType: "commonjs" },
        rules: outsideOfThePage,
    },
    {
        files: ["tests/js/**/*.mjs"],
        languageOptions: { ecmaVersion: 2022, sourceType: "module" },
        rules: outsideOfThePage,
    },
];
