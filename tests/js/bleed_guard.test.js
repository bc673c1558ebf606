"use strict";
// What the Bleed tab's script computes before it draws.

const test = require("node:test");
const assert = require("node:assert/strict");

const { geometry, cells, words, say, matchImage, Blocks, Layers } =
    /** @type {any} */ (require("../../javascript/bleed_guard.js"));

/** @typedef {number} N */

/** An image of a run, with what a test is about in `more`. */
function makeImage(more = {}) {
    return {
        index: 0, verdict: "clean", sentence: "", protected: 22848, changed: 0, max: 0,
        prevented: 2805, prevented_max: 222, prevented_reach: 10, predicted_reach: 10, reason: "",
        saved_as: "", places: [0, 1], stages: [], findings: [], crop_box: null, ...more,
    };
}

function makeRecord(more = {}) {
    return {
        id: "run", started: 0, verdict: "clean", preset: "guard", tolerance: 0, prompt: "",
        facts: {}, changes: [], findings: [], images: [makeImage()], ...more,
    };
}

const CLOCK = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });

function makeFinding(more = {}) {
    return {
        cause: "mask_blur", severity: "info", what: "", why: "", fix: null, pixels: null,
        max: null, where: null, evidence: {}, certainty: "measured", wording: null, ...more,
    };
}

test("all of a picture is seen, centred", () => {
    assert.deepEqual(geometry.fit(600, 400, 300, 300), { scale: 0.5, x: 0, y: 50 });
    assert.equal(geometry.fit(1, 1, 1000, 1000).scale, 64);
});

test("what is under the pointer stays there", () => {
    const view = { scale: 0.5, x: 10, y: 20 };
    const before = geometry.pixelAt(view, 110, 120);
    const zoomed = geometry.zoom(view, 8, 110, 120);
    assert.deepEqual(before, { x: 200, y: 200 });
    assert.deepEqual(geometry.pixelAt(zoomed, 110, 120), before);
});

test("a picture is never lost out of sight", () => {
    const clamp = (/** @type {N} */ x, /** @type {N} */ y) =>
        geometry.clamp({ scale: 2, x, y }, 100, 20, 150, 150);
    assert.deepEqual(clamp(999, 999), { scale: 2, x: 0, y: 55 });
    assert.deepEqual(clamp(-999, -999), { scale: 2, x: -50, y: 55 });
});

test("only tiles in sight are asked for", () => {
    const extent = { width: 3000, height: 2000, factor: 2, tile: 1024 };
    const tiles = (/** @type {N} */ scale, /** @type {N} */ x, /** @type {N} */ y) =>
        geometry.tilesInSight({ scale, x, y }, extent, 500, 300)
            .map((/** @type {N[]} */ tile) => tile.join());
    assert.deepEqual(tiles(1, 0, 0), ["0,0"]);
    assert.deepEqual(tiles(1, -800, -900), ["0,0", "1,0", "0,1", "1,1"]);
    assert.deepEqual(tiles(1, -2600, -1700), ["2,1"]);
});

test("one changed pixel is still there when a map is halved", () => {
    const ranks = cells.ranks("log");
    for (let at = 0; at < 15; at++) {
        const codes = new Uint8Array(15).fill(1);
        codes[at] = 2;
        const half = cells.halve(codes, 5, 3, ranks);
        assert.deepEqual([half.width, half.height], [3, 2]);
        assert.equal(half.codes[(Math.floor(at / 5) >> 1) * 3 + ((at % 5) >> 1)], 2);
        assert.equal(half.codes.filter((/** @type {N} */ code) => code === 2).length, 1);
    }
});

test("of brighter and darker the larger change is kept, and the mask is last", () => {
    const halve = (/** @type {N[]} */ ...codes) =>
        cells.halve(Uint8Array.from(codes), 2, 2, cells.ranks("signed")).codes[0];
    assert.equal(halve(128, 130, 120, 0), 120);
    assert.equal(halve(128, 140, 120, 0), 140);
    assert.equal(halve(0, 0, 128, 0), 128);
    assert.equal(halve(0, 0, 0, 0), 0);
});

