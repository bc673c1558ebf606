"use strict";
// The Bleed tab: fills the frame that bleed_guard/ui/tab.py puts into the page. Everything lives in
// one block, so that the page gets one name from it: bleedGuard. The same file runs the offline
// report. Texts of users and scripts are set as text, never as markup.
{
    /**
     * @typedef {{scale: number, x: number, y: number}} View scale in CSS px per picture px
     * @typedef {{width: number, height: number, factor: number, tile: number}} Extent
     * @typedef {{text: string, setting: string, value: any}} Fix
     * @typedef {{cause: string, severity: string, what: string, why: string, fix: Fix | null,
     *   pixels: number | null, max: number | null, where: number[] | null,
     *   evidence: Record<string, any>, words?: Record<string, any>, certainty: string,
     *   wording: {what: string, why: string, fix: string} | null}} Finding
     * @typedef {{name: string, changed: number, max: number, scripts: string[]}} StageEntry
     * @typedef {{index: number, verdict: string, sentence: string, protected: number,
     *   changed: number, max: number, prevented: number, prevented_max: number,
     *   prevented_reach: number, predicted_reach: number, reason: string, saved_as: string,
     *   places: number[] | null, stages: StageEntry[], findings: Finding[],
     *   crop_box: number[] | null, view?: Extent}} ImageEntry
     * @typedef {{id: string, started: number, verdict: string, preset: string, tolerance: number,
     *   prompt: string, facts: Record<string, string>, changes: string[], findings: Finding[],
     *   images: ImageEntry[]}} RecordEntry
     * @typedef {{distance: number, protected: number, changed: number, max: number,
     *   mean: number}} Bin
     * @typedef {{x: number, y: number, difference: number, distance: number}} Spot
     * @typedef {{changed: number, max: number, mean: number, p99: number, reach: number,
     *   protected: number, profile: Bin[], histogram: number[], worst: Spot[],
     *   zones: Record<string, any>, seam: Record<string, number>, of: string,
     *   crop_distance: number | null, causes: Finding[]}} Report
     * @typedef {{box: number[], file: string, packed: boolean}} LayerFile
     * @typedef {{record: RecordEntry, image: ImageEntry} | null} Selection
     * @typedef {(key: string, error: Error | null, name?: string) => void} Tell that what goes by
     *   `key` has failed, or is well again; `name` is for people
     */

    const PHOTOGRAPHS = ["reference", "unguarded", "result"];
    const VERDICT_MARKS = /** @type {Record<string, string>} */ ({
        "clean": "✓", "within tolerance": "≈", "bleed": "✗", "not guarded": "!", "full redo": "↻",
    });
    const WORST_FIRST = ["not guarded", "bleed", "within tolerance", "full redo", "clean"];
    const RUN_KEY = "Bleed guard run"; // as in bleed_guard/host/infotext.py
    const LARGEST_SCALE = 64;
    const GRID_SCALE = 12;

    // ------------------------------------------------------------------------------ arithmetic

    const geometry = {
        /**
         * The view in which all of the picture is seen, centred.
         * @param {number} width @param {number} height of the picture
         * @param {number} across @param {number} down CSS px there are
         * @returns {View}
         */
        fit(width, height, across, down) {
            const scale = Math.min(across / width, down / height, LARGEST_SCALE);
            return { scale, x: (across - width * scale) / 2, y: (down - height * scale) / 2 };
        },

        /**
         * Zoom so that the picture's point under (x, y) stays there.
         * @param {View} view @param {number} scale the new one
         * @param {number} x @param {number} y in CSS px
         * @returns {View}
         */
        zoom(view, scale, x, y) {
            const ratio = scale / view.scale;
            return { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
        },

        /**
         * Keep the picture in sight: centred along a side on which it fits, else without a gap.
         * @param {View} view @param {number} width @param {number} height of the picture
         * @param {number} across @param {number} down CSS px there are
         * @returns {View}
         */
        clamp(view, width, height, across, down) {
            const side = (/** @type {number} */ at, /** @type {number} */ size,
                /** @type {number} */ room) =>
                size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at));
            return {
                scale: view.scale,
                x: side(view.x, width * view.scale, across),
                y: side(view.y, height * view.scale, down),
            };
        },

        /**
         * A place, kept away from either end.
         * @param {number} at @param {number} gap to the ends @param {number} size
         */
        within(at, gap, size) {
            return Math.min(Math.max(at, gap), Math.max(size - gap, gap));
        },

        /**
         * The picture's pixel under a point, whether or not the picture has it.
         * @param {View} view @param {number} x @param {number} y in CSS px
         */
        pixelAt(view, x, y) {
            return {
                x: Math.floor((x - view.x) / view.scale),
                y: Math.floor((y - view.y) / view.scale),
            };
        },

        /**
         * Columns and rows of the tiles that are in sight.
         * @param {View} view @param {Extent} extent
         * @param {number} across @param {number} down CSS px there are
         * @returns {[number, number][]}
         */
        tilesInSight(view, extent, across, down) {
            const last = (/** @type {number} */ size) => Math.ceil(size / extent.tile) - 1;
            const place = (/** @type {number} */ at, /** @type {number} */ size) =>
                Math.min(Math.max(Math.floor(at / view.scale / extent.tile), 0), last(size));
            const tiles = /** @type {[number, number][]} */ ([]);
            const right = place(across - view.x, extent.width);
            const bottom = place(down - view.y, extent.height);
            for (let row = place(-view.y, extent.height); row <= bottom; row++) {
                for (let column = place(-view.x, extent.width); column <= right; column++) {
                    tiles.push([column, row]);
                }
            }
            return tiles;
        },
    };

    const cells = {
        /**
         * Halve both sides; each cell is what ranks highest of four (two, one at the edges).
         * @param {Uint8Array} codes @param {number} width @param {number} height
         * @param {Uint8Array} ranks of each code
         */
        halve(codes, width, height, ranks) {
            const across = (width + 1) >> 1, down = (height + 1) >> 1;
            const half = new Uint8Array(across * down);
            for (let y = 0; y < down; y++) {
                const upper = 2 * y * width;
                const lower = 2 * y + 1 < height ? upper + width : upper;
                for (let x = 0; x < across; x++) {
                    const left = 2 * x, right = left + 1 < width ? left + 1 : left;
                    let top = codes[upper + left], next = codes[upper + right];
                    if (ranks[next] > ranks[top]) top = next;
                    next = codes[lower + left];
                    if (ranks[next] > ranks[top]) top = next;
                    next = codes[lower + right];
                    half[y * across + x] = ranks[next] > ranks[top] ? next : top;
                }
            }
            return { codes: half, width: across, height: down };
        },

        /**
         * How much each code of a scale matters when several share a cell. The mask (0) is last.
         * @param {string} scale
         */
        ranks(scale) {
            return Uint8Array.from({ length: 256 }, (_, code) =>
                scale === "signed" && code ? 1 + Math.abs(code - 128) : code);
        },

        /**
         * The edges of the area whose codes are at least `level`, as runs along pixel borders.
         * @param {Uint8Array} codes @param {number} width @param {number} height
         * @param {number} level
         * @returns {number[]} x0, y0, x1, y1 of each run
         */
        trace(codes, width, height, level) {
            const runs = /** @type {number[]} */ ([]);
            const inside = (/** @type {number} */ x, /** @type {number} */ y) =>
                x >= 0 && y >= 0 && x < width && y < height && codes[y * width + x] >= level;
            cells.follow(height, width, (line, at) => inside(at, line - 1) !== inside(at, line),
                (line, from, to) => runs.push(from, line, to, line));
            cells.follow(width, height, (line, at) => inside(line - 1, at) !== inside(line, at),
                (line, from, to) => runs.push(line, from, line, to));
            return runs;
        },

        /**
         * Tell each longest run of borders along the lines between pixels.
         * @param {number} lines @param {number} length of a line
         * @param {(line: number, at: number) => boolean} isBorder
         * @param {(line: number, from: number, to: number) => void} tell
         */
        follow(lines, length, isBorder, tell) {
            for (let line = 0; line <= lines; line++) {
                let from = -1;
                for (let at = 0; at <= length; at++) {
                    const is = at < length && isBorder(line, at);
                    if (is && from < 0) from = at;
                    if (!is && from >= 0) {
                        tell(line, from, at);
                        from = -1;
                    }
                }
            }
        },

        /**
         * A layer's values in its whole view, from the part that was sent.
         * @param {Uint8Array} part @param {number[]} box @param {number} width
         * @param {number} height @param {number} elsewhere
         */
        place(part, box, width, height, elsewhere) {
            const whole = new Uint8Array(width * height);
            if (elsewhere) whole.fill(elsewhere);
            const [left, top, right, bottom] = box;
            for (let y = top; y < bottom; y++) {
                const from = (y - top) * (right - left);
                whole.set(part.subarray(from, from + right - left), y * width + left);
            }
            return whole;
        },
    };

    // ------------------------------------------------------------------------------ words

    /**
     * A text in the host's language, with its {placeholders} filled in.
     * @param {string} text @param {Record<string, any>} [values]
     */
    function say(text, values = {}) {
        const told = typeof getTranslation === "function" ? getTranslation(text) ?? text : text;
        return told.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
    }

    /** Names of what can be chosen, in the order in which it is offered. */
    const names = {
        /** @returns {Record<string, string>} */
        layers: () => ({
            "result": say("Result"),
            "unguarded": say("Without the guard"),
            "reference": say("Original"),
            "heat-unguarded": say("Heatmap: unguarded"),
            "heat-result": say("Heatmap: result"),
        }),

        /** @returns {Record<string, string>} */
        scales: () => ({
            "log": say("Logarithmic"),
            "linear": say("Linear"),
            "signed": say("Darker / brighter"),
            "delta-e": "CIELAB ΔE",
        }),

        /** @returns {Record<string, [string, string]>} name and tooltip */
        modes: () => ({
            "slider": [say("Slider"), say("Two layers with a divider between them")],
            "side": [say("Side by side"), say("Two layers beside each other")],
            "onion": [say("Onion skin"), say("The second layer over the first, half transparent")],
            "blink": [say("Blink"), say("The two layers in turn")],
            "single": [say("One"), say("The first layer alone; Space shows the second")],
        }),

        /** @returns {Record<string, string>} */
        verdicts: () => ({
            "clean": say("Clean"),
            "within tolerance": say("Within tolerance"),
            "bleed": say("Bleed"),
            "not guarded": say("Not guarded"),
            "full redo": say("Full redo"),
        }),

        /** @returns {Record<string, string>} */
        zones: () => ({
            "inside the mask": say("inside the mask"),
            "soft band": say("soft band of the mask"),
            "within predicted reach": say("within predicted reach"),
            "crop box": say("inside the crop box"),
            "far": say("far from the mask"),
        }),

        /** @returns {Record<string, string>} */
        causes: () => ({
            "mask_blur": say("mask blur"),
            "soft_mask": say("grey mask"),
            "mask_form": say("scaled mask"),
            "overlay_off": say("overlay off"),
            "soft_inpainting": say("Soft Inpainting"),
            "whole_redraw": say("whole picture redrawn"),
            "resize": say("resized picture"),
            "shift": say("shifted picture"),
            "color_correction": say("color correction"),
            "face_restore": say("face restoration"),
            "other_script": say("another script"),
            "jpeg": "JPEG", "webp": "WebP", "avif": "AVIF",
            "palette": say("color palette"),
            "stealth": say("hidden infotext"),
            "several": say("several causes"),
        }),

        /** @returns {Record<string, string>} */
        stages: () => ({
            "decoded": say("decoded"),
            "composite": say("composite"),
            "after other scripts": say("after other scripts"),
            "guarded": say("guarded"),
            "saved file": say("saved file"),
        }),

        /** @returns {Record<string, string>} of what may be changed before a run */
        settings: () => ({
            "mask": say("mask"),
            "mask size": say("mask size"),
            "mask blur": say("mask blur"),
            "init image": say("init image"),
            "original's size": say("original's size"),
            "refiner": say("refiner"),
            "format": say("format"),
            "inpaint area": say("inpaint area"),
            "padding": say("padding"),
            "denoising strength": say("denoising strength"),
            "face restoration": say("face restoration"),
            "color correction": say("color correction"),
        }),

        /** @returns {Record<string, string>} of what it was and became, where that is no number */
        states: () => ({
            ...names.facts(),
            "16 bits": say("16 bits"),
            "8 bits": say("8 bits"),
            "opaque": say("opaque"),
            "edited outside the mask": say("edited outside the mask"),
            "as given": say("as given"),
        }),

        /** @returns {Record<string, string>} of facts and of their values, beside the host's own */
        facts: () => ({
            "Inpaint mode": say("Inpaint mode"),
            "Overlay original": say("Overlay original"),
            "Other scripts": say("Other scripts"),
            "Put together by": say("Put together by"),
            "Result size": say("Result size"),
            "Note": say("Note"),
            "one job": say("one job"),
            "only masked": say("only masked"),
            "whole picture": say("whole picture"),
            "masked": say("masked"),
            "not masked": say("not masked"),
            "none: every pixel counts": say("none: every pixel counts"),
        }),
    };

    const words = {
        /** @param {number} number */
        count(number) {
            return words.group(Math.round(number).toLocaleString("en-US"));
        },

        /**
         * A number such as 230,719 with what the host's language has for the comma.
         * @param {string} text which is left as it is if it is no such number
         */
        group(text) {
            if (!/^\d{1,3}(,\d{3})+$/.test(text)) return text;
            return text.replaceAll(",", /^1(.*)000$/.exec(say("1,000"))?.[1] ?? ",");
        },

        /** Short enough for a plot. @param {number} number */
        brief(number) {
            const units = /** @type {[number, string][]} */ ([[1e6, "M"], [1e3, "k"]]);
            const unit = units.find(([size]) => number >= size);
            return unit ? `${Number((number / unit[0]).toPrecision(2))}${unit[1]}` : String(number);
        },

        /** @param {number} part @param {number} whole */
        percent(part, whole) {
            if (!part || !whole) return "0 %";
            const share = (100 * part) / whole;
            return share < 0.1 ? "< 0.1 %" : `${share.toFixed(1)} %`;
        },

        /**
         * The verdict's first line.
         * @param {RecordEntry} record @param {ImageEntry} image
         */
        headline(record, image) {
            if (image.reason) return image.reason;
            if (image.verdict === "not guarded") return say("This image is not guarded.");
            const { what, changed, max } = words.counted(image);
            const told = words.changed(what, {
                changed: words.count(changed), protected: words.count(image.protected), max,
            });
            // Counted is what differs by more than the tolerance; with 0 none is left out.
            return record.tolerance && max
                ? say("{told}, by more than {tolerance} of 255 levels",
                    { told, tolerance: record.tolerance })
                : told;
        },

        /** What the verdict is about: the picture, or its file alone. @param {ImageEntry} image */
        counted({ verdict, changed, max, stages }) {
            const file = stages.find((stage) => stage.name === "saved file");
            return verdict === "bleed" && !changed && file ? { ...file, what: "file" }
                : { changed, max, what: verdict };
        },

        /**
         * How many pixels changed.
         * @param {string} what verdict, or "file" @param {Record<string, any>} numbers
         */
        changed(what, numbers) {
            if (what === "full redo") {
                return say("{changed} of {protected} pixels outside the mask changed", numbers);
            }
            if (what === "file") {
                return say(
                    "{changed} of {protected} protected pixels of the file changed (max {max})",
                    numbers);
            }
            return numbers.max
                ? say("{changed} of {protected} protected pixels changed (max {max})", numbers)
                : say("{changed} of {protected} protected pixels changed", numbers);
        },

        /**
         * The line below: what would have happened, or what was compared.
         * @param {RecordEntry} record @param {ImageEntry} image
         */
        second(record, image) {
            const { facts } = record;
            if (!hasGuard(record)) {
                return say("{result} against {original}",
                    { result: facts.Result, original: facts.Original });
            }
            if (image.verdict === "not guarded") {
                return say("The image was saved as the host made it.");
            }
            if (image.verdict === "full redo") return say("Full redo: nothing was protected.");
            return words.prevented(record, image);
        },

        /** @param {RecordEntry} record @param {ImageEntry} image */
        prevented(record, image) {
            if (!image.prevented && image.prevented_max && record.tolerance) {
                return say("Without the guard: none by more than the tolerance (max {max}).",
                    { max: image.prevented_max });
            }
            if (!image.prevented) {
                // What the file or another extension changed was not compared without the guard.
                return image.verdict === "bleed" ? "" : say("Without the guard: 0 as well.");
            }
            return say("Without the guard: {count} ({share}), max {max}, reach {reach} px.", {
                count: words.count(image.prevented),
                share: words.percent(image.prevented, image.protected),
                max: image.prevented_max, reach: image.prevented_reach,
            });
        },

        /**
         * What the guard changed in the host's settings, in the host's language.
         * @param {string} text "setting before -> after, reason of source"
         */
        change(text) {
            const [, head, after, reason] = /^(.+?) -> (.+?), (.+)$/.exec(text) ?? [];
            if (!reason) return text;
            const value = (/** @type {string} */ told) => {
                const share = /^(\S+) % soft$/.exec(told)?.[1];
                if (share) return say("{share} % soft", { share });
                return names.states()[told] ?? say(told);
            };
            const ends = [...head.matchAll(/ /g)].map(({ index }) => index).reverse();
            const heads = ends.map((end) => {  // the longest name that is known comes first
                const [setting, was] = [head.slice(0, end), head.slice(end + 1)];
                const name = names.settings()[setting] ?? say(setting);
                return name !== setting && `${name} ${value(was)}`;
            });
            const before = heads.find(Boolean) || head;
            const [source, preset] = /preset (.+)$|your settings$/.exec(reason) ?? [""];
            const named = preset ? say("preset {preset}", { preset }) : say(source);
            const why = source
                ? say(reason.replace(source, "{source}"), { source: named }) : say(reason);
            return `${before} -> ${value(after)}, ${why}`;
        },

        /**
         * A fact's value, in the host's language where it is ours.
         * @param {string} name @param {string} value
         */
        fact(name, value) {
            if (name === "Mask blur") {
                return value.replace(/reach (\d+) px/, (_, reach) =>
                    say("reach {reach} px", { reach }));
            }
            const told = names.facts()[value] ?? value;
            if (name !== "Mask") return told;
            return told.replace(/crisp edges$/, () => say("crisp edges"))
                .replace(/(\d+) % of it grey$/, (_, share) =>
                    say("{share} % of it grey", { share }));
        },

        /** What failed, by the reason. @param {{name: string, why: string}[]} troubles */
        troubles(troubles) {
            return [...new Set(troubles.map(({ why }) => why))].map((why) => {
                const failed = troubles.filter((trouble) => trouble.why === why && trouble.name);
                const what = [...new Set(failed.map(({ name }) => name))].join(", ");
                return what ? say("{what} did not come: {why}", { what, why }) : why;
            }).join(" ");
        },

        /** What there is to say without a finding. @param {ImageEntry} image @param {any} report */
        noFinding(image, report) {
            if (image.verdict === "not guarded") {
                return say("Not guarded: nobody looked for causes. The reason is told above.");
            }
            return report
                ? say("Nothing to report: no cause of bleed was found in this run.")
                : say("The causes are not known.");
        },

        /** A distance below 0 stands for no mask. @param {Spot} spot */
        spot(spot) {
            return spot.distance < 0 ? say("{x}, {y}: {difference} levels", spot)
                : say("{x}, {y}: {difference} levels, {distance} px out", spot);
        },

        /**
         * What, why and what to do, in the host's language where it has the sentences.
         * @param {Finding} finding
         */
        finding({ what, why, fix, wording, evidence, words: told }) {
            const values = Object.fromEntries(Object.entries({ ...evidence, ...told })
                .map(([name, value]) => [name, words.group(String(value))]));
            return {
                what: wording ? say(wording.what, values) : what,
                why: wording ? say(wording.why, values) : why,
                fix: wording ? say(wording.fix, values) : fix?.text ?? "",
            };
        },

        /**
         * The report as text.
         * @param {RecordEntry} record @param {ImageEntry} image @param {Report | null} report
         */
        report(record, image, report) {
            const chosen = parts.choose(record, image, report?.causes ?? []);
            const findings = chosen.map((finding) =>
                `- ${Object.values(words.finding(finding)).filter(Boolean).join(". ")}`);
            const stages = image.stages.map(({ name, changed, max, scripts }) =>
                `- ${[name, ...scripts].join(", ")}: ${words.count(changed)}, max ${max}`);
            const facts = Object.entries(record.facts).map((fact) => `- ${fact.join(": ")}`);
            const seam = report?.seam.ratio.toFixed(2);
            if (seam) facts.push(`- ${say("Seam (1 = unseen)")}: ${seam}`);
            const lists = Object.entries({
                [say("Changed before the run")]: record.changes.map((change) => `- ${change}`),
                [say("Findings")]: findings, [say("Stages")]: stages, [say("Facts")]: facts,
            });
            return [
                `Bleed Guard: ${names.verdicts()[image.verdict]}. ${words.headline(record, image)}`,
                words.second(record, image),
                ...lists.flatMap(([title, lines]) =>
                    lines.length ? ["", `${title}:`, ...lines] : []),
            ].join("\n");
        },

        /**
         * Which zone a pixel is in: the first that holds it, as the report counts.
         * @param {{mask: number, distance: number, inCrop: boolean}} pixel
         * @param {number} reach predicted, in px
         */
        zone(pixel, reach) {
            if (pixel.mask >= 128) return "inside the mask";
            if (pixel.mask > 0) return "soft band";
            if (pixel.distance <= reach) return "within predicted reach";
            return pixel.inCrop ? "crop box" : "far";
        },

        /** With the day, unless that is today. @param {number} seconds since the epoch */
        time(seconds) {
            const started = new Date(seconds * 1000);
            const isToday = started.toDateString() === new Date().toDateString();
            const digits = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });
            const dated = /** @type {const} */ ({ month: "short", day: "numeric", ...digits });
            return started.toLocaleString([], isToday ? digits : dated);
        },
    };

    // ------------------------------------------------------------------------------ elements

    /**
     * An element with attributes and children; strings become text. `onclick` and the like are
     * listeners, null and false are left out.
     * @param {string} tag @param {Record<string, any>} [attributes]
     * @param {...(Node | string | null | false)} children
     * @returns {any}
     */
    function make(tag, attributes = {}, ...children) {
        const element = SVG_TAGS.has(tag)
            ? document.createElementNS("http://www.w3.org/2000/svg", tag)
            : document.createElement(tag);
        const given = Object.entries(attributes).filter(([, value]) =>
            value !== null && value !== false && value !== undefined);
        for (const [name, value] of given) {
            if (typeof value === "function") element.addEventListener(name.slice(2), value);
            else element.setAttribute(name, value === true ? "" : String(value));
        }
        element.append(...children.filter((child) => child !== null && child !== false));
        return element;
    }
    const SVG_TAGS = new Set(["svg", "g", "path", "line", "rect", "text", "title"]);

    /** @param {string} name */
    function css(name) {
        return `bleed-guard-${name}`;
    }

    /**
     * A verdict's badge: colour, mark and word.
     * @param {string} verdict @param {boolean} [isShort]
     */
    function makeBadge(verdict, isShort = false) {
        const word = names.verdicts()[verdict] ?? verdict;
        const mark = VERDICT_MARKS[verdict] ?? "?";
        return make("span", { "class": css("badge"), "data-verdict": verdict, "title": word },
            make("span", { "aria-hidden": isShort ? null : "true" }, mark),
            make("span", { "class": isShort ? css("unseen") : null }, word));
    }

    /**
     * A button that is pressed or not.
     * @param {string} label @param {string} title @param {() => void} onclick
     * @param {Record<string, any>} [more]
     */
    function makeButton(label, title, onclick, more = {}) {
        return make("button", { "type": "button", "class": css("button"), title, onclick, ...more },
            label);
    }

    /**
     * A choice of one of several, with its label.
     * @param {string} label @param {Record<string, string>} choices value -> text
     * @param {string} value @param {string} title @param {(value: string) => void} choose
     */
    function makeSelect(label, choices, value, title, choose) {
        const select = make("select", {
            title, "aria-label": label, "class": css("select"),
            "onchange": () => choose(select.value),
        });
        for (const [key, text] of Object.entries(choices)) {
            select.append(make("option", { value: key, selected: key === value }, text));
        }
        return make("label", { "class": css("field") }, make("span", {}, label), select);
    }

    /**
     * Put children in the place of those before. The focus goes to the one of the same `data-key`
     * as had it, else to the parent: with its element gone the page would begin at its top again.
     * @param {HTMLElement} parent with a tabindex @param {...any} children
     */
    function refill(parent, ...children) {
        const focused = /** @type {HTMLElement | null} */ (parent.querySelector(":focus"));
        parent.replaceChildren(...children.filter(Boolean));
        if (!focused) return;
        const heir = [...parent.querySelectorAll("[data-key]")].find((element) =>
            /** @type {HTMLElement} */ (element).dataset.key === focused.dataset.key);
        /** @type {HTMLElement} */ (heir ?? parent).focus({ preventScroll: true });
    }

    // ------------------------------------------------------------------------------ the server

    /** Asks the tab's endpoint; all its routes are gradio's own, behind its login. */
    class Server {
        constructor() {
            this.isNear = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
            this.hasTiles = true;
        }

        /**
         * @param {Record<string, any>} question
         * @returns {Promise<any>}
         */
        async ask(question) {
            const response = await fetch("run/bleed_guard", {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify({ data: [JSON.stringify(question)] }),
            });
            const { status } = response;
            if (status === 401) throw new Error(say("You are logged out: reload the page."));
            if (!response.ok) throw new Error(say("The WebUI answered {status}.", { status }));
            const answer = JSON.parse((await response.json()).data[0]);
            if (answer.error) throw new Error(say(answer.error));
            return answer;
        }

        /**
         * Upload files of the user's; the answer is their paths on the server.
         * @param {File[]} files
         * @returns {Promise<string[]>}
         */
        async upload(files) {
            const form = new FormData();
            for (const file of files) form.append("files", file, file.name);
            const response = await fetch("upload", { method: "POST", body: form });
            const { ok, status } = response;
            if (!ok) throw new Error(say("The files were not taken ({status}).", { status }));
            return response.json();
        }

        /** @param {string} path */
        address(path) {
            return `file=${path.split(/[\\/]/).map(encodeURIComponent).join("/")}`;
        }

        /** @param {LayerFile} layer */
        async bitmap(layer) {
            const response = await get(this.address(layer.file));
            const picture = layer.packed ? await response.blob()
                : toPicture(new Uint8Array(await response.arrayBuffer()), layer.box);
            return createImageBitmap(picture, { colorSpaceConversion: "none" });
        }

        /** @param {LayerFile} layer */
        async values(layer) {
            return unpack(await get(this.address(layer.file)), layer.packed);
        }

        /**
         * The block of true values around a pixel.
         * @param {Layers} layers @param {{x: number, y: number}} pixel
         */
        async pixels(layers, { x, y }) {
            const question = { ask: "pixels", id: layers.id, image: layers.image.index, x, y };
            return unpackBlock(await this.ask(question));
        }
    }

    /**
     * The offline report in the server's place: all there is lies in the page, for one image.
     */
    class Offline {
        /** @param {any} content of the report */
        constructor(content) {
            this.content = content;
            this.isNear = false;
            this.hasTiles = false;
            this.block = /** @type {Promise<any> | null} */ (null);
        }

        /**
         * @param {Record<string, any>} question
         * @returns {Promise<any>}
         */
        async ask(question) {
            const { record, report, layers } = this.content;
            const answers = /** @type {Record<string, () => any>} */ ({
                list: () => ({ revision: "", records: [record] }),
                report: () => report,
                layers: () => ({ layers }),
                thumbnails: () => ({ files: [] }),
            });
            return answers[question.ask]();
        }

        /** @param {LayerFile} layer */
        async bitmap(layer) {
            return createImageBitmap(await (await get(layer.file)).blob());
        }

        /** @param {LayerFile} layer */
        async values(layer) {
            return unpack(await get(layer.file), true);
        }

        /**
         * All pixels in one block; of a reduced view each stands for several.
         * @param {Layers} layers
         */
        pixels(layers) {
            this.block ??= this.readPixels(layers);
            return this.block;
        }

        /** @param {Layers} layers */
        async readPixels({ base, extent }) {
            const plain = ["mask", "protected", "distance", "cause"];
            const values = await Promise.all(plain.map(async (name) =>
                [name, await unpack(await get(this.content.pixels[name]), true)]));
            const colors = await Promise.all(PHOTOGRAPHS.map(async (name) =>
                [name, readColors(await base.load(name), base.width, base.height)]));
            return {
                box: [0, 0, base.width, base.height], step: extent.factor,
                causes: this.content.causes,
                ...Object.fromEntries([...values, ...colors]),
            };
        }
    }

    /**
     * A file. Asking for a range keeps the host from packing it once more, which takes longer.
     * @param {string} address
     */
    async function get(address) {
        const isHere = address.startsWith("data:");
        const response = await fetch(address, isHere ? {} : { headers: { Range: "bytes=0-" } });
        if (!response.ok) throw new Error(say("The picture was not sent ({status}).", response));
        return response;
    }

    /**
     * The bytes of a file of values.
     * @param {Response} response @param {boolean} isPacked
     */
    async function unpack(response, isPacked) {
        if (!isPacked) return new Uint8Array(await response.arrayBuffer());
        const stream = /** @type {ReadableStream} */ (response.body)
            .pipeThrough(new DecompressionStream("deflate"));
        return new Uint8Array(await new Response(stream).arrayBuffer());
    }

    /**
     * Bare R, G, B as a picture.
     * @param {Uint8Array} colors @param {number[]} box that they fill
     */
    function toPicture(colors, [left, top, right, bottom]) {
        const picture = new ImageData(right - left, bottom - top);
        const pixels = new Uint32Array(picture.data.buffer);
        for (let at = 0, from = 0; at < pixels.length; at++, from += 3) {
            pixels[at] = colors[from] | colors[from + 1] << 8 | colors[from + 2] << 16 | 255 << 24;
        }
        return picture;
    }

    /**
     * R, G, B of every pixel of a picture.
     * @param {any} picture @param {number} width @param {number} height
     */
    function readColors(picture, width, height) {
        const context = pen(makeCanvas(width, height));
        context.drawImage(picture, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        const colors = new Uint8Array(3 * width * height);
        for (let at = 0; at < width * height; at++) {
            for (let channel = 0; channel < 3; channel++) {
                colors[3 * at + channel] = data[4 * at + channel];
            }
        }
        return colors;
    }

    // ------------------------------------------------------------------------------ layers

    /**
     * One rectangle of the picture in every layer: the whole (reduced if large), or a tile of
     * real pixels. Layers come when they are first drawn.
     */
    class Sheet {
        /**
         * @param {Layers} layers @param {[number, number] | null} tile column and row
         */
        constructor(layers, tile) {
            const { width, height, factor, tile: side } = layers.extent;
            this.layers = layers;
            this.tile = tile;
            this.factor = tile ? 1 : factor;
            this.left = tile ? tile[0] * side : 0;
            this.top = tile ? tile[1] * side : 0;
            this.width = tile ? Math.min(side, width - this.left) : Math.ceil(width / factor);
            this.height = tile ? Math.min(side, height - this.top) : Math.ceil(height / factor);
            this.photographs = /** @type {Map<string, CanvasImageSource>} */ (new Map());
            this.codes = /** @type {Map<string, any[]>} */ (new Map());
            this.heat = /** @type {Map<string, CanvasImageSource>} */ (new Map());
            this.outlines = /** @type {Path2D[] | null} */ (null);
        }

        /**
         * What to draw for a layer, and how many px each of its cells is; null while it is not
         * there.
         * @param {string} layer @param {string} scale @param {number} zoom device px per px
         * @returns {{picture: any, cell: number} | null}
         */
        drawable(layer, scale, zoom) {
            if (PHOTOGRAPHS.includes(layer)) return this.photograph(layer);
            const name = nameLayer(layer, scale);
            const codes = this.codes.get(name);
            if (!codes) {
                this.layers.request(name, this);
                return null;
            }
            const level = Math.max(0, Math.ceil(-Math.log2(zoom * this.factor)));
            return { picture: this.color(name, codes, scale, level), cell: 2 ** level };
        }

        /**
         * A photograph, once it is there.
         * @param {string} name
         * @returns {Promise<any>}
         */
        async load(name) {
            await this.layers.request(name, this);
            return this.photographs.get(name);
        }

        /** @param {string} layer */
        photograph(layer) {
            const picture = this.photographs.get(layer);
            if (!picture) this.layers.request(layer, this);
            return picture ? { picture, cell: 1 } : null;
        }

        /**
         * The codes of a scale in colour, halved `level` times.
         * @param {string} name @param {any[]} codes @param {string} scale @param {number} level
         */
        color(name, codes, scale, level) {
            const key = `${name} ${scale} ${level}`;
            let canvas = this.heat.get(key);
            if (!canvas) {
                const ranks = cells.ranks(scale);
                while (codes.length <= level) {
                    const last = codes[codes.length - 1];
                    codes.push(cells.halve(last.codes, last.width, last.height, ranks));
                }
                canvas = paint(codes[level], this.layers.colors[scale]);
                this.heat.set(key, canvas);
            }
            return canvas;
        }

        /** Outlines of the mask and of the predicted reach, in px of the sheet. */
        findOutlines() {
            if (!this.outlines) this.layers.request("areas", this);
            return this.outlines;
        }

        /**
         * Take a layer that has arrived.
         * @param {string} name @param {LayerFile} file @param {any} content
         */
        receive(name, file, content) {
            if (name === "areas") this.outlines = trace(content, file.box, this);
            else if (!PHOTOGRAPHS.includes(name)) this.receiveCodes(name, file, content);
            else if (name === "reference") this.photographs.set(name, content);
            else this.photographs.set(name, this.patch(content, file.box));
        }

        /** @param {string} name @param {LayerFile} file @param {Uint8Array | null} content */
        receiveCodes(name, file, content) {
            const unchanged = name.startsWith("signed") ? 128 : 1;
            const part = content ?? new Uint8Array();
            const codes = cells.place(part, file.box, this.width, this.height, unchanged);
            this.codes.set(name, [{ codes, width: this.width, height: this.height }]);
        }

        /**
         * The reference with what differs laid over it.
         * @param {ImageBitmap | null} part @param {number[]} box
         */
        patch(part, box) {
            const reference = /** @type {CanvasImageSource} */ (this.photographs.get("reference"));
            if (!part) return reference;
            const canvas = makeCanvas(this.width, this.height);
            const context = pen(canvas);
            context.drawImage(reference, 0, 0);
            context.drawImage(part, box[0], box[1]);
            part.close();
            return canvas;
        }
    }

    /** The layers of one image, in sheets: the whole, and tiles as far as they were looked at. */
    class Layers {
        /**
         * @param {any} server @param {string} id of the record @param {ImageEntry} image
         * @param {Record<string, Uint32Array>} colors of the codes, by scale
         * @param {Tell} changed told when a layer has arrived, or failed
         */
        constructor(server, id, image, colors, changed) {
            this.server = server;
            this.id = id;
            this.image = image;
            this.extent = /** @type {Extent} */ (image.view);
            this.colors = colors;
            this.changed = changed;
            this.base = new Sheet(this, null);
            this.tiles = /** @type {Map<string, Sheet>} */ (new Map());
            this.asked = /** @type {Map<string, Promise<void>>} */ (new Map());
            this.failures = new Failures();
            this.pending = /** @type {Map<Sheet, {names: string[], answer: any}>} */ (new Map());
        }

        /**
         * Ask for what is seen first: the two layers and the outlines of the whole.
         * @param {{first: string, second: string, scale: string}} options
         */
        prepare({ first, second, scale }) {
            const wanted = [first, second].map((layer) => nameLayer(layer, scale));
            const asked = [...wanted, "areas"].map((name) => this.request(name, this.base));
            return Promise.allSettled(asked);
        }

        /** Whether the picture has a pixel. @param {{x: number, y: number} | null} pixel */
        holds(pixel) {
            const { width, height } = this.extent;
            return pixel !== null && pixel.x >= 0 && pixel.y >= 0 &&
                pixel.x < width && pixel.y < height;
        }

        /** @param {[number, number]} tile */
        sheet(tile) {
            const key = tile.join();
            const sheet = this.tiles.get(key) ?? new Sheet(this, tile);
            this.tiles.delete(key);
            this.tiles.set(key, sheet);
            if (this.tiles.size > MOST_TILES) this.forgetOldest();
            return sheet;
        }

        forgetOldest() {
            const [key, sheet] = /** @type {[string, Sheet]} */ (this.tiles.entries().next().value);
            this.tiles.delete(key);
            for (const name of this.asked.keys()) {
                if (name.endsWith(` ${sheet.tile}`)) this.asked.delete(name);
            }
        }

        /**
         * Ask for a layer of a sheet, once; for one that failed, again a while later. What is asked
         * for in one go goes in one question.
         * @param {string} name @param {Sheet} sheet
         * @returns {Promise<void>}
         */
        request(name, sheet) {
            const key = `${name} ${sheet.tile}`;
            const known = this.asked.get(key);
            if (known) return known;
            const { answer } = this.collect(name, sheet);
            const isPatch = PHOTOGRAPHS.includes(name) && name !== "reference";
            const reference = isPatch ? this.request("reference", sheet) : null;
            const loading = this.receive(sheet, name, answer, reference);
            loading.then(() => this.changed(name, null), (error) => {
                this.failures.note(key, () => this.asked.delete(key));
                this.changed(name, error, tellLayer(name));
            });
            this.asked.set(key, loading);
            return loading;
        }

        /** @param {string} name @param {Sheet} sheet */
        collect(name, sheet) {
            const open = this.pending.get(sheet);
            const question = open ?? { names: /** @type {string[]} */ ([]), answer: null };
            question.names.push(name);
            if (open) return open;
            this.pending.set(sheet, question);
            question.answer = Promise.resolve().then(() => {
                this.pending.delete(sheet);
                return this.server.ask({
                    ask: "layers", id: this.id, image: this.image.index, tile: sheet.tile,
                    layers: question.names, is_near: this.server.isNear,
                });
            });
            return question;
        }

        /**
         * Fetch a layer once it is known where it lies, and hand it over behind its reference.
         * @param {Sheet} sheet @param {string} name @param {Promise<any>} answer
         * @param {Promise<void> | null} reference
         */
        async receive(sheet, name, answer, reference) {
            const file = (await answer).layers[name];
            const isPhotograph = PHOTOGRAPHS.includes(name);
            const content = !file.file ? null
                : await (isPhotograph ? this.server.bitmap(file) : this.server.values(file));
            await reference;
            sheet.receive(name, file, content);
        }
    }
    const MOST_TILES = 48;
    const PAUSE = 1000; // ms before what failed is asked for again; it doubles each time
    const MOST_TRIES = 6;

    /** What failed: it may be asked for again a while later, some times. */
    class Failures {
        constructor() {
            this.counts = /** @type {Map<string, number>} */ (new Map());
        }

        /** @param {string} key @param {() => void} forget lets it be asked for again */
        note(key, forget) {
            const before = this.counts.get(key) ?? 0;
            this.counts.set(key, before + 1);
            if (before + 1 < MOST_TRIES) setTimeout(forget, PAUSE * 2 ** before);
        }
    }

    /** What a layer is called. @param {string} name by which the server knows it */
    function tellLayer(name) {
        if (name === "areas") return say("Outlines");
        if (PHOTOGRAPHS.includes(name)) return names.layers()[name];
        return names.layers()[name.endsWith("result") ? "heat-result" : "heat-unguarded"];
    }

    /**
     * The server's name of a layer: a heatmap is drawn from differences on some scale.
     * @param {string} layer @param {string} scale
     */
    function nameLayer(layer, scale) {
        if (PHOTOGRAPHS.includes(layer)) return layer;
        const measure = scale === "log" || scale === "linear" ? "levels" : scale;
        return `${measure}-${layer.replace("heat-", "")}`;
    }

    /** @param {number} width @param {number} height */
    function makeCanvas(width, height) {
        const canvas = document.createElement("canvas");
        canvas.width = width;
        canvas.height = height;
        return canvas;
    }

    /** @param {HTMLCanvasElement} canvas */
    function pen(canvas) {
        return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    }

    /**
     * Codes in colour.
     * @param {{codes: Uint8Array, width: number, height: number}} sheet
     * @param {Uint32Array} colors of each code, as ImageData has them
     */
    function paint({ codes, width, height }, colors) {
        const canvas = makeCanvas(width, height);
        const picture = new ImageData(width, height);
        const pixels = new Uint32Array(picture.data.buffer);
        for (let at = 0; at < codes.length; at++) pixels[at] = colors[codes[at]];
        pen(canvas).putImageData(picture, 0, 0);
        return canvas;
    }

    /**
     * Paths around the mask and around the predicted reach, in px of the sheet.
     * @param {Uint8Array | null} areas codes: 2 mask, 1 reach @param {number[]} box
     * @param {Sheet} sheet
     */
    function trace(areas, [left, top, right, bottom], sheet) {
        const isCut = (/** @type {number} */ at, /** @type {number} */ end) =>
            sheet.tile !== null && (at === 0 || at === end);
        return [2, 1].map((level) => {
            const path = new Path2D();
            if (!areas) return path;
            const runs = cells.trace(areas, right - left, bottom - top, level);
            for (let at = 0; at < runs.length; at += 4) {
                const [x0, y0] = [left + runs[at], top + runs[at + 1]];
                const [x1, y1] = [left + runs[at + 2], top + runs[at + 3]];
                if (x0 === x1 ? isCut(x0, sheet.width) : isCut(y0, sheet.height)) continue;
                path.moveTo(x0, y0);
                path.lineTo(x1, y1);
            }
            return path;
        });
    }

    // ------------------------------------------------------------------------------ the picture

    /** The canvas: layers compared, zoomed and panned together. */
    class Stage {
        /**
         * @param {{look: (pixel: {x: number, y: number} | null) => void,
         *   changed: () => void}} listener told which pixel is looked at, and what was moved
         */
        constructor(listener) {
            this.listener = listener;
            this.layers = /** @type {Layers | null} */ (null);
            this.view = /** @type {View} */ ({ scale: 1, x: 0, y: 0 });
            this.options = {
                mode: "slider", first: "result", second: "heat-unguarded", scale: "log",
                opacity: 0.6, mask: true, reach: true, crop: true, spots: true,
            };
            this.spots = /** @type {Spot[]} */ ([]);
            this.split = 0.5;
            this.isSecond = false;
            this.isFitted = true;
            this.mark = /** @type {{x: number, y: number} | null} */ (null);
            this.frame = 0;
            this.canvas = make("canvas", {
                "class": css("canvas"), "tabindex": "0", "role": "application",
                "aria-label": say("Compared pictures: + and - zoom, arrows move, Space swaps"),
            });
            this.divider = make("input", {
                "type": "range", "min": "0", "max": "1000", "value": "500",
                "class": css("divider"), "aria-label": say("Divider between the two layers"),
                "title": say("Drag the divider in the picture, or use the arrow keys here"),
                "oninput": () => this.setSplit(Number(this.divider.value) / 1000),
                "onfocus": () => this.request(), "onblur": () => this.request(),
            });
            this.labels = [0, 1].map(() => make("span", { "class": css("layer-label") }));
            this.element = make("div", { "class": css("stage") },
                this.canvas, ...this.labels, this.divider);
            new Gestures(this);
            new ResizeObserver(() => this.resize()).observe(this.element);
        }

        /**
         * Show another image. One of the same size keeps the view, so that runs can be compared.
         * @param {Layers | null} layers
         */
        show(layers) {
            const before = this.layers?.extent, now = layers?.extent;
            const tell = (/** @type {Extent | undefined} */ extent) =>
                extent && `${extent.width} x ${extent.height}`;
            this.layers = layers;
            this.spots = [];
            if (!layers?.holds(this.mark)) this.mark = null;
            if (tell(before) !== tell(now)) this.fit();
            this.request();
        }

        /**
         * Where a heatmap is shown, let it be the one that has something to tell.
         * @param {string} heat
         */
        showHeatOf(heat) {
            const { options } = this;
            if (options.first.startsWith("heat")) options.first = heat;
            if (options.second.startsWith("heat")) options.second = heat;
        }

        /** @param {Record<string, any>} options those that change */
        set(options) {
            Object.assign(this.options, options);
            clearInterval(this.blinking);
            this.isSecond = false;
            if (this.options.mode === "blink") {
                this.blinking = setInterval(() => this.swap(), 700);
            }
            if (this.isFitted) this.fit();
            this.view = this.clamp(this.view);
            this.request();
        }

        /** Show the other layer; where both are seen, let them change places. */
        swap() {
            const { mode, first, second } = this.options;
            if (mode === "single" || mode === "blink") this.isSecond = !this.isSecond;
            else Object.assign(this.options, { first: second, second: first });
            this.request();
        }

        /** @param {number} split 0 to 1 */
        setSplit(split) {
            this.split = Math.min(Math.max(split, 0), 1);
            this.divider.value = String(Math.round(this.split * 1000));
            this.request();
        }

        resize() {
            const { clientWidth: width, clientHeight: height } = this.element;
            const ratio = window.devicePixelRatio || 1;
            this.canvas.width = Math.round(width * ratio);
            this.canvas.height = Math.round(height * ratio);
            if (this.isFitted) this.fit();
            else this.view = this.clamp(this.view);
            this.draw();
            this.listener.changed();
        }

        /** Where each layer is drawn, in CSS px. */
        get panes() {
            const { clientWidth: width, clientHeight: height } = this.element;
            if (this.options.mode !== "side") return [{ left: 0, top: 0, width, height }];
            const isWide = width >= height * 1.2;
            const across = isWide ? width / 2 : width, down = isWide ? height : height / 2;
            const size = { width: across, height: down };
            const second = { left: width - across, top: height - down, ...size };
            return [{ left: 0, top: 0, ...size }, second];
        }

        /** @param {View} view */
        clamp(view) {
            if (!this.layers) return view;
            const { width, height } = this.layers.extent;
            const [pane] = this.panes;
            return geometry.clamp(view, width, height, pane.width, pane.height);
        }

        fit() {
            if (!this.layers) return;
            const { width, height } = this.layers.extent;
            const [pane] = this.panes;
            const [across, down] = [Math.max(pane.width, 1), Math.max(pane.height, 1)];
            this.view = geometry.fit(width, height, across, down);
            this.isFitted = true;
            this.request();
        }

        /** One pixel of the picture on one of the screen, around the middle. */
        showRealPixels() {
            const [pane] = this.panes;
            this.zoomTo(1 / (window.devicePixelRatio || 1), pane.width / 2, pane.height / 2);
        }

        /** @param {number} factor @param {number} [x] @param {number} [y] in the pane */
        zoomBy(factor, x, y) {
            const [pane] = this.panes;
            this.zoomTo(this.view.scale * factor, x ?? pane.width / 2, y ?? pane.height / 2);
        }

        /** @param {number} scale @param {number} x @param {number} y */
        zoomTo(scale, x, y) {
            if (!this.layers) return;
            const { width, height } = this.layers.extent;
            const [pane] = this.panes;
            const fitted = geometry.fit(width, height, pane.width, pane.height).scale;
            const smallest = Math.min(fitted, 1 / (window.devicePixelRatio || 1));
            const bounded = Math.min(Math.max(scale, smallest), LARGEST_SCALE);
            this.view = this.clamp(geometry.zoom(this.view, bounded, x, y));
            this.isFitted = Math.abs(bounded - fitted) < 1e-9;
            this.request();
        }

        /** @param {number} x @param {number} y CSS px to move the picture by */
        pan(x, y) {
            const view = this.clamp({ ...this.view, x: this.view.x + x, y: this.view.y + y });
            if (view.x === this.view.x && view.y === this.view.y) return;
            this.view = view;
            this.isFitted = false;
            this.request();
        }

        /**
         * Bring a pixel to the middle, large enough to see, and look at it.
         * @param {number} x @param {number} y of the picture @param {number} [scale]
         */
        fly(x, y, scale = 24) {
            const [pane] = this.panes;
            const middle = this.options.mode === "slider" ? this.middleBesideDivider() : 0.5;
            this.view = this.clamp({
                scale,
                x: pane.width * middle - (x + 0.5) * scale,
                y: pane.height / 2 - (y + 0.5) * scale,
            });
            this.isFitted = false;
            this.look({ x, y });
        }

        /** Where the divider does not cover it: the middle of the larger side, 0 to 1. */
        middleBesideDivider() {
            return this.split > 0.5 ? this.split / 2 : (1 + this.split) / 2;
        }

        /** @param {{x: number, y: number} | null} pixel */
        look(pixel) {
            this.mark = pixel;
            this.listener.look(pixel);
            this.request();
        }

        /**
         * The picture's pixel under a point of the canvas, or null beside the picture.
         * @param {number} x @param {number} y in CSS px
         */
        pixelUnder(x, y) {
            if (!this.layers) return null;
            const at = this.inPane(x, y);
            const pixel = geometry.pixelAt(this.view, at.x, at.y);
            return this.layers.holds(pixel) ? pixel : null;
        }

        /** A point of the canvas in the pane it is in. @param {number} x @param {number} y */
        inPane(x, y) {
            const pane = this.panes.find(({ left, top, width, height }) =>
                x >= left && y >= top && x < left + width && y < top + height) ?? this.panes[0];
            return { x: x - pane.left, y: y - pane.top };
        }

        /** Draw soon, once. */
        request() {
            if (this.frame) return;
            this.frame = requestAnimationFrame(() => {
                this.frame = 0;
                this.draw();
                this.listener.changed();
            });
        }

        draw() {
            // A picture that is all in sight lets the page scroll on under a finger.
            this.canvas.style.touchAction = this.isFitted ? "pan-y" : "none";
            const context = pen(this.canvas);
            context.setTransform(1, 0, 0, 1, 0, 0);
            context.clearRect(0, 0, this.canvas.width, this.canvas.height);
            if (!this.layers || !this.canvas.width) return;
            const shown = this.arrange();
            shown.forEach((entry) => this.drawPane(context, entry));
            this.drawDivider(context);
            this.tellLabels(shown);
        }

        /** What is drawn where: layer, pane, visible part of it, opacity. */
        arrange() {
            const { mode, first, second, opacity } = this.options;
            const [pane, other] = this.panes;
            const all = { ...pane };
            if (mode === "side") {
                return [
                    { layer: first, pane, part: all, alpha: 1 },
                    { layer: second, pane: other, part: { ...other }, alpha: 1 },
                ];
            }
            if (mode === "slider") {
                const at = pane.width * this.split;
                const right = { ...all, left: at, width: pane.width - at };
                return [
                    { layer: first, pane, part: { ...all, width: at }, alpha: 1 },
                    { layer: second, pane, part: right, alpha: 1 },
                ];
            }
            if (mode === "onion") {
                return [
                    { layer: first, pane, part: all, alpha: 1 },
                    { layer: second, pane, part: all, alpha: opacity },
                ];
            }
            return [{ layer: this.isSecond ? second : first, pane, part: all, alpha: 1 }];
        }

        /** @param {CanvasRenderingContext2D} context @param {any} entry of `arrange` */
        drawPane(context, { layer, pane, part, alpha }) {
            const ratio = this.canvas.width / this.element.clientWidth;
            context.save();
            context.scale(ratio, ratio);
            context.beginPath();
            context.rect(part.left, part.top, part.width, part.height);
            context.clip();
            const zoom = this.view.scale * ratio;
            const align = (/** @type {number} */ at) => Math.round(at * ratio) / ratio;
            context.translate(align(pane.left + this.view.x), align(pane.top + this.view.y));
            context.scale(this.view.scale, this.view.scale);
            context.globalAlpha = alpha;
            const sheets = this.sheets(pane, zoom);
            for (const sheet of sheets) this.drawSheet(context, sheet, layer, zoom);
            context.globalAlpha = 1;
            this.drawGrid(context, ratio);
            this.drawOutlines(context, sheets);
            context.restore();
        }

        /**
         * The whole picture, and tiles of its real pixels where the whole is too coarse.
         * @param {{width: number, height: number}} pane @param {number} zoom
         */
        sheets(pane, zoom) {
            const layers = /** @type {Layers} */ (this.layers);
            const sheets = [layers.base];
            const { hasTiles } = layers.server;
            if (!hasTiles || layers.extent.factor === 1 || zoom * layers.extent.factor <= 1.25) {
                return sheets;
            }
            const { width, height } = pane;
            const tiles = geometry.tilesInSight(this.view, layers.extent, width, height);
            if (tiles.length > MOST_TILES / 2) return sheets;
            return [...sheets, ...tiles.map((tile) => layers.sheet(tile))];
        }

        /**
         * @param {CanvasRenderingContext2D} context @param {Sheet} sheet @param {string} layer
         * @param {number} zoom
         */
        drawSheet(context, sheet, layer, zoom) {
            const shown = sheet.drawable(layer, this.options.scale, zoom);
            if (!shown) return;
            const { picture, cell } = shown;
            const size = cell * sheet.factor;
            const isReal = sheet.factor === 1;
            const isSmall = zoom * size < 1;
            context.imageSmoothingEnabled = PHOTOGRAPHS.includes(layer) && (isSmall || !isReal);
            context.imageSmoothingQuality = "high";
            context.drawImage(picture, sheet.left, sheet.top,
                picture.width * size, picture.height * size);
        }

        /**
         * Lines between pixels, once they are large.
         * @param {CanvasRenderingContext2D} context @param {number} ratio
         */
        drawGrid(context, ratio) {
            if (this.view.scale < GRID_SCALE) return;
            const { width, height } = /** @type {Layers} */ (this.layers).extent;
            const { clientWidth, clientHeight } = this.element;
            const first = geometry.pixelAt(this.view, 0, 0);
            const last = geometry.pixelAt(this.view, clientWidth, clientHeight);
            context.beginPath();
            for (let x = Math.max(first.x, 0); x <= Math.min(last.x + 1, width); x++) {
                context.moveTo(x, Math.max(first.y, 0));
                context.lineTo(x, Math.min(last.y + 1, height));
            }
            for (let y = Math.max(first.y, 0); y <= Math.min(last.y + 1, height); y++) {
                context.moveTo(Math.max(first.x, 0), y);
                context.lineTo(Math.min(last.x + 1, width), y);
            }
            context.lineWidth = 1 / ratio / this.view.scale;
            context.strokeStyle = "rgba(128, 128, 128, 0.35)";
            context.stroke();
        }

        /**
         * Mask, predicted reach and crop box. A tile's outline lies over the coarser one of the
         * whole.
         * @param {CanvasRenderingContext2D} context @param {Sheet[]} sheets
         */
        drawOutlines(context, sheets) {
            const { mask, reach, crop, spots } = this.options;
            if (mask || reach) this.drawTraced(context, sheets);
            if (crop) this.drawCropBox(context);
            if (spots && this.view.scale < GRID_SCALE) this.drawSpots(context);
            if (this.mark) this.drawMark(context, this.mark);
        }

        /** @param {CanvasRenderingContext2D} context */
        drawCropBox(context) {
            const box = /** @type {Layers} */ (this.layers).image.crop_box;
            if (!box) return;
            const path = new Path2D();
            path.rect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
            const line = 1 / this.view.scale;
            const dash = [12, 4, 2, 4].map((length) => length * line);
            this.stroke(context, path, line, dash, "#7fdbff");
        }

        /**
         * Rings around the worst spots, so that a single pixel is found in a large picture.
         * @param {CanvasRenderingContext2D} context
         */
        drawSpots(context) {
            const line = 1 / this.view.scale;
            const path = new Path2D();
            for (const { x, y } of this.spots) {
                path.moveTo(x + 0.5 + 9 * line, y + 0.5);
                path.arc(x + 0.5, y + 0.5, 9 * line, 0, 2 * Math.PI);
            }
            this.stroke(context, path, line, [], "#ff8fd0");
        }

        /** @param {CanvasRenderingContext2D} context @param {Sheet[]} sheets */
        drawTraced(context, sheets) {
            const traced = sheets.filter((sheet) => sheet.findOutlines());
            const fine = traced.filter((sheet) => sheet.tile);
            for (const sheet of fine.length ? fine : traced) this.drawSheetTraced(context, sheet);
        }

        /** @param {CanvasRenderingContext2D} context @param {Sheet} sheet */
        drawSheetTraced(context, sheet) {
            const [mask, reach] = /** @type {Path2D[]} */ (sheet.outlines);
            context.save();
            context.translate(sheet.left, sheet.top);
            context.scale(sheet.factor, sheet.factor);
            const thin = 1 / (this.view.scale * sheet.factor);
            if (this.options.reach) {
                this.stroke(context, reach, thin, [5 * thin, 4 * thin], "#ffd166");
            }
            if (this.options.mask) this.stroke(context, mask, thin, [], "#ffffff");
            context.restore();
        }

        /**
         * A line that is seen on light and dark.
         * @param {CanvasRenderingContext2D} context @param {Path2D} path @param {number} thin
         * @param {number[]} dash @param {string} color
         */
        stroke(context, path, thin, dash, color) {
            context.setLineDash(dash);
            context.lineWidth = 3 * thin;
            context.strokeStyle = "rgba(0, 0, 0, 0.55)";
            context.stroke(path);
            context.lineWidth = 1.25 * thin;
            context.strokeStyle = color;
            context.stroke(path);
            context.setLineDash([]);
        }

        /** @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} pixel */
        drawMark(context, { x, y }) {
            const line = 1 / this.view.scale;
            const grown = Math.max(0, (9 * line - 1) / 2);
            const path = new Path2D();
            path.rect(x - grown, y - grown, 1 + 2 * grown, 1 + 2 * grown);
            this.stroke(context, path, line, [], "#ffffff");
        }

        /** @param {CanvasRenderingContext2D} context */
        drawDivider(context) {
            const isShown = this.options.mode === "slider";
            this.divider.hidden = !isShown;
            if (!isShown) return;
            const ratio = this.canvas.width / this.element.clientWidth;
            const { width, height } = this.canvas;
            const at = Math.round(geometry.within(width * this.split, 2 * ratio, width));
            context.fillStyle = "rgba(0, 0, 0, 0.5)";
            context.fillRect(at - 2 * ratio, 0, 4 * ratio, height);
            context.fillStyle = "#ffffff";
            context.fillRect(at - ratio, 0, 2 * ratio, height);
            context.save();
            context.scale(ratio, ratio);
            context.translate(this.handle, height / ratio / 2);
            this.drawHandle(context, this.divider.matches(":focus-visible"));
            context.restore();
        }

        /** Where the divider's handle is, in CSS px: all of it in sight. */
        get handle() {
            const { clientWidth: width } = this.element;
            return geometry.within(width * this.split, HANDLE + 4, width);
        }

        /** @param {CanvasRenderingContext2D} context @param {boolean} hasFocus */
        drawHandle(context, hasFocus) {
            const rings = /** @type {[number, string][]} */ (hasFocus
                ? [[HANDLE + 4, "#1f2937"], [HANDLE + 2, "#ffd166"], [HANDLE, "#ffffff"]]
                : [[HANDLE, "#ffffff"]]);
            for (const [radius, color] of rings) {
                context.fillStyle = color;
                context.beginPath();
                context.arc(0, 0, radius, 0, 2 * Math.PI);
                context.fill();
            }
            context.fillStyle = "#1f2937";
            for (const side of [-1, 1]) {
                context.beginPath();
                context.moveTo(side * 9, 0);
                context.lineTo(side * 4, -5);
                context.lineTo(side * 4, 5);
                context.fill();
            }
        }

        /** Names of the layers where they are seen. @param {any[]} shown of `arrange` */
        tellLabels(shown) {
            const isSlider = this.options.mode === "slider";
            this.labels.forEach((label, index) => {
                const entry = shown[index];
                label.hidden = !entry || (isSlider && entry.part.width < 40);
                if (label.hidden) return;
                const name = names.layers()[entry.layer];
                if (label.textContent !== name) label.textContent = name;
                const isRight = index === 1 && this.options.mode !== "side";
                label.style.left = isRight ? "auto" : `${entry.part.left + 8}px`;
                label.style.right = isRight ? "8px" : "auto";
                label.style.top = `${entry.part.top + 8}px`;
                label.style.maxWidth = `${Math.max(entry.part.width - 16, 0)}px`;
            });
        }
    }

    const HANDLE = 13; // radius in CSS px

    /** Mouse, touch and keys on a stage. */
    class Gestures {
        /** @param {Stage} stage */
        constructor(stage) {
            this.stage = stage;
            this.pointers = /** @type {Map<number, {x: number, y: number}>} */ (new Map());
            this.drag = "";
            const { canvas } = stage;
            canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ e) => this.down(e));
            canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ e) => this.move(e));
            for (const end of ["pointerup", "pointercancel"]) {
                canvas.addEventListener(end, (/** @type {PointerEvent} */ e) => this.up(e));
            }
            canvas.addEventListener("pointerleave", (/** @type {PointerEvent} */ e) =>
                this.leave(e));
            canvas.addEventListener("dblclick", (/** @type {MouseEvent} */ e) => this.double(e));
            canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => this.key(e));
            canvas.addEventListener("wheel", (/** @type {WheelEvent} */ e) => this.wheel(e),
                { passive: false });
        }

        /** @param {MouseEvent} event */
        point(event) {
            const box = this.stage.canvas.getBoundingClientRect();
            return { x: event.clientX - box.left, y: event.clientY - box.top };
        }

        /** @param {{x: number, y: number}} at */
        isOnDivider(at) {
            const { options, split, element, handle } = this.stage;
            const places = [split * element.clientWidth, handle];
            return options.mode === "slider" && places.some((x) => Math.abs(at.x - x) < 16);
        }

        /** @param {PointerEvent} event */
        down(event) {
            const at = this.point(event);
            this.stage.canvas.setPointerCapture(event.pointerId);
            this.pointers.set(event.pointerId, at);
            if (this.pointers.size === 1) this.drag = this.isOnDivider(at) ? "divider" : "pan";
            else this.drag = "pinch";
            if (this.drag === "pan") this.stage.look(this.stage.pixelUnder(at.x, at.y));
        }

        /** @param {PointerEvent} event */
        move(event) {
            const at = this.point(event);
            const before = this.pointers.get(event.pointerId);
            if (!before) {
                this.hover(at);
                return;
            }
            const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
            this.pointers.set(event.pointerId, at);
            if (this.drag === "divider") this.stage.setSplit(at.x / this.stage.element.clientWidth);
            else if (others.length) this.pinch(before, at, others[0][1]);
            else this.stage.pan(at.x - before.x, at.y - before.y);
        }

        /** @param {{x: number, y: number}} at */
        hover(at) {
            this.stage.canvas.style.cursor = this.isOnDivider(at) ? "ew-resize" : "crosshair";
            this.stage.look(this.stage.pixelUnder(at.x, at.y));
        }

        /**
         * Two fingers: what was between them stays between them.
         * @param {{x: number, y: number}} before @param {{x: number, y: number}} now
         * @param {{x: number, y: number}} other finger, which rests
         */
        pinch(before, now, other) {
            const far = Math.hypot(before.x - other.x, before.y - other.y);
            const ratio = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(far, 1);
            this.stage.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
            this.stage.zoomBy(ratio, (now.x + other.x) / 2, (now.y + other.y) / 2);
        }

        /** @param {PointerEvent} event */
        up(event) {
            this.pointers.delete(event.pointerId);
            this.drag = this.pointers.size ? "pan" : "";
        }

        /** A finger leaves with every tap: what it pointed at stays. @param {PointerEvent} event */
        leave(event) {
            if (event.pointerType !== "touch" && !this.pointers.size) this.stage.look(null);
        }

        /** @param {MouseEvent} event */
        double(event) {
            const at = this.stage.inPane(this.point(event).x, this.point(event).y);
            if (this.stage.isFitted) this.stage.zoomTo(8, at.x, at.y);
            else this.stage.fit();
        }

        /** The page scrolls on where there is nothing left to zoom. @param {WheelEvent} event */
        wheel(event) {
            const { stage } = this;
            if (!stage.layers || (event.deltaY > 0 && stage.isFitted)) return;
            event.preventDefault();
            const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
            const at = stage.inPane(this.point(event).x, this.point(event).y);
            stage.zoomBy(Math.exp(-Math.max(-240, Math.min(240, pixels)) / 300), at.x, at.y);
        }

        /** @param {KeyboardEvent} event */
        key(event) {
            if (event.ctrlKey || event.metaKey || event.altKey) return;
            const { stage } = this;
            const step = event.shiftKey ? 200 : 40;
            const actions = /** @type {Record<string, () => void>} */ ({
                "+": () => stage.zoomBy(1.5), "=": () => stage.zoomBy(1.5),
                "-": () => stage.zoomBy(1 / 1.5), "0": () => stage.fit(),
                "1": () => stage.showRealPixels(), " ": () => stage.swap(),
                "ArrowLeft": () => stage.pan(step, 0), "ArrowRight": () => stage.pan(-step, 0),
                "ArrowUp": () => stage.pan(0, step), "ArrowDown": () => stage.pan(0, -step),
            });
            const action = actions[event.key];
            if (!action) return;
            event.preventDefault();
            event.stopPropagation();
            action();
            if (event.key.startsWith("Arrow")) this.lookAtMiddle();
        }

        lookAtMiddle() {
            const [pane] = this.stage.panes;
            this.stage.look(this.stage.pixelUnder(pane.width / 2, pane.height / 2));
        }
    }

    // ------------------------------------------------------------------------------ the inspector

    /** True values of one image in blocks, straight from the arrays: one is asked for at a time. */
    class Blocks {
        /**
         * @param {(pixel: {x: number, y: number}) => Promise<any>} load the block around a pixel
         * @param {Tell} changed told when one has arrived, or failed
         */
        constructor(load, changed) {
            this.load = load;
            this.changed = changed;
            this.known = /** @type {Map<string, any>} */ (new Map());
            this.failures = new Failures();
            this.isAsking = false;
        }

        /**
         * The block that holds a pixel. One that is not there is asked for, unless another is on
         * its way: whoever still needs it then asks again when he is told of that one.
         * @param {{x: number, y: number}} pixel
         */
        find(pixel) {
            const key = [pixel.x, pixel.y].map((at) => Math.floor(at / BLOCK)).join();
            const block = this.known.get(key);
            if (block === undefined && !this.isAsking) this.ask(key, pixel);
            return block ?? null;
        }

        /** @param {string} key @param {{x: number, y: number}} pixel */
        async ask(key, pixel) {
            this.isAsking = true;
            let failed = null;
            try {
                this.keep(key, await this.load(pixel));
            } catch (error) {
                this.known.set(key, null); // not asked for again at once
                this.failures.note(key, () => this.known.delete(key));
                failed = /** @type {Error} */ (error);
            }
            this.isAsking = false;
            this.changed("pixels", failed, say("Pixel"));
        }

        /** @param {string} key @param {any} block */
        keep(key, block) {
            this.known.set(key, block);
            if (this.known.size > MOST_BLOCKS) {
                this.known.delete(/** @type {string} */ (this.known.keys().next().value));
            }
        }
    }
    const BLOCK = 64;
    const MOST_BLOCKS = 400;

    /** The line of true values under the picture. */
    class Inspector {
        /** @param {Tell} tellTrouble */
        constructor(tellTrouble) {
            this.tellTrouble = tellTrouble;
            this.layers = /** @type {Layers | null} */ (null);
            this.blocks = /** @type {Blocks | null} */ (null);
            this.isGuarded = true;
            this.pixel = /** @type {{x: number, y: number} | null} */ (null);
            this.cells = Object.fromEntries([
                ["place", say("Pixel")], ["reference", say("Original")],
                ["unguarded", say("Without the guard")], ["result", say("Result")],
                ["difference", say("Difference")], ["distance", say("From the mask")],
                ["zone", say("Zone")], ["stage", say("Changed by")],
            ].map(([name, label]) => [name, makeFact(label)]));
            this.element = make("dl", { "class": css("inspector"), "aria-label": say("Pixel") },
                ...Object.values(this.cells).map((cell) => cell.element));
            this.tell(null);
        }

        /**
         * @param {Layers | null} layers
         * @param {boolean} [isGuarded] whether there is what the host alone would have given
         */
        show(layers, isGuarded = true) {
            this.layers = layers;
            this.isGuarded = isGuarded;
            this.blocks = layers && this.makeBlocks(layers);
            this.tell(null); // until the new picture's values are there
            this.look(layers?.holds(this.pixel) ? this.pixel : null);
        }

        /** @param {Layers} layers */
        makeBlocks(layers) {
            const load = (/** @type {{x: number, y: number}} */ pixel) =>
                layers.server.pixels(layers, pixel);
            return new Blocks(load, (key, error, name) => {
                if (layers !== this.layers) return;
                this.tellTrouble(key, error, name);
                this.look(this.pixel);
            });
        }

        /** @param {{x: number, y: number} | null} pixel */
        look(pixel) {
            this.pixel = pixel;
            const block = pixel && this.blocks?.find(pixel);
            if (block) this.tell(readPixel(block, pixel));
            else if (!pixel || !this.blocks?.isAsking) this.tell(null);
        }

        /** @param {any} pixel of `readPixel`, or null for none */
        tell(pixel) {
            const { cells: shown } = this;
            const image = this.layers?.image;
            if (!pixel || !image) {
                for (const cell of Object.values(shown)) cell.tell("–");
                return;
            }
            shown.place.tell(`${pixel.x}, ${pixel.y}`);
            for (const name of PHOTOGRAPHS) shown[name].tell(pixel[name].join(" "), pixel[name]);
            if (!this.isGuarded) shown.unguarded.tell("–");
            shown.difference.tell(tellDifference(pixel));
            shown.distance.tell(tellDistance(pixel.distance));
            shown.zone.tell(this.isGuarded ? findZone(pixel, image) : findSide(pixel));
            shown.stage.tell(findStage(pixel, image));
        }
    }
    /** A label with a value, and with a colour where it is one. @param {string} label */
    function makeFact(label) {
        const swatch = make("span", { "class": css("swatch"), "hidden": true });
        const value = make("span", {}, "–");
        const element = make("div", {}, make("dt", {}, label), make("dd", {}, swatch, value));
        return {
            element,
            /** @param {string} text @param {number[] | null} [color] */
            tell(text, color) {
                value.textContent = text;
                swatch.hidden = !color;
                if (color) swatch.style.backgroundColor = `rgb(${color.join()})`;
            },
        };
    }

    /** @param {string} text base64 */
    function toBytes(text) {
        return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    }

    /** @param {Record<string, any>} answer base64 of raw bytes by name */
    function unpackBlock(answer) {
        const arrays = [...PHOTOGRAPHS, "mask", "protected", "distance", "cause"];
        return {
            box: answer.box, step: 1, causes: answer.causes,
            ...Object.fromEntries(arrays.map((name) => [name, toBytes(answer[name])])),
        };
    }

    /**
     * All that is known of one pixel.
     * @param {any} block @param {{x: number, y: number}} pixel
     */
    function readPixel(block, { x, y }) {
        const { box: [left, top, right], step } = block;
        const place = (/** @type {number} */ at) => Math.floor(at / step);
        const at = (place(y) - top) * (right - left) + (place(x) - left);
        const color = (/** @type {string} */ name) => [...block[name].subarray(3 * at, 3 * at + 3)];
        return {
            x, y,
            reference: color("reference"), unguarded: color("unguarded"), result: color("result"),
            mask: block.mask[at], isProtected: block.protected[at] === 1,
            distance: block.distance[2 * at] + 256 * block.distance[2 * at + 1],
            cause: block.causes?.[block.cause[at] - 1] ?? "",
        };
    }

    /** @param {number[]} first @param {number[]} second */
    function differ(first, second) {
        return Math.max(...first.map((level, channel) => Math.abs(level - second[channel])));
    }

    /** @param {any} pixel of `readPixel` */
    function tellDifference(pixel) {
        const [alone, result] = [pixel.unguarded, pixel.result].map((color) =>
            differ(pixel.reference, color));
        return alone === result ? `${result}`
            : say("{result} (without the guard {alone})", { result, alone });
    }

    const NO_DISTANCE = 65535; // as in bleed_guard/ui/report.py

    /** @param {number} distance in px */
    function tellDistance(distance) {
        if (distance === NO_DISTANCE) return say("no mask");
        return distance ? `${distance} px` : say("inside");
    }

    /** @param {any} pixel of `readPixel` @param {ImageEntry} image */
    function findZone(pixel, image) {
        if (pixel.distance === NO_DISTANCE) return "–";
        const box = image.crop_box;
        const inCrop = Boolean(box && pixel.x >= box[0] && pixel.y >= box[1] &&
            pixel.x < box[2] && pixel.y < box[3]);
        return names.zones()[words.zone({ ...pixel, inCrop }, image.predicted_reach)];
    }

    /** Of files it is not known how far the mask blur reached. @param {any} pixel */
    function findSide(pixel) {
        if (pixel.distance === NO_DISTANCE) return "–";
        const zones = names.zones();
        if (pixel.mask >= 128) return zones["inside the mask"];
        return pixel.mask ? zones["soft band"] : say("outside the mask");
    }

    /**
     * What changed a protected pixel: the cause where it is known, else the stage.
     * @param {any} pixel of `readPixel` @param {ImageEntry} image
     */
    function findStage(pixel, image) {
        if (!pixel.isProtected) return say("free to change");
        const isLeft = differ(pixel.reference, pixel.result) > 0;
        if (!isLeft && !differ(pixel.reference, pixel.unguarded)) return say("nothing");
        const changed = image.stages.filter((entry) => entry.changed && entry.name !== "decoded");
        if (isLeft) return tellStage(changed[changed.length - 1]);
        const cause = names.causes()[pixel.cause] ?? tellStage(changed[0]);
        return say("{cause}, put back", { cause });
    }

    /** @param {StageEntry | undefined} entry */
    function tellStage(entry) {
        return entry ? names.stages()[entry.name] ?? entry.name : say("unknown");
    }

    // ------------------------------------------------------------------------------ the report

    const plots = {
        /**
         * Position of a value on a logarithmic axis that begins at 0.
         * @param {number} value @param {number} most @param {number} length
         */
        place(value, most, length) {
            return (Math.log1p(Math.min(value, most)) / Math.log1p(most)) * length;
        },

        /**
         * Largest and mean difference over the distance from the mask's edge.
         * @param {Report} report @param {ImageEntry} image
         */
        profile(report, image) {
            const width = 320, height = 130, left = 30, bottom = 18;
            const last = report.profile.at(-1)?.distance ?? 1;
            const across = (/** @type {number} */ at) =>
                left + plots.place(at, Math.max(last, 1), width - left - 6);
            const up = (/** @type {number} */ at) =>
                height - bottom - plots.place(at, 255, height - bottom - 8);
            const point = (/** @type {number} */ x, /** @type {number} */ y) =>
                `${across(x).toFixed(1)} ${up(y).toFixed(1)}`;
            const line = (/** @type {"max" | "mean"} */ what) => "M" + report.profile
                .map((bin) => point(bin.distance, bin[what])).join("L");
            const base = `L${point(last, 0)}L${point(1, 0)}Z`;
            const title = say("Difference over distance: largest {max}, reach {reach} px", report);
            const hasLines = report.profile.length > 0;
            const marks = /** @type {[number, string][]} */ ([
                [image.predicted_reach, say("predicted reach")],
                [report.crop_distance ?? 0, say("crop box")],
            ]);
            return plots.frame(width, height, title,
                ...[0, 1, 4, 16, 64, 255].map((at) => plots.tickUp(at, left, width, up(at))),
                ...[1, 3, 10, 30, 100, 256].filter((at) => at <= last)
                    .map((at) => plots.tickAcross(at, across(at), height - 4)),
                ...marks.filter(([at]) => at && at <= last)
                    .map(([at, name], index) =>
                        plots.mark(across(at), height - bottom, name, 13 + 10 * index)),
                hasLines && make("path", { d: line("max") + base, "class": css("max") }),
                hasLines && make("path", { d: line("mean"), "class": css("mean") }));
        },

        /**
         * How many pixels differ by how much, in steps that double.
         * @param {number[]} counts of each level
         */
        histogram(counts) {
            const width = 320, height = 96, bottom = 18;
            const steps = [1, 2, 3, 5, 9, 17, 33, 65, 129, 256];
            const sums = steps.slice(0, -1).map((from, index) =>
                counts.slice(from, steps[index + 1]).reduce((sum, count) => sum + count, 0));
            const most = Math.max(...sums, 1), step = width / sums.length;
            return plots.frame(width, height, say("Histogram"),
                ...sums.flatMap((count, index) => {
                    const tall = plots.place(count, most, height - bottom - 14);
                    const from = steps[index], isOne = steps[index + 1] === from + 1;
                    const name = isOne ? `${from}` : `${from}+`;
                    const middle = (index + 0.5) * step;
                    return [
                        make("rect", {
                            "x": index * step + 3, "y": height - bottom - tall, "width": step - 6,
                            "height": tall, "class": css("bar"),
                        }, make("title", {},
                            say("{name} levels: {count} px", { name, count: words.count(count) }))),
                        make("text", { "x": middle, "y": height - 4, "class": css("tick") }, name),
                        count > 0 && make("text", {
                            "x": middle, "y": height - bottom - tall - 3, "class": css("tick"),
                        }, words.brief(count)),
                    ];
                }));
        },

        /**
         * @param {number} width @param {number} height @param {string} title
         * @param {...any} children
         */
        frame(width, height, title, ...children) {
            return make("svg", {
                "viewBox": `0 0 ${width} ${height}`, "class": css("plot"), "role": "img",
                "aria-label": title,
            }, ...children);
        },

        /** @param {number} at @param {number} left @param {number} width @param {number} y */
        tickUp(at, left, width, y) {
            return make("g", {},
                make("line", { x1: left, x2: width - 6, y1: y, y2: y, "class": css("grid") }),
                make("text", { "x": left - 4, "y": y + 3, "class": css("tick-up") }, String(at)));
        },

        /** @param {number} at @param {number} x @param {number} y */
        tickAcross(at, x, y) {
            return make("text", { x, y, "class": css("tick") }, at === 256 ? "256+ px" : `${at}`);
        },

        /**
         * @param {number} x @param {number} bottom @param {string} name @param {number} y its line
         */
        mark(x, bottom, name, y) {
            const isRight = x > 170; // the name goes where there is more room
            return make("g", {},
                make("line", { x1: x, x2: x, y1: 6, y2: bottom, "class": css("mark") }),
                make("text", {
                    "x": isRight ? x - 3 : x + 3, y, "class": css("mark-name"),
                    "text-anchor": isRight ? "end" : "start",
                }, name));
        },
    };

    /** Files are compared as they are: no guard, and no host alone. @param {RecordEntry} record */
    function hasGuard({ preset }) {
        return preset !== "files";
    }

    /**
     * Whether the result has something to tell, or else what the host alone would have given.
     * @param {RecordEntry} record @param {ImageEntry} image
     */
    function isResultTold(record, { max }) {
        return max > 0 || !hasGuard(record);
    }

    /** Without a mask all pixels are equally far from it. @param {Report} report */
    function hasMask(report) {
        return report.profile.length > 1;
    }

    const LONG_FACT = 40; // letters that a column of the facts holds in two lines or so

    const parts = {
        /**
         * A titled part of the right column.
         * @param {string} title @param {...(Node | string | null | false)} children
         */
        section(title, ...children) {
            return make("section", { "class": css("section") }, make("h3", {}, title), ...children);
        },

        /**
         * What was measured, then what was foreseen and is not told by it already.
         * @param {RecordEntry} record @param {ImageEntry} image @param {Finding[]} causes
         */
        choose(record, image, causes) {
            const measured = new Set(causes.map(({ cause }) => cause));
            const seen = new Set();
            // Of an image that is not guarded nothing is true of what the guard was to do.
            const foreseen = record.findings.filter(({ severity }) =>
                image.verdict !== "not guarded" || severity !== "info");
            return [...causes, ...image.findings, ...foreseen].filter((finding, index) => {
                const isNew = index < causes.length || finding.severity === "error" ||
                    !measured.has(finding.cause);
                return isNew && !seen.has(finding.what) && seen.add(finding.what);
            });
        },

        /**
         * @param {RecordEntry} record @param {Finding[]} unique
         * @param {string} none what is said if there are none
         * @param {(fix: Fix, button: HTMLButtonElement) => void} apply
         */
        findings(record, unique, none, apply) {
            const changes = record.changes.map((text) => make("li", {}, words.change(text)));
            return parts.section(say("Findings"),
                !unique.length && make("p", { "class": css("quiet") }, none),
                unique.length > 0 && make("ul", { "class": css("findings") },
                    ...unique.map((finding) => parts.finding(finding, apply))),
                changes.length > 0 && make("h4", {}, say("Changed before the run")),
                changes.length > 0 && make("ul", { "class": css("changes") }, ...changes));
        },

        /**
         * @param {Finding} finding @param {(fix: Fix, button: HTMLButtonElement) => void} apply
         */
        finding(finding, apply) {
            const mark = { info: "i", warning: "!", error: "✗" }[finding.severity] ?? "i";
            const told = words.finding(finding);
            return make("li", { "class": css("finding"), "data-severity": finding.severity },
                make("div", { "class": css("finding-head") },
                    make("span", { "class": css("severity"), "title": finding.severity }, mark),
                    make("strong", {}, told.what),
                    parts.pixels(finding.pixels, told.what)),
                told.why && make("p", {}, told.why), parts.evidence(finding),
                finding.fix && parts.fix(finding.fix, told.fix, apply));
        },

        /**
         * How many pixels a finding explains, unless it says so.
         * @param {number | null} pixels @param {string} what the finding's own sentence
         */
        pixels(pixels, what) {
            if (pixels === null || what.includes(words.count(pixels))) return null;
            return make("span", { "class": css("pixels") }, `${words.count(pixels)} px`);
        },

        /** @param {Finding} finding */
        evidence({ evidence, certainty, wording }) {
            const sentences = Object.values(wording ?? {}).join();
            const told = Object.entries(evidence)
                .filter(([name]) => !sentences.includes(`{${name}}`))
                .map(([name, value]) => `${name} ${value}`);
            if (certainty === "inferred") told.push(say("inferred, not measured"));
            return told.length > 0 && make("details", { "class": css("evidence") },
                make("summary", {}, say("Evidence")),
                make("p", { "class": css("quiet") }, told.join(", ")));
        },

        /**
         * @param {Fix} fix @param {string} text
         * @param {(fix: Fix, button: HTMLButtonElement) => void} apply
         */
        fix(fix, text, apply) {
            const hasHost = typeof gradioApp === "function"; // the offline report has none
            const canApply = hasHost && Boolean(fix.setting) && fix.value !== null;
            const title = say("Set {setting} to {value}", fix);
            const button = makeButton(say("Apply"), title, () => apply(fix, button),
                { "data-key": `${fix.setting} ${fix.value}` });
            return make("div", { "class": css("fix") }, make("span", {}, text), canApply && button);
        },

        /** @param {StageEntry[]} stages */
        stages(stages) {
            if (!stages.length) return null;
            const columns = [say("After"), say("changed"), say("max")];
            return parts.section(say("Stages"), parts.table(columns,
                stages.map(({ name, changed, max, scripts }) => [
                    make("span", {}, names.stages()[name] ?? name,
                        scripts.length > 0 && make("small", {}, scripts.join(", "))),
                    words.count(changed), String(max),
                ])));
        },

        /**
         * @param {Spot[]} spots @param {(x: number, y: number) => void} fly
         */
        spots(spots, fly) {
            if (!spots.length) return null;
            return parts.section(say("Worst spots"), make("ul", { "class": css("spots") },
                ...spots.map((spot) => make("li", {}, makeButton(
                    words.spot(spot), say("Show this pixel"), () => fly(spot.x, spot.y))))));
        },

        /** What the plot's lines are. */
        key() {
            return make("p", { "class": css("key") },
                make("span", { "class": css("key-max") }), say("largest"),
                make("span", { "class": css("key-mean") }), say("mean, in levels over px"));
        },

        /** What the tab is for, while there is nothing to show. */
        welcome() {
            return parts.section(say("What you will see here"),
                make("ul", { "class": css("welcome") }, ...[
                    say("the verdict: how many pixels outside the mask changed, or would have"),
                    say("original, result, what the host alone would give, and heatmaps"),
                    say("each pixel's true values, how far it lies from the mask, what changed it"),
                    say("the causes, and the setting that stops each of them"),
                ].map((text) => make("li", {}, text))));
        },

        /**
         * None for files, of which neither reach nor crop box is known.
         * @param {RecordEntry} record @param {Report} report
         */
        zones(record, report) {
            const rows = Object.entries(report.zones).filter(([, zone]) => zone.protected);
            if (!rows.length || !hasMask(report) || !hasGuard(record)) return null;
            const columns = [say("Zone"), say("changed"), say("of"), say("max")];
            return parts.section(say("Zones"), parts.table(columns,
                rows.map(([name, zone]) => [
                    names.zones()[name] ?? name, words.count(zone.changed),
                    words.count(zone.protected), String(zone.max),
                ])));
        },

        /** @param {string[]} columns @param {(string | Node)[][]} rows */
        table(columns, rows) {
            return make("table", { "class": css("table") },
                make("thead", {}, make("tr", {}, ...columns.map((name) =>
                    make("th", { scope: "col" }, name)))),
                make("tbody", {}, ...rows.map(([first, ...others]) => make("tr", {},
                    make("th", { scope: "row" }, first),
                    ...others.map((text) => make("td", {}, text))))));
        },

        /**
         * @param {RecordEntry} record @param {ImageEntry} image @param {Report | null} report
         */
        facts(record, image, report) {
            const facts = Object.fromEntries(Object.entries(record.facts).map(([name, value]) =>
                [names.facts()[name] ?? name, words.fact(name, value)]));
            if (report) facts[say("Seam (1 = unseen)")] = report.seam.ratio.toFixed(2);
            if (image.saved_as) facts[say("Saved as")] = image.saved_as;
            if (record.prompt) facts[say("Prompt")] = record.prompt;
            const entries = Object.entries(facts);
            if (!entries.length) return null;
            return parts.section(say("Facts"), make("dl", { "class": css("facts") },
                ...entries.map(([name, value]) => {
                    const isLong = value.length > LONG_FACT;
                    return make("div", { "class": isLong && css("long") },
                        make("dt", {}, name), make("dd", {}, value));
                })));
        },
    };

    // ------------------------------------------------------------------------------ the host

    const host = {
        /** The host's controls by the names the findings use, with what a choice's index means. */
        controls: /** @type {Record<string, {id: string, choices?: string[]}>} */ ({
            "mask blur": { id: "img2img_mask_blur" },
            "mask mode": {
                id: "img2img_mask_mode", choices: ["inpaint masked", "inpaint not masked"],
            },
            "masked content": {
                id: "img2img_inpainting_fill",
                choices: ["fill", "original", "latent noise", "latent nothing"],
            },
            "inpaint area": {
                id: "img2img_inpaint_full_res", choices: ["whole picture", "only masked"],
            },
            "padding": { id: "img2img_inpaint_full_res_padding" },
            "denoising strength": { id: "img2img_denoising_strength" },
            "resize mode": {
                id: "resize_mode", choices: [
                    "just resize", "crop and resize", "resize and fill", "latent upscale",
                ],
            },
            "soft inpainting": { id: "soft_inpainting_enabled" },
        }),

        /**
         * Set a control of the page: of img2img, of our panel, or of the settings, where the user
         * has to apply it. Returns what to tell him.
         * @param {string} setting @param {any} value
         */
        set(setting, value) {
            const known = host.controls[setting];
            const ids = known ? [known.id] : [`bleed_guard_${setting}`, `setting_${setting}`];
            const control = ids.map((id) => host.find(id)).find((element) => element);
            const isSet = control && host.put(control, value, known?.choices);
            if (!isSet) return say("Not on this page");
            return control.id.startsWith("setting_") ? say("Set; apply it in Settings")
                : say("Applied");
        },

        /** @param {HTMLElement} control @param {any} value @param {string[]} [choices] */
        put(control, value, choices) {
            const radios = /** @type {NodeListOf<HTMLInputElement>} */ (
                control.querySelectorAll("input[type=radio]"));
            return radios.length ? host.choose(radios, value, choices) : host.fill(control, value);
        },

        /** @param {string} title of one of the host's tabs */
        openTab(title) {
            const buttons = gradioApp().querySelectorAll("#tabs > .tab-nav > button");
            const button = [...buttons].find((entry) => entry.textContent?.trim() === title);
            /** @type {HTMLElement | undefined} */ (button)?.click();
        },

        /** The id of the run that img2img shows, "" if it was not one of the guard's. */
        readRun() {
            const reply = host.find("generation_info_img2img")?.querySelector("textarea")?.value;
            try {
                return JSON.parse(reply || "{}").extra_generation_params?.[RUN_KEY] ?? "";
            } catch {
                return ""; // a host that writes something else there
            }
        },

        /** @param {string} id @returns {HTMLElement | null} */
        find(id) {
            return gradioApp().querySelector(`#${id}`);
        },

        /**
         * @param {NodeListOf<HTMLInputElement>} radios @param {any} value
         * @param {string[]} [choices] in the control's order, whatever language it speaks
         */
        choose(radios, value, choices) {
            const index = choices ? choices.indexOf(String(value).toLowerCase())
                : [...radios].findIndex((radio) => radio.value === String(value));
            radios[index]?.click();
            return index >= 0;
        },

        /** @param {HTMLElement} control @param {any} value */
        fill(control, value) {
            const kinds = [".input-accordion-checkbox", "input[type=number]", "input", "textarea"];
            const input = /** @type {HTMLInputElement | undefined} */ (kinds
                .map((kind) => control.querySelector(kind)).find((found) => found));
            if (!input) return false;
            if (input.type === "checkbox") {
                if (input.checked !== value) input.click();
                return true;
            }
            input.value = String(value);
            updateInput(input);
            return true;
        },
    };

    // ------------------------------------------------------------------------------ the page

    /** What the user last chose to see; in the browser, for him alone. */
    const memory = {
        key: "bleed-guard-view",

        /** What was chosen, as far as it can still be chosen. @returns {Record<string, any>} */
        load() {
            const layers = Object.keys(names.layers());
            const known = /** @type {Record<string, any[]>} */ ({
                mode: Object.keys(names.modes()), scale: Object.keys(names.scales()),
                first: layers, second: layers,
                mask: [true, false], reach: [true, false], crop: [true, false],
                spots: [true, false],
            });
            try {
                const chosen = JSON.parse(localStorage.getItem(memory.key) ?? "{}");
                return Object.fromEntries(Object.entries(chosen).filter(([name, value]) =>
                    known[name]?.includes(value)));
            } catch {
                return {};
            }
        },

        /** @param {Record<string, any>} options */
        save(options) {
            try {
                localStorage.setItem(memory.key, JSON.stringify(options));
            } catch {
                // A private window: the choice lasts as long as the page.
            }
        },
    };

    /** The Bleed tab. */
    class Page {
        /** @param {HTMLElement} root the empty frame @param {any} server */
        constructor(root, server) {
            this.root = root;
            this.server = server;
            this.colors = readTables(root.dataset.colors ?? "{}");
            this.records = /** @type {RecordEntry[]} */ ([]);
            this.revision = "";
            this.asking = /** @type {Promise<void> | null} */ (null);
            this.isAskedAgain = false;
            this.selected = /** @type {Selection} */ (null);
            this.report = /** @type {Report | null} */ (null);
            this.layers = /** @type {Layers | null} */ (null);
            this.isReportLost = false;
            this.troubles = /** @type {Map<string, {name: string, why: string}>} */ (new Map());
            this.isDrawn = false;
            this.stage = new Stage({
                look: (pixel) => this.inspector.look(pixel),
                changed: () => this.toolbar.follow(),
            });
            this.stage.set(memory.load());
            this.inspector = new Inspector((...trouble) => this.tellTrouble(...trouble));
            this.toolbar = new Toolbar(this.stage, () => this.legend());
            this.history = new HistoryStrip(server, (entry) => this.select(entry));
            this.actions = new Actions(this);
            this.build();
            new IntersectionObserver((entries) => {
                if (!entries.some((entry) => entry.isIntersecting)) return;
                this.draw();
                this.refresh();
            }).observe(root);
        }

        build() {
            this.verdict = make("div", { "class": css("verdict"), "role": "status" });
            this.trouble = make("span");
            this.error = make("div", { "class": css("error"), "role": "alert", "hidden": true },
                this.trouble,
                makeButton(say("Try again"), say("Ask the server again"), () => this.retry()));
            this.legendBar = make("div", { "class": css("legend") });
            this.side = make("div", { "class": css("side"), "tabindex": "-1" });
            this.more = make("div", { "class": css("more") });
            this.cover = make("div", { "class": css("cover") });
            this.root.classList.add("bleed-guard");
            this.root.replaceChildren(this.verdict, this.error,
                make("div", { "class": css("main") },
                    make("div", { "class": css("viewer") },
                        this.toolbar.element,
                        make("div", { "class": css("picture") },
                            this.stage.element, this.toolbar.opacity, this.cover),
                        this.legendBar, this.inspector.element,
                        this.actions.element,
                        this.server.hasTiles ? this.history.element : ""),
                    this.side, this.more));
            this.legend();
            this.setState("loading");
        }

        /** @param {"empty" | "loading" | "ready" | "bare"} state */
        setState(state) {
            this.root.dataset.state = state;
            const texts = {
                empty: [say("Nothing yet"),
                    say("Inpaint something in img2img: what happens appears here by itself.")],
                loading: [say("Loading"), ""],
                ready: ["", ""],
                bare: [say("No pictures of this run"), say("Only what is told beside was kept.")],
            };
            const [title, text] = texts[state];
            this.cover.replaceChildren(make("div", {}, make("strong", {}, title),
                make("p", {}, text)));
            this.cover.hidden = state === "ready";
        }

        /**
         * Ask whether there is something new; show the newest if there is. Asked again meanwhile,
         * it asks once more afterwards: the answer may have been on its way already.
         */
        refresh() {
            this.isAskedAgain = Boolean(this.asking);
            this.asking ??= this.askUntilLast().finally(() => {
                this.asking = null;
            });
            return this.asking;
        }

        async askUntilLast() {
            do {
                this.isAskedAgain = false;
                await this.askOnce();
            } while (this.isAskedAgain);
        }

        async askOnce() {
            try {
                const answer = await this.server.ask({ ask: "list", revision: this.revision });
                this.tellTrouble("list", null);
                if (!answer.records) return;
                this.revision = answer.revision;
                this.receive(answer.records);
            } catch (error) {
                this.tellTrouble("list", /** @type {Error} */ (error));
            }
        }

        /** @param {RecordEntry[]} records newest first */
        receive(records) {
            const isNew = records[0]?.id !== this.records[0]?.id;
            this.records = records;
            this.history.show(records);
            const [record] = records;
            if (!record?.images.length) this.select(null);
            else if (isNew || !this.follow()) this.select({ record, image: record.images[0] });
            else this.draw();
        }

        /** Take what is selected from the new records; false if it is no longer in there. */
        follow() {
            const { selected } = this;
            const record = this.records.find(({ id }) => id === selected?.record.id);
            const image = record?.images.find(({ index }) => index === selected?.image.index);
            if (!selected || !record || !image) return false;
            if (JSON.stringify(record) !== JSON.stringify(selected.record)) {
                this.select({ record, image });
            } else {
                Object.assign(selected, { record, image });
            }
            return true;
        }

        /** @param {Selection} selected */
        select(selected) {
            this.selected = selected;
            this.redrawAll();
            this.drawVerdict();
            this.history.mark(selected);
            this.draw();
        }

        drawVerdict() {
            if (!this.selected) {
                this.verdict.replaceChildren(make("span", { "class": css("quiet") },
                    say("No run has been measured yet.")));
                return;
            }
            const { record, image } = this.selected;
            const count = record.images.length;
            const place = { number: record.images.indexOf(image) + 1, count };
            const chips = [
                count > 1 && say("image {number} of {count}", place),
                record.preset, names.facts()[record.facts["Inpaint area"]], record.facts.Format,
                words.time(record.started),
            ];
            this.verdict.replaceChildren(makeBadge(image.verdict),
                make("div", { "class": css("sentence") },
                    make("strong", {}, words.headline(record, image)),
                    make("span", {}, words.second(record, image))),
                make("div", { "class": css("chips") },
                    ...chips.filter(Boolean).map((text) => make("span", {}, String(text)))));
        }

        /** Draw what is selected, if it is looked at and not drawn yet. */
        draw() {
            if (!this.root.offsetParent) return;
            this.history.draw();
            if (this.isDrawn) return;
            this.isDrawn = true;
            this.actions.follow(this.selected);
            this.drawSide();
            if (this.selected?.image.view) {
                this.drawPicture(this.selected);
                return;
            }
            this.stage.show(null);
            this.inspector.show(null);
            this.setState(this.selected ? "bare" : this.revision ? "empty" : "loading");
        }

        /**
         * Show the picture as soon as its first layers are there; until then the one before.
         * @param {NonNullable<Selection>} selected
         */
        async drawPicture(selected) {
            const { record, image } = selected;
            const layers = new Layers(this.server, record.id, image, this.colors, (...told) => {
                if (this.layers !== layers) return;
                this.tellTrouble(...told);
                this.stage.request();
            });
            this.layers = layers;
            this.stage.showHeatOf(isResultTold(record, image) ? "heat-result" : "heat-unguarded");
            if (!this.stage.layers) this.setState("loading");
            await layers.prepare(this.stage.options);
            if (this.layers !== layers) return;
            this.setState("ready");
            this.stage.show(layers);
            this.inspector.show(layers, hasGuard(record));
            this.toolbar.offer(hasGuard(record));
            await this.loadReport(selected); // behind the picture: together both take longer
        }

        /** @param {NonNullable<Selection>} selected */
        async loadReport(selected) {
            const { record, image } = selected;
            const question = { ask: "report", id: record.id, image: image.index };
            try {
                const report = await this.server.ask(question);
                if (this.selected !== selected) return;
                this.report = report;
                this.stage.spots = report.worst;
                this.stage.request();
            } catch (error) {
                if (this.selected !== selected) return;
                this.isReportLost = true;
                this.tellTrouble("report", /** @type {Error} */ (error), say("The report"));
            }
            this.drawSide();
        }

        /** What is told beside the picture, and the tables under it. */
        drawSide() {
            if (!this.selected) {
                refill(this.side, parts.welcome());
                this.more.replaceChildren();
                return;
            }
            const { record, image } = this.selected;
            const { report } = this;
            refill(this.side,
                parts.findings(record, parts.choose(record, image, report?.causes ?? []),
                    this.isAwaited ? say("Loading") : words.noFinding(image, report),
                    (fix, button) => this.apply(fix, button)),
                ...report ? this.measured(report, record, image)
                    : this.isAwaited ? this.unmeasured(record, image) : []);
            this.more.replaceChildren(...[
                parts.stages(image.stages), report && parts.zones(record, report),
                parts.facts(record, image, report),
            ].filter(Boolean));
        }

        /** Whether the report is still to come. */
        get isAwaited() {
            return Boolean(this.selected?.image.view) && !this.report && !this.isReportLost;
        }

        /** Titles of the plots. @param {RecordEntry} record @param {ImageEntry} image */
        titles(record, image) {
            return isResultTold(record, image)
                ? [say("Difference over distance, in the result"), say("Histogram, in the result")]
                : [say("Difference over distance, without the guard"),
                    say("Histogram, without the guard")];
        }

        /** @param {Report} report @param {RecordEntry} record @param {ImageEntry} image */
        measured(report, record, image) {
            const titles = this.titles(record, image);
            return [
                hasMask(report) &&
                    parts.section(titles[0], plots.profile(report, image), parts.key()),
                parts.section(titles[1], plots.histogram(report.histogram)),
                parts.spots(report.worst, (x, y) => this.stage.fly(x, y)),
            ];
        }

        /** The room the report will take. @param {RecordEntry} record @param {ImageEntry} image */
        unmeasured(record, image) {
            const titles = this.titles(record, image);
            return [
                parts.section(titles[0], plots.frame(320, 130, say("Loading")), parts.key()),
                parts.section(titles[1], plots.frame(320, 96, say("Loading"))),
            ];
        }

        legend() {
            const { scale } = this.stage.options;
            const canvas = paint({ codes: legendCodes(scale), width: 256, height: 1 },
                this.colors[scale]);
            canvas.className = css("legend-bar");
            const ticks = /** @type {Record<string, string[]>} */ ({
                "log": [say("unchanged"), "15", say("255 levels")],
                "linear": [say("unchanged"), "128", say("255 levels")],
                "signed": [say("127 levels darker"), say("unchanged"), say("127 levels brighter")],
                "delta-e": [say("unchanged"), "ΔE 4", "ΔE 64"],
            })[scale];
            this.legendBar.replaceChildren(canvas,
                make("div", {}, ...ticks.map((text) => make("span", {}, text))));
        }

        /** @param {Fix} fix @param {HTMLButtonElement} button */
        apply(fix, button) {
            button.textContent = host.set(fix.setting, fix.value);
        }

        /**
         * Tell what did not work until it does, or the user goes on to something else.
         * @type {Tell}
         */
        tellTrouble(key, error, name = "") {
            if (error) this.troubles.set(key, { name, why: error.message });
            else this.troubles.delete(key);
            const text = words.troubles([...this.troubles.values()]);
            this.error.hidden = !text;
            if (this.trouble.textContent !== text) this.trouble.textContent = text;
        }

        /** Ask anew for all that is shown of what is selected. */
        redrawAll() {
            this.report = null;
            this.layers = null;
            this.isReportLost = false;
            this.isDrawn = false;
            for (const key of this.troubles.keys()) {
                if (key !== "list") this.tellTrouble(key, null);
            }
        }

        async retry() {
            this.redrawAll();
            await this.refresh();
            this.draw();
        }
    }

    /** The last generations, as small pictures with badges. One tab stop; arrow keys move. */
    class HistoryStrip {
        /** @param {any} server @param {(entry: Selection) => void} choose */
        constructor(server, choose) {
            this.server = server;
            this.choose = choose;
            this.entries = /** @type {NonNullable<Selection>[]} */ ([]);
            this.pictures = /** @type {Map<string, string>} */ (new Map());
            this.isDrawn = false;
            this.element = make("div", {
                "class": css("strip"), "role": "listbox", "aria-orientation": "horizontal",
                "aria-label": say("History, newest first"), "tabindex": "-1",
                "onkeydown": (/** @type {KeyboardEvent} */ event) => this.key(event),
            });
        }

        /** @param {NonNullable<Selection>} entry */
        static name({ record, image }) {
            return `${record.id} ${image.index}`;
        }

        /** @param {RecordEntry[]} records newest first */
        show(records) {
            this.entries = records.flatMap((record) =>
                record.images.map((image) => ({ record, image })));
            this.element.hidden = !this.entries.length;
            this.isDrawn = false;
        }

        draw() {
            if (this.isDrawn) return;
            this.isDrawn = true;
            refill(this.element, ...this.entries.map((entry) => this.thumb(entry)));
            this.mark(this.selected ?? null);
            this.loadPictures().catch(() => undefined); // badges and times are there without them
        }

        /** @param {NonNullable<Selection>} entry */
        thumb(entry) {
            const { record, image } = entry;
            const time = words.time(record.started);
            const title = `${time}: ${words.headline(record, image)}`;
            return make("button", {
                "type": "button", "role": "option", "class": css("thumb"), "tabindex": "-1",
                title, "aria-label": title,
                "data-first": record.images[0] === image,
                "data-key": HistoryStrip.name(entry),
                "onclick": () => this.choose(entry),
            },
            make("span", { "class": css("thumb-picture") }),
            makeBadge(image.verdict, true),
            make("span", { "class": css("thumb-time") }, time));
        }

        /** @param {Selection} selected */
        mark(selected) {
            this.selected = selected;
            if (!this.isDrawn) return; // the buttons are still those of the entries before
            const name = selected && HistoryStrip.name(selected);
            [...this.element.children].forEach((button, index) => {
                const isSelected = HistoryStrip.name(this.entries[index]) === name;
                button.setAttribute("aria-selected", String(isSelected));
                button.setAttribute("tabindex", isSelected || (!name && !index) ? "0" : "-1");
            });
        }

        async loadPictures() {
            const missing = this.entries.filter((entry) =>
                entry.image.view && !this.pictures.has(HistoryStrip.name(entry)));
            if (missing.length) {
                const wanted = missing.map(({ record, image }) => [record.id, image.index]);
                const { files } = await this.server.ask({ ask: "thumbnails", wanted });
                files.forEach((/** @type {string} */ file, /** @type {number} */ index) =>
                    this.pictures.set(HistoryStrip.name(missing[index]), file));
            }
            [...this.element.children].forEach((button, index) => {
                const file = this.pictures.get(HistoryStrip.name(this.entries[index]));
                if (!file) return;
                const picture = make("img", { src: this.server.address(file), alt: "" });
                button.firstElementChild?.replaceChildren(picture);
            });
        }

        /** @param {KeyboardEvent} event */
        key(event) {
            const buttons = /** @type {HTMLElement[]} */ ([...this.element.children]);
            const at = buttons.indexOf(/** @type {HTMLElement} */ (event.target));
            const to = /** @type {Record<string, number>} */ ({
                ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length - 1,
            })[event.key];
            const button = buttons[to];
            if (at < 0 || !button) return;
            event.preventDefault();
            button.focus();
            button.click();
        }
    }

    /** Where an action tells that it runs, and how it ended. */
    class Outcome {
        constructor() {
            this.said = make("output", { "class": css("said") });
            this.busy = make("span", { "class": css("busy"), "aria-hidden": "true" });
            this.mark = make("span", { "class": css("failed"), "aria-hidden": "true" }, "✗");
            this.mark.hidden = true;
            this.element = make("span", { "class": css("outcome") },
                this.busy, this.mark, this.said);
            this.running = 0;
            this.busy.hidden = true;
        }

        /** @param {() => Promise<string>} action whose answer, or failure, is told */
        async of(action) {
            this.tell("…");
            this.busy.hidden = !++this.running;
            try {
                this.tell(await action());
            } catch (error) {
                this.tell(/** @type {Error} */ (error).message, true);
            }
            this.busy.hidden = !--this.running;
        }

        /** @param {string} text @param {boolean} [isFailure] */
        tell(text, isFailure = false) {
            this.mark.hidden = !isFailure;
            this.said.setAttribute("role", isFailure ? "alert" : "status");
            this.said.textContent = text;
        }
    }

    /** What can be done with what is shown: take it away, send it on, compare other files. */
    class Actions {
        /** @param {Page} page */
        constructor(page) {
            this.page = page;
            const targets = (page.root.dataset.targets ?? "").split(" ").filter(Boolean);
            this.download = makeButton(say("Download"),
                say("One zip: pictures, report.json, and a page that shows them offline"),
                () => this.outcome.of(() => this.takeAway()));
            this.copy = makeButton(say("Copy report"), say("Copy the report as text"),
                () => this.outcome.of(() => this.copyText()));
            const choices = { result: say("Result"), reference: say("Original") };
            this.sendWhat = makeSelect(say("Send"), choices, "result", say("Which picture is sent"),
                () => undefined);
            this.sends = targets.map((target) => makeButton(say("to {target}", { target }),
                say("Send the picture to {target}", { target }), () => this.sendTo(target)));
            this.files = page.server.hasTiles ? new FileComparison(page) : null;
            this.outcome = new Outcome();
            this.element = make("div", { "class": css("actions") },
                page.server.hasTiles && this.download, this.copy,
                this.sends.length > 0 && make("span", { "class": css("sends") }, this.sendWhat,
                    ...this.sends),
                this.outcome.element,
                this.files && this.files.element);
        }

        /** @param {Selection} selected */
        follow(selected) {
            const hasPictures = Boolean(selected?.image.view);
            for (const button of [this.download, ...this.sends]) button.disabled = !hasPictures;
            this.copy.disabled = !selected;
        }

        async takeAway() {
            const { record, image } = /** @type {NonNullable<Selection>} */ (this.page.selected);
            const { server } = this.page;
            const answer = await server.ask({ ask: "takeaway", id: record.id, image: image.index });
            make("a", { href: server.address(answer.file), download: answer.name }).click();
            return say("{name} is on its way", answer);
        }

        async copyText() {
            const { selected, report } = this.page;
            const { record, image } = /** @type {NonNullable<Selection>} */ (selected);
            await copy(words.report(record, image, report));
            return say("Copied");
        }

        /** @param {string} target */
        sendTo(target) {
            const { record, image } = /** @type {NonNullable<Selection>} */ (this.page.selected);
            const picture = this.sendWhat.querySelector("select").value;
            send.start({ id: record.id, image: image.index, picture }, target);
        }
    }

    /**
     * Put text on the clipboard; pages without https may only copy what is selected.
     * @param {string} text
     */
    async function copy(text) {
        if (navigator.clipboard && window.isSecureContext) {
            await navigator.clipboard.writeText(text);
            return;
        }
        const focused = /** @type {HTMLElement | null} */ (document.activeElement);
        const field = make("textarea", { "class": css("unseen"), "aria-hidden": "true" });
        field.value = text;
        document.body.append(field);
        field.select();
        const isDone = document.execCommand("copy");
        field.remove();
        focused?.focus({ preventScroll: true });
        if (!isDone) throw new Error(say("The browser does not let this page copy."));
    }

    /** Sending a picture to another tab: gradio fetches it, then the host's own button sends it. */
    const send = {
        question: "",
        target: "",

        /** @param {Record<string, any>} question @param {string} target */
        start(question, target) {
            send.question = JSON.stringify(question);
            send.target = target;
            host.find("bleed_guard_send_load")?.click();
        },

        /** Gradio asks what to fetch. */
        wanted() {
            return send.question;
        },

        /** Gradio has it. */
        loaded() {
            host.find(`bleed_guard_send_to_${send.target}`)?.click();
        },
    };

    /** Any three files, or pictures of the run that is shown. */
    class FileComparison {
        /** @param {Page} page */
        constructor(page) {
            this.page = page;
            this.fields = {
                original: this.field("original", say("Original"), ""),
                result: this.field("result", say("Result"), say("the result of the run shown")),
                mask: this.field("mask", say("Mask (white is repainted)"),
                    say("the mask of the run shown")),
            };
            this.outcome = new Outcome();
            const button = makeButton(say("Compare"), say("Measure these files"), () =>
                this.outcome.of(() => this.compare()));
            this.element = make("details", { "class": css("files") },
                make("summary", {}, say("Compare any files")),
                make("div", { "class": css("file-fields") },
                    ...Object.values(this.fields).map((field) => field.element)),
                make("p", { "class": css("quiet") }, say("Without a mask every pixel counts.")),
                make("div", { "class": css("actions") }, button, this.outcome.element));
        }

        /**
         * A place for a file: chosen, dropped, or the picture of the run that is shown.
         * @param {string} name @param {string} label @param {string} own what is offered instead
         */
        field(name, label, own) {
            const input = make("input", {
                "type": "file", "accept": "image/*", "aria-label": label, "data-name": name,
            });
            const reuse = make("input", { "type": "checkbox" });
            // The last choice counts.
            input.addEventListener("change", () => keep(reuse, "checked", false));
            reuse.addEventListener("change", () => keep(input, "value", ""));
            const element = make("div", {
                "class": css("file-field"),
                "ondragover": (/** @type {DragEvent} */ event) => event.preventDefault(),
                "ondrop": (/** @type {DragEvent} */ event) => {
                    event.preventDefault();
                    this.take(name, [...(event.dataTransfer?.files ?? [])]);
                },
            }, make("strong", {}, label), input, own && make("label", {}, reuse, ` ${own}`));
            return { input, reuse, element };
        }

        /**
         * Files dropped on a field: the first goes there, the others into the ones behind it.
         * @param {string} name @param {File[]} files
         */
        take(name, files) {
            const all = Object.entries(this.fields);
            const from = all.findIndex(([key]) => key === name);
            all.slice(from, from + files.length).forEach(([, { input }], index) => {
                const chosen = new DataTransfer();
                chosen.items.add(files[index]);
                input.files = chosen.files;
                input.dispatchEvent(new Event("change"));
            });
        }

        async compare() {
            const { server } = this.page;
            this.outcome.tell(say("Uploading"));
            const [original, result, mask] = await Promise.all(
                ["original", "result", "mask"].map((name) => this.give(name)));
            this.outcome.tell(say("Comparing; large pictures take a while"));
            await server.ask({ ask: "compare", original, result, mask });
            await this.page.refresh();
            return say("Compared");
        }

        /**
         * What stands in a field, for the question.
         * @param {string} name
         */
        async give(name) {
            const { input, reuse } = /** @type {any} */ (this.fields)[name];
            const { selected, server } = this.page;
            if (reuse.checked && selected) {
                return { id: selected.record.id, image: selected.image.index, picture: name };
            }
            const [file] = input.files;
            if (!file) return null;
            const [path] = await server.upload([file]);
            return { path, name: file.name };
        }
    }

    /** What is compared, and how. */
    class Toolbar {
        /** @param {Stage} stage @param {() => void} scaleChanged */
        constructor(stage, scaleChanged) {
            this.stage = stage;
            const { options } = stage;
            const layers = names.layers();
            this.first = makeSelect(say("First"), layers, options.first, say("First layer"),
                (value) => this.set("first", value));
            this.second = makeSelect(say("Second"), layers, options.second, say("Second layer"),
                (value) => this.set("second", value));
            this.scale = makeSelect(say("Color scale"), names.scales(), options.scale,
                say("Scale of the heatmap"), (value) => {
                    this.set("scale", value);
                    scaleChanged();
                });
            this.modes = Object.entries(names.modes()).map(([mode, [name, title]]) =>
                makeButton(name, title, () => this.set("mode", mode), { "data-mode": mode }));
            this.opacity = make("input", {
                "type": "range", "min": "0", "max": "100", "value": String(100 * options.opacity),
                "aria-label": say("Opacity of the second layer"),
                "title": say("Opacity of the second layer"), "class": css("opacity"),
                "oninput": () => this.set("opacity", Number(this.opacity.value) / 100),
            });
            this.zoom = make("output", { "class": css("zoom"), "title": say("Zoom") });
            this.element = make("div", {
                "class": css("toolbar"), "role": "group", "aria-label": say("View"),
            }, this.layers(), this.comparing(), this.outlines(), this.zooms());
        }

        /** @param {string} name @param {any} value */
        set(name, value) {
            this.stage.set({ [name]: value });
            memory.save(this.stage.options);
        }

        /** @param {string | null} label @param {...any} children */
        group(label, ...children) {
            return make("span", {
                "class": css("group"), "role": label && "group", "aria-label": label,
            }, ...children);
        }

        layers() {
            return this.group(null, this.first,
                makeButton("⇄", say("Swap the layers (key Space)"), () => this.stage.swap(),
                    { "aria-label": say("Swap the layers") }),
                this.second, this.scale);
        }

        comparing() {
            return this.group(say("Compare by"),
                make("span", { "class": css("segments") }, ...this.modes));
        }

        outlines() {
            const options = /** @type {Record<string, any>} */ (this.stage.options);
            const labels = {
                mask: [say("Mask"), say("Outline of the mask: the white line")],
                reach: [say("Reach"), say("How far mask blur reaches: the yellow dashes")],
                crop: [say("Crop box"), say("What was sampled in only masked: the blue dashes")],
                spots: [say("Spots"), say("The largest differences: the rings")],
            };
            return this.group(say("Outlines"), ...Object.entries(labels).map(
                ([name, [label, title]]) => makeToggle(label, title, options[name],
                    (isOn) => this.set(name, isOn))));
        }

        zooms() {
            const { stage } = this;
            return this.group(say("Zoom"),
                makeButton("−", say("Zoom out (key -)"), () => stage.zoomBy(1 / 1.5)), this.zoom,
                makeButton("+", say("Zoom in (key +)"), () => stage.zoomBy(1.5)),
                makeButton(say("Fit"), say("All of the picture (key 0)"), () => stage.fit()),
                makeButton("1:1", say("Real pixels (key 1)"), () => stage.showRealPixels()));
        }

        /**
         * Offer the layers there are: of compared files none is of the host alone.
         * @param {boolean} isGuarded
         */
        offer(isGuarded) {
            for (const option of this.element.querySelectorAll("option")) {
                keep(option, "disabled", !isGuarded && option.value.endsWith("unguarded"));
            }
        }

        /** Show what the stage shows. */
        follow() {
            const { mode, first, second } = this.stage.options;
            const [choice, other, scale] = [this.first, this.second, this.scale].map((field) =>
                field.querySelector("select"));
            keep(choice, "value", first);
            keep(other, "value", second);
            keep(scale, "disabled", ![first, second].some((layer) => layer.startsWith("heat")));
            this.opacity.hidden = mode !== "onion";
            for (const button of this.modes) {
                button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
            }
            const percent = 100 * this.stage.view.scale * (window.devicePixelRatio || 1);
            this.zoom.textContent = `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
        }
    }

    /**
     * Set a control's property where it is another. Each time one is set, Chromium saves all fields
     * of the page a second later - whole pictures among them where the host's canvas is one.
     * @param {any} control @param {string} name @param {any} value
     */
    function keep(control, name, value) {
        if (control[name] !== value) control[name] = value;
    }

    /**
     * @param {string} label @param {string} title @param {boolean} isOn
     * @param {(isOn: boolean) => void} changed
     */
    function makeToggle(label, title, isOn, changed) {
        const button = makeButton(label, title, () => {
            const now = button.getAttribute("aria-pressed") !== "true";
            button.setAttribute("aria-pressed", String(now));
            changed(now);
        }, { "aria-pressed": String(isOn) });
        return button;
    }

    /** Codes along a legend, from none to most. @param {string} scale */
    function legendCodes(scale) {
        return Uint8Array.from({ length: 256 }, (_, at) => {
            if (scale === "signed") return Math.max(at, 1);
            const share = at / 255;
            const value = scale === "linear" ? 254 * share : 255 ** share - 1;
            return 1 + Math.round(value);
        });
    }

    /**
     * The colours of each scale's codes, as ImageData has them (little-endian RGBA).
     * @param {string} json scale -> base64 of 256 x RGB
     * @returns {Record<string, Uint32Array>}
     */
    function readTables(json) {
        return Object.fromEntries(Object.entries(JSON.parse(json)).map(([scale, text]) => {
            const bytes = toBytes(/** @type {string} */ (text));
            return [scale, Uint32Array.from({ length: 256 }, (_, code) => {
                const [red, green, blue] = bytes.subarray(3 * code);
                return (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
            })];
        }));
    }

    /**
     * Call `action` at once, then at most every `pause` ms, and once after the last call.
     * @param {() => void} action @param {number} pause in ms
     */
    function throttle(action, pause) {
        let timer = 0, isAsked = false;
        const run = () => {
            timer = 0;
            if (!isAsked) return;
            isAsked = false;
            action();
            timer = window.setTimeout(run, pause);
        };
        return () => {
            isAsked = true;
            if (!timer) run();
        };
    }

    /** The badge under the gallery of img2img, for the image that is selected there. */
    class GalleryBadge {
        /** @param {Page} page */
        constructor(page) {
            this.page = page;
            this.selection = /** @type {Selection} */ (null);
            this.element = make("div", { "id": "bleed_guard_gallery_badge", "role": "status" });
        }

        /** The gallery may have changed, or what is selected in it. */
        follow() {
            const gallery = host.find("img2img_gallery_container") ?? host.find("img2img_gallery");
            if (!gallery) return;
            if (!this.element.isConnected) gallery.after(this.element);
            // While one picture is shown large, a strip of all is there beside the hidden grid.
            const strip = [...gallery.querySelectorAll(".thumbnail-small")];
            const thumbs = strip.length ? strip : [...gallery.querySelectorAll(".thumbnail-item")];
            const sources = thumbs.map((thumb) => thumb.querySelector("img")?.src ?? "");
            const selected = thumbs.findIndex((thumb) => thumb.classList.contains("selected"));
            const found = matchImage(this.page.records, host.readRun(), sources, selected);
            const isTold = opts.bleed_guard_tell_in_page !== false ||
                found?.image.verdict === "not guarded"; // a failure is told in any case
            this.tell(isTold ? found : null);
        }

        /** @param {Selection} selection */
        tell(selection) {
            this.selection = selection;
            this.element.hidden = !selection;
            if (!selection) return;
            const { record, image } = selection;
            const text = `${words.headline(record, image)}. ${words.second(record, image)}`.trim();
            if (this.element.dataset.text === text) return;
            this.element.dataset.text = text;
            this.element.replaceChildren(makeBadge(image.verdict), make("span", {}, text),
                makeButton(say("Look"), say("Show this image in the Bleed tab"),
                    () => this.look()));
        }

        /** Show in the tab what is selected in the gallery now. */
        look() {
            this.follow();
            if (this.selection) this.page.select(this.selection);
            host.openTab("Bleed");
        }
    }

    /**
     * Whether a record is about what the gallery shows: not about files, and not about one of
     * several jobs of which a script makes one picture.
     * @param {RecordEntry} record
     */
    function isOfOneJob(record) {
        return hasGuard(record) && record.facts["Put together by"] === "one job";
    }

    /**
     * The image that is selected in a gallery, by its file's name, else by its place in the reply.
     * A batch of files, or a script, is many runs, of which the host's reply tells the first.
     * @param {RecordEntry[]} records newest first @param {string} run the id the reply tells
     * @param {string[]} sources of the gallery @param {number} selected -1 for none
     * @returns {Selection}
     */
    function matchImage(records, run, sources, selected) {
        if (!run) return null;
        const at = records.findIndex(({ id }) => id === run);
        const since = at < 0 ? records : records.slice(0, at + 1);
        const told = since.filter(isOfOneJob);
        const named = findByName(told, fileName(readPath(sources[selected])));
        if (named) return named;
        const record = told.find(({ id }) => id === run);
        if (told.length > 1) return record ? findOfSeveral(told, sources.length) : null;
        return record ? findByPlace(record, selected) : null;
    }

    /**
     * A picture that is no run's file may be made of several, as a grid is: the worst of all is
     * told. Where the gallery has room for each image it may be any one of them: nothing is told.
     * @param {RecordEntry[]} records newest first @param {number} count of the gallery
     * @returns {Selection}
     */
    function findOfSeveral(records, count) {
        const oldestFirst = [...records].reverse();
        const images = oldestFirst.flatMap((record) => record.images);
        const image = count < images.length ? worstImage(images) : null;
        const record = oldestFirst.find((one) => image && one.images.includes(image));
        return record && image ? { record, image } : null;
    }

    /** @param {RecordEntry[]} records @param {string} name of a file @returns {Selection} */
    function findByName(records, name) {
        const isNamed = (/** @type {ImageEntry} */ image) => fileName(image.saved_as) === name;
        const record = name ? records.find(({ images }) => images.some(isNamed)) : undefined;
        const image = record?.images.find(isNamed);
        return record && image ? { record, image } : null;
    }

    /**
     * An image stands before its mask and its composite, all images behind a grid if there is one;
     * behind them may be pictures of other extensions, which nobody has judged.
     * @param {RecordEntry} record @param {number} selected @returns {Selection}
     */
    function findByPlace(record, selected) {
        const places = record.images.map((image) => image.places ?? [Infinity, -Infinity]);
        const first = Math.min(...places.map(([from]) => from));
        const at = places.findIndex(([from, to]) => from <= selected && selected < to);
        const isGrid = selected < first && first < Infinity;
        const image = isGrid ? worstImage(record.images) : record.images[at];
        return image ? { record, image } : null;
    }

    /** The path an address names; not every host encodes a % in it. @param {string} [address] */
    function readPath(address = "") {
        return address.split("?")[0].replace(/(%[0-9a-f]{2})+/gi, (codes) => {
            try {
                return decodeURIComponent(codes);
            } catch {
                return codes;
            }
        });
    }

    /** @param {string} path of any system */
    function fileName(path) {
        return path.split(/[\\/]/).pop() ?? "";
    }

    /** @param {ImageEntry[]} images */
    function worstImage(images) {
        const rank = (/** @type {ImageEntry} */ image) => WORST_FIRST.indexOf(image.verdict);
        return [...images].sort((first, second) => rank(first) - rank(second))[0] ?? null;
    }

    /** Fill the tab, and look again whenever the img2img results change. */
    function start() {
        const root = host.find("bleed_guard_root");
        if (!root || root.classList.contains("bleed-guard")) return;
        const page = new Page(root, new Server());
        const badge = new GalleryBadge(page);
        const refresh = throttle(() => {
            badge.follow(); // at once, with the runs that are known
            page.refresh().then(() => badge.follow());
        }, 80);
        const seldom = throttle(refresh, 5000); // every change in the page, ours as well
        const observer = new MutationObserver(refresh);
        let watched = /** @type {Element | null} */ (null);
        const watch = () => {
            const results = host.find("img2img_results");
            if (!results || results === watched) return;
            watched = results;
            observer.disconnect();
            observer.observe(results, {
                childList: true, subtree: true, characterData: true,
                attributes: true, attributeFilter: ["src", "class"],
            });
        };
        watch();
        onAfterUiUpdate(() => {
            watch();
            seldom();
        });
        document.addEventListener("visibilitychange", refresh);
        refresh();
        bleedGuard.page = page;
    }

    /** Fill the offline report. */
    function startOffline() {
        const root = /** @type {HTMLElement} */ (document.getElementById("bleed_guard_root"));
        const data = document.getElementById("bleed_guard_root_data")?.textContent ?? "";
        bleedGuard.page = new Page(root, new Offline(JSON.parse(data)));
        bleedGuard.page.refresh();
    }

    /** @type {any} */
    const bleedGuard = {
        geometry, cells, words, say, host, send, matchImage, Blocks, Layers, start, startOffline,
        page: null,
    };
    /** @type {any} */ (globalThis).bleedGuard = bleedGuard;
    if (typeof onUiLoaded === "function") onUiLoaded(start);
    if (typeof module !== "undefined") module.exports = bleedGuard;
}
