"use strict";
// The panel's script against what the plan says: tests/core/test_live.py makes the cases.

const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");

const panel = require("../../javascript/bleed_guard_panel.js");
const { rules, cases } = JSON.parse(
    fs.readFileSync(path.join(__dirname, "live_cases.json"), "utf8"));

test("the page says what the plan says", () => {
    assert.ok(cases.length > 100);
    for (const { job, options, settings, said } of cases) {
        assert.deepEqual(panel.judge({ rules, job, options, settings }), said);
    }
});

test("the reach is the table's, and the kernel's radius beyond its end", () => {
    assert.equal(panel.reachOf(rules, 0), 0);
    assert.equal(panel.reachOf(rules, 4), 10);
    assert.equal(panel.reachOf(rules, 9), 22);
    assert.equal(panel.reachOf(rules, 100), 250);
});

test("a size is brought to the host's step as the host does it", () => {
    for (const [side, settled] of [[180, 192], [95, 64], [96, 128], [20, 64], [512, 512]]) {
        assert.equal(panel.settle(side, 64), settled);
        assert.equal(panel.settle(side, 1), side);
    }
});

test("a sentence is translated before it is filled in", () => {
    const host = /** @type {any} */ (globalThis);
    const german = new Map([["reach {reach} px", "{reach} px weit"]]);
    host.getTranslation = (/** @type {string} */ text) => german.get(text);
    try {
        assert.equal(panel.say("reach {reach} px", { reach: 10 }), "10 px weit");
        assert.equal(panel.say("mask blur"), "mask blur");
        assert.equal(panel.say("left {alone}"), "left {alone}");
    } finally {
        delete host.getTranslation;
    }
});