test("an area is traced along the borders of its pixels", () => {
    const codes = Uint8Array.from([0, 0, 0, 0, 2, 2, 0, 2, 0]);
    const runs = cells.trace(codes, 3, 3, 2);
    const lines = [];
    for (let at = 0; at < runs.length; at += 4) lines.push(runs.slice(at, at + 4).join());
    assert.deepEqual(lines.sort(), [
        "1,1,1,3", "1,1,3,1", "1,3,2,3", "2,2,2,3", "2,2,3,2", "3,1,3,2",
    ]);
});

test("an area that fills the picture is traced along its edge", () => {
    assert.deepEqual(cells.trace(Uint8Array.from([2]), 1, 1, 2),
        [0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1]);
});

test("the part that was sent lies at its place, with what is unchanged around it", () => {
    const whole = cells.place(Uint8Array.from([7, 8]), [1, 1, 3, 2], 4, 2, 1);
    assert.deepEqual([...whole], [1, 1, 1, 1, 1, 7, 8, 1]);
    assert.deepEqual([...cells.place(new Uint8Array(), [0, 0, 0, 0], 2, 1, 128)], [128, 128]);
});

/** Let what is awaited happen. */
async function settle() {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Fails until it is told to be well. */
function makeServer() {
    const server = {
        isNear: true, isWell: false, asked: 0,
        async ask() {
            server.asked++;
            if (!server.isWell) throw new Error("502");
            return { layers: { "levels-result": { box: [0, 0, 0, 0], file: "" } } };
        },
    };
    return server;
}

test("a layer that failed is told and asked for again later, but not forever", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const server = makeServer();
    const told = /** @type {any[]} */ ([]);
    const image = makeImage({ view: { width: 4, height: 3, factor: 1, tile: 1024 } });
    const layers = new Layers(server, "run", image, {}, (/** @type {string} */ what,
        /** @type {Error | null} */ error) => told.push(error?.message ?? "well"));
    const need = async () => {
        layers.request("levels-result", layers.base).catch(() => undefined);
        await settle();
    };
    await need();
    await need();
    assert.equal(server.asked, 1);
    assert.deepEqual(told, ["502"]);
    t.mock.timers.tick(1000);
    await need();
    assert.equal(server.asked, 2);
    for (let second = 0; second < 300; second++) {
        t.mock.timers.tick(1000);
        await need();
    }
    assert.equal(server.asked, 6);

    const later = new Layers(server, "run", image, {}, (/** @type {string} */ what,
        /** @type {Error | null} */ error) => told.push(error?.message ?? "well"));
    later.request("levels-result", later.base).catch(() => undefined);
    await settle();
    server.isWell = true;
    t.mock.timers.tick(1000);
    await later.request("levels-result", later.base);
    await settle();
    assert.equal(told.at(-1), "well");
    assert.ok(later.base.codes.has("levels-result"));
});

test("of a sweep over many blocks only those under the pointer are asked for", async () => {
    const open = /** @type {any[]} */ ([]);
    let at = { x: 0, y: 0 };
    const blocks = new Blocks(
        (/** @type {any} */ pixel) => new Promise((resolve) => open.push({ pixel, resolve })),
        () => blocks.find(at));
    for (let step = 0; step < 100; step++) {
        at = { x: 80 * step, y: 80 * step };
        assert.equal(blocks.find(at), null);
    }
    assert.equal(open.length, 1);
    open[0].resolve("first");
    await settle();
    assert.deepEqual(open.map(({ pixel }) => pixel.x), [0, 7920]);
    open[1].resolve("last");
    await settle();
    assert.equal(blocks.find(at), "last");
    assert.equal(blocks.find({ x: 63, y: 63 }), "first");
    assert.equal(open.length, 2);
});

test("values that failed are asked for again a while later; few are kept", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let asked = 0, isWell = false;
    const told = /** @type {any[]} */ ([]);
    const blocks = new Blocks(async () => {
        asked++;
        if (!isWell) throw new Error("502");
        return "block";
    }, (/** @type {string} */ what, /** @type {Error | null} */ error) =>
        told.push(error?.message ?? "well"));
    blocks.find({ x: 1, y: 1 });
    await settle();
    blocks.find({ x: 2, y: 2 });
    await settle();
    assert.deepEqual([asked, told], [1, ["502"]]);
    isWell = true;
    t.mock.timers.tick(1000);
    blocks.find({ x: 2, y: 2 });
    await settle();
    assert.equal(blocks.find({ x: 2, y: 2 }), "block");
    assert.equal(told.at(-1), "well");
    for (let x = 0; x < 64 * 1000; x += 64) {
        blocks.find({ x, y: 0 });
        await settle();
    }
    assert.ok(blocks.known.size <= 500);
});

test("what failed is told by its reason", () => {
    assert.equal(words.troubles([]), "");
    const troubles = [["Original", "full"], ["Mask", "full"], ["Mask", "full"], ["", "Logged out."]]
        .map(([name, why]) => ({ name, why }));
    assert.equal(words.troubles(troubles), "Original, Mask did not come: full Logged out.");
});

test("without a mask no spot has a distance from it", () => {
    const spot = { x: 4, y: 3, difference: 90 };
    assert.equal(words.spot({ ...spot, distance: 2 }), "4, 3: 90 levels, 2 px out");
    assert.equal(words.spot({ ...spot, distance: -1 }), "4, 3: 90 levels");
});

test("that there is no cause is said only where it was looked for", () => {
    const nothing = /Nothing to report/;
    assert.match(words.noFinding(makeImage(), {}), nothing);
    assert.doesNotMatch(words.noFinding(makeImage(), null), nothing);
    assert.match(words.noFinding(makeImage({ verdict: "not guarded" }), null), /Not guarded/);
});

test("the verdict is told in two lines", () => {
    const headline = (/** @type {any} */ image) => words.headline(makeRecord(), image);
    assert.equal(headline(makeImage()), "0 of 22,848 protected pixels changed");
    assert.equal(words.second(makeRecord(), makeImage()),
        "Without the guard: 2,805 (12.3 %), max 222, reach 10 px.");
    assert.equal(headline(makeImage({ verdict: "bleed", changed: 1200, max: 9 })),
        "1,200 of 22,848 protected pixels changed (max 9)");
    const stages = [{ name: "saved file", changed: 20_100, max: 17, scripts: [] }];
    for (const max of [0, 1]) { // the picture's own, within the tolerance
        assert.equal(headline(makeImage({ verdict: "bleed", stages, max })),
            "20,100 of 22,848 protected pixels of the file changed (max 17)");
    }
    assert.equal(headline(makeImage({ verdict: "not guarded", reason: "odd size" })),
        "odd size");
    assert.equal(words.second(makeRecord(), makeImage({ prevented: 0 })),
        "Without the guard: 0 as well.");
    assert.equal(words.second(makeRecord(), makeImage({ verdict: "full redo" })),
        "Full redo: nothing was protected.");
});

test("with a tolerance nothing is said to be unchanged that is not", () => {
    const record = makeRecord({ tolerance: 8 });
    const near = makeImage({ verdict: "within tolerance", max: 6, prevented: 0, prevented_max: 6 });
    assert.equal(words.headline(record, near),
        "0 of 22,848 protected pixels changed (max 6), by more than 8 of 255 levels");
    assert.equal(words.second(record, near),
        "Without the guard: none by more than the tolerance (max 6).");
    assert.equal(words.headline(record, makeImage()), "0 of 22,848 protected pixels changed");
    const redo = makeImage({ verdict: "full redo", changed: 20, max: 90 });
    assert.equal(words.headline(record, redo),
        "20 of 22,848 pixels outside the mask changed, by more than 8 of 255 levels");
});

test("what changed later is not told as nothing without the guard", () => {
    const stages = [{ name: "saved file", changed: 20_100, max: 17, scripts: [] }];
    const image = makeImage({ verdict: "bleed", stages, prevented: 0, prevented_max: 0 });
    assert.equal(words.second(makeRecord(), image), "");
});

test("a run of another day is told with the day", () => {
    const now = Date.now() / 1000;
    assert.equal(words.time(now), new Date().toLocaleTimeString([], CLOCK));
    const before = words.time(now - 40 * 24 * 3600);
    assert.ok(before.length > words.time(now).length, before);
});

test("what is not guarded is not said to be kept in order", () => {
    const finding = makeFinding({ severity: "info", what: "Paste-back keeps those pixels" });
    const warning = makeFinding({ severity: "warning", what: "The mask is blank" });
    const record = makeRecord({ findings: [finding, warning] });
    const told = (/** @type {string} */ verdict) =>
        words.report(record, makeImage({ verdict }), null);
    assert.match(told("clean"), /Paste-back keeps/);
    assert.doesNotMatch(told("not guarded"), /Paste-back keeps/);
    assert.match(told("not guarded"), /The mask is blank/);
});

test("numbers are grouped as the host's language does", (t) => {
    assert.equal(words.count(1_230_719), "1,230,719");
    const page = /** @type {any} */ (globalThis);
    page.getTranslation = (/** @type {string} */ text) => text === "1,000" ? "1 000" : undefined;
    t.after(() => delete page.getTranslation);
    assert.equal(words.count(1_230_719), "1 230 719");
    assert.equal(words.count(719), "719");
    const wording = { what: "{pixels} px of {file}", why: "", fix: "" };
    const told = { pixels: "2,805", file: "cat 1,200.png" };
    const finding = makeFinding({ wording, words: told });
    assert.equal(words.finding(finding).what, "2 805 px of cat 1,200.png");
});

test("facts are told in the host's language, and what the user wrote as it is", (t) => {
    const page = /** @type {any} */ (globalThis);
    page.getTranslation = (/** @type {string} */ text) => `<${text}>`;
    t.after(() => delete page.getTranslation);
    assert.equal(words.fact("Mask blur", "4 (reach 10 px)"), "4 (<reach 10 px>)");
    assert.equal(words.fact("Mask", "L, 8 x 9, crisp edges"), "L, 8 x 9, <crisp edges>");
    assert.equal(words.fact("Mask", "L, 8 x 9, 6 % of it grey"), "L, 8 x 9, <6 % of it grey>");
    assert.equal(words.fact("Mask", "none: every pixel counts"), "<none: every pixel counts>");
    assert.equal(words.fact("Inpaint area", "only masked"), "<only masked>");
    assert.equal(words.fact("Padding", "32"), "32");
});

test("compared files are told by their names", () => {
    const facts = { Original: "a.png", Result: "b.png" };
    assert.equal(words.second(makeRecord({ preset: "files", facts }), makeImage()),
        "b.png against a.png");
});

test("shares and counts are short and never hide a pixel", () => {
    assert.equal(words.percent(0, 100), "0 %");
    assert.equal(words.percent(1, 64_000_000), "< 0.1 %");
    assert.equal(words.percent(5, 0), "0 %");
    assert.equal(words.brief(999), "999");
    assert.equal(words.brief(2801), "2.8k");
    assert.equal(words.brief(55_660_532), "56M");
});

test("a pixel is in the first zone that holds it", () => {
    const zone = (/** @type {N} */ mask, /** @type {N} */ distance, inCrop = false) =>
        words.zone({ mask, distance, inCrop }, 10);
    assert.equal(zone(255, 0), "inside the mask");
    assert.equal(zone(90, 1), "soft band");
    assert.equal(zone(0, 10), "within predicted reach");
    assert.equal(zone(0, 11, true), "crop box");
    assert.equal(zone(0, 11), "far");
});

test("the report as text has verdict, changes, findings, stages and facts", () => {
    const finding = {
        cause: "mask_blur", severity: "warning", what: "Mask blur 4", why: "It leaks",
        fix: { text: "Set it to 0", setting: "mask blur", value: 0 }, pixels: 1, max: 1,
        where: null, evidence: { blur: 4 }, certainty: "measured", wording: null,
    };
    const stages = [{ name: "composite", changed: 2805, max: 222, scripts: ["ADetailer"] }];
    const record = makeRecord({ changes: ["padding 64 -> 32"], facts: { Format: "png" } });
    const text = words.report(record, makeImage({ findings: [finding], stages }), null);
    for (const line of [
        "Bleed Guard: Clean. 0 of 22,848 protected pixels changed",
        "- padding 64 -> 32", "- Mask blur 4. It leaks. Set it to 0",
        "- composite, ADetailer: 2,805, max 222", "- Format: png",
    ]) assert.ok(text.split("\n").includes(line), line);
});

test("a finding is told in the host's language, and as it came where there is none", () => {
    const host = /** @type {any} */ (globalThis);
    const wording = { what: "Blur {blur}", why: "", fix: "" };
    const finding = { what: "Blur 4", why: "", fix: null, wording, evidence: { blur: 4 } };
    host.getTranslation = (/** @type {string} */ text) =>
        text === "Blur {blur}" ? "{blur} unscharf" : undefined;
    try {
        assert.equal(words.finding(/** @type {any} */ (finding)).what, "4 unscharf");
        const measured = { ...finding, words: { blur: "4.0" } };  // as a person reads it
        assert.equal(words.finding(/** @type {any} */ (measured)).what, "4.0 unscharf");
        assert.equal(say("untranslated {x}", { x: 1 }), "untranslated 1");
    } finally {
        delete host.getTranslation;
    }
    const plain = { ...finding, wording: null };
    assert.equal(words.finding(/** @type {any} */ (plain)).what, "Blur 4");
});

test("a change is told in the host's language", () => {
    const host = /** @type {any} */ (globalThis);
    const german = /** @type {Record<string, string>} */ (
        require("../../localizations/de_DE.json"));
    host.getTranslation = (/** @type {string} */ text) => german[text];
    const changes = [
        ["padding 64 -> 32, limit of preset guard",
            "Padding 64 -> 32, Grenze durch Voreinstellung guard"],
        ["inpaint area whole picture -> only masked, small mask, your settings",
            "Inpaint-Bereich ganzes Bild -> nur maskiert, kleine Maske, deine Einstellungen"],
        ["mask blur 9 -> 4, a larger blur would wipe out the mask",
            "Maskenunschärfe 9 -> 4, eine größere Unschärfe würde die Maske auslöschen"],
        ["refiner xl -> off, switched off by preset my own",
            "Refiner xl -> aus, ausgeschaltet durch Voreinstellung my own"],
        ["mask 12 % soft -> hard, hard mask of your settings",
            "Maske zu 12 % weich -> hart, harte Maske durch deine Einstellungen"],
        ["mask size 64 x 64 -> 128 x 128, only masked needs the mask at the picture's size",
            "Maskengröße 64 x 64 -> 128 x 128, „Nur maskiert“ braucht die Maske in der " +
            "Größe des Bildes"],
        ["init image edited outside the mask -> as given, another extension had changed it",
            "Ausgangsbild außerhalb der Maske geändert -> wie gegeben, " +
            "eine andere Erweiterung hatte es geändert"],
        ["init image 16 bits -> 8 bits, the host works in 8 bits",
            "Ausgangsbild 16 Bit -> 8 Bit, die WebUI arbeitet mit 8 Bit"],
        ["Force paste-back off -> on, this server keeps protection on",
            "Original zurücksetzen erzwingen aus -> an, dieser Server lässt den Schutz an"],
    ];
    try {
        for (const [text, told] of changes) assert.equal(words.change(text), told);
    } finally {
        delete host.getTranslation;
    }
    for (const [text] of changes) assert.equal(words.change(text), text);
});

/** A guarded run of one job. @param {string} id @param {object[]} images */
function makeRun(id, images) {
    return makeRecord({ id, images, facts: { "Put together by": "one job" } });
}

test("the gallery's selected picture is found by its file", () => {
    const images = ["a.png", "b c.png"].map((file, index) =>
        makeImage({ index, saved_as: `C:\\outputs\\${file}` }));
    const sources = ["http://x/file=C:/outputs/grid.png?1", "http://x/file=C:/outputs/a.png?2",
        "http://x/file=C:/outputs/b%20c.png?3"];
    const match = (/** @type {N} */ at) =>
        matchImage([makeRun("run", images)], "run", sources, at)?.image.index;
    assert.equal(match(1), 0);
    assert.equal(match(2), 1);
    sources[2] = "http://x/file=C:/outputs/50%de%%20c.png"; // as Gradio 3 has it
    images[1].saved_as = "C:\\outputs\\50%de% c.png";
    assert.equal(match(2), 1);
});

test("without files it is found by its place in the reply", () => {
    const match = (/** @type {N[][]} */ places, /** @type {N} */ count, /** @type {N} */ at) => {
        const images = places.map((place, index) => makeImage({ index, places: place }));
        return matchImage([makeRun("run", images)], "run",
            Array(count).fill("http://x/file=/pictures/y.png"), at)?.image.index;
    };
    assert.equal(match([[0, 1], [1, 2], [2, 3]], 3, 1), 1);
    const withMasksBehindGrid = [[1, 3], [3, 5]];
    assert.deepEqual([1, 2, 3, 4].map((at) => match(withMasksBehindGrid, 5, at)), [0, 0, 1, 1]);
    const beforeMaps = [[0, 1], [1, 2]]; // another extension's pictures, which nobody has judged
    assert.deepEqual([0, 1, 2, 3].map((at) => match(beforeMaps, 4, at)),
        [0, 1, undefined, undefined]);
});

test("the grid, or nothing selected, stands for the worst of the images", () => {
    const verdicts = ["clean", "bleed", "clean"];
    const images = verdicts.map((verdict, index) =>
        makeImage({ index, verdict, places: [index + 1, index + 2] }));
    const match = (/** @type {N} */ at) =>
        matchImage([makeRun("run", images)], "run", Array(4).fill(""), at)?.image.index;
    assert.equal(match(0), 1);
    assert.equal(match(-1), 1);
    assert.equal(match(3), 2);
    images.forEach((image) => Object.assign(image, { places: null })); // none is in the reply
    assert.equal(match(0), undefined);
});

test("only the run that made what the gallery shows is told under it", () => {
    const older = makeRun("older", [makeImage()]);
    const newer = makeRun("newer", [makeImage()]);
    const match = (/** @type {string} */ run, records = [newer, older]) =>
        matchImage(records, run, [""], 0)?.record.id;
    assert.equal(match("older"), "older");
    assert.equal(match("newer", [older]), undefined); // the page has not heard of it yet
    assert.equal(match(""), undefined); // a job without the guard
    const script = makeRecord({ id: "newer", facts: { "Put together by": "SD upscale" } });
    assert.equal(match("newer", [script, older]), undefined);
});

test("each picture of a batch of files is told its own run", () => {
    for (const files of [["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]]) {
        const records = files.map((file) =>
            makeRun(file, [makeImage({ saved_as: `/out/${file}.png` })])).reverse();
        const sources = files.map((file) => `http://x/file=/out/${file}.png`);
        const match = (/** @type {N} */ at, shown = sources) =>
            matchImage(records, "a", shown, at)?.record.id;
        assert.deepEqual(files.map((_, at) => match(at)), files);
        // one run's verdict never stands for all, nor for a picture nobody knows
        assert.equal(match(-1), undefined);
        assert.equal(match(1, files.map(() => "http://x/file=/pictures/unknown.png")), undefined);
    }
});

test("a grid of several runs is told the worst of all, by whatever script it was made", () => {
    const worst = (/** @type {string[]} */ ...verdicts) => {
        const runs = verdicts.map((verdict, at) =>
            makeRun(`cell ${at}`, [makeImage({ verdict, saved_as: `/out/${at}.png` })])).reverse();
        return (/** @type {string[]} */ sources, at = 0) => {
            const found = matchImage(runs, "cell 0", sources, at);
            return found && `${found.record.id}: ${found.image.verdict}`;
        };
    };
    const grid = "http://x/file=/out/xyz_grid-0001.png";
    const files = [0, 1, 2].map((at) => `http://x/file=/out/${at}.png`);
    // X/Y/Z plot without its cells: the grid alone, selected or not, saved or not
    const plot = worst("clean", "bleed", "clean");
    for (const source of [grid, "http://x/file=/pictures/y.png"]) {
        assert.deepEqual([plot([source]), plot([source], -1)], Array(2).fill("cell 1: bleed"));
    }
    assert.equal(worst("clean", "bleed", "not guarded")([grid]), "cell 2: not guarded");
    assert.equal(worst("clean", "clean")([grid]), "cell 0: clean");
    // Loopback, several times: a grid, and the last picture of each time
    assert.equal(plot([grid, files[2]]), "cell 1: bleed");
    assert.equal(plot([grid, files[2]], 1), "cell 2: clean");
    // Prompt matrix, or X/Y/Z plot with its cells: those by their files, of the grid nothing
    assert.deepEqual([1, 2, 3].map((at) => plot([grid, ...files], at)),
        ["cell 0: clean", "cell 1: bleed", "cell 2: clean"]);
    assert.equal(plot([grid, ...files]), null);
    // A batch of files that are not saved: none is told another's verdict
    assert.equal(plot(Array(3).fill("http://x/file=/pictures/y.png"), 1), null);
});

test("several runs are told by their worst where the first made as many as are shown", () => {
    const images = ["clean", "clean"].map((verdict, index) => makeImage({ index, verdict }));
    const first = makeRun("first", images);
    const second = makeRun("second", [makeImage({ verdict: "bleed" })]);
    const match = (/** @type {any[]} */ records) =>
        matchImage(records, "first", ["grid", "other"], 0)?.image.verdict;
    assert.equal(match([second, first]), "bleed");
    assert.equal(match([makeRecord({ preset: "files" }), first]), "clean"); // never in a gallery
});
