"use strict";
// The panel under the inpaint controls: says what the settings will do while the user moves them,
// in the sentences of bleed_guard/core/wording.py, which come with the page. What Python's plan.py
// judges by the mask is left to it; the rest is judged here in the same way, and a test compares.
{
    /**
     * @typedef {{severity: string, what: string, why: string, fix: string}} Wording
     * @typedef {{messages: Record<string, Wording>, reasons: Record<string, string>,
     *   sources: string[], reach: number[], lossyFormats: Record<string, string>,
     *   recommendedStrength: number}} Rules
     * @typedef {{blur: number, padding: number, strength: number, onlyMasked: boolean,
     *   isMisplaced: boolean, keepsContent: boolean}} Job
     * @typedef {{format: string, hasOverlay: boolean, hasFaces: boolean, hasColors: boolean,
     *   isLossless: boolean, saves: boolean, isSoft: boolean}} Options
     * @typedef {Record<string, any>} Settings
     * @typedef {{rules: Rules, job: Job, options: Options, settings: Settings}} View
     * @typedef {{key: string, severity: string, lines: string[]}} Said
     * @typedef {Record<string, string | number>} Values
     */

    /** @param {string} text the user's language, where the host has it */
    const translate = (text) =>
        (typeof getTranslation === "function" ? getTranslation(text) : undefined) ?? text;

    /** @param {string} text @param {Values} values */
    const fill = (text, values) =>
        text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));

    /** @param {string} text with {placeholders} @param {Values} [values] */
    const say = (text, values = {}) => fill(translate(text), values);

    /** @param {View} view @param {string} key @param {Values} [values] @returns {Said} */
    function message(view, key, values = {}) {
        const { severity, what, why, fix } = view.rules.messages[key];
        return { key, severity, lines: [what, why, fix].map((text) => say(text, values)) };
    }

    /**
     * What the guard will change in the host's settings.
     * @param {View} view @param {string} setting its translated name
     * @param {string | number} before @param {string | number} after
     * @param {string} reason key of the table of reasons @returns {Said}
     */
    function change(view, setting, before, after, reason) {
        const { preset } = view.settings;
        const source = say(view.rules.sources[preset === "custom" ? 1 : 0], { preset });
        const why = say(view.rules.reasons[reason], { source });
        return {
            key: "change", severity: "change", lines: [`${setting} ${before} -> ${after}, ${why}`],
        };
    }

    /** @param {View} view whether protected pixels are put back */
    const isForced = ({ settings }) => settings.paste_back && settings.protect !== "none";

    /** @param {View} view whether anything is laid over the picture outside the mask */
    const isCovered = (view) => isForced(view) || view.options.hasOverlay;

    /** What is judged, in the order of plan.py: changes first. */
    const judges = {
        /** @param {View} view */
        hardMask: (view) => (view.settings.soft_mask === "harden" && view.job.blur > 0
            ? [change(view, say("mask blur"), view.job.blur, 0, "harden")] : []),

        /** @param {View} view */
        padding(view) {
            const { job, settings } = view;
            const isOver = job.onlyMasked && job.padding > settings.padding_limit;
            return isOver && settings.limit_padding
                ? [change(view, say("padding"), job.padding, settings.padding_limit, "limit")] : [];
        },

        /** @param {View} view */
        cap(view) {
            const { job, settings } = view;
            if (!settings.cap_strength || job.strength <= settings.strength_cap) return [];
            const cap = settings.strength_cap;
            return [change(view, say("denoising strength"), job.strength, cap, "cap")];
        },

        /** @param {View} view */
        facesOff: (view) => (view.options.hasFaces && view.settings.face_restoration === "off"
            ? [change(view, say("face restoration"), say("on"), say("off"), "off")] : []),

        /** @param {View} view */
        colorsOff: (view) => (view.options.hasColors && view.settings.color_correction === "off"
            ? [change(view, say("color correction"), say("on"), say("off"), "off")] : []),

        /** @param {View} view */
        format: (view) => (willLose(view) && view.settings.lossy_format === "png"
            ? [change(view, say("format"), view.options.format, "png", "png")] : []),

        /** @param {View} view */
        protection(view) {
            if (view.settings.protect === "none") return [message(view, "full_redo")];
            return view.settings.paste_back ? [] : [message(view, "paste_back_off")];
        },

        /** @param {View} view */
        latentUpscale(view) {
            if (!view.job.isMisplaced) return [];
            if (!view.job.keepsContent) return [message(view, "latent_upscale_fails")];
            if (view.settings.protect === "none") return [];
            return [message(view, isForced(view) ? "latent_upscale_guarded" : "latent_upscale")];
        },

        /** @param {View} view */
        overlay(view) {
            if (view.options.hasOverlay || view.settings.protect === "none") return [];
            if (isForced(view)) return [message(view, "overlay_off_guarded")];
            return [message(view, view.job.onlyMasked ? "overlay_off_crop" : "overlay_off")];
        },

        /** @param {View} view */
        softInpainting(view) {
            if (!view.options.isSoft || view.settings.protect === "none") return [];
            return [message(view, isForced(view) ? "soft_inpainting_guarded" : "soft_inpainting")];
        },

        /** @param {View} view */
        blur(view) {
            const { job, rules, settings, options } = view;
            const reach = reachOf(rules, job.blur);
            const isHost = options.hasOverlay && !options.isSoft && !job.isMisplaced;
            if (!reach || !isHost || settings.soft_mask !== "warn") return [];
            const allowed = settings.protect === "soft" ? "mask_blur_allowed" : "mask_blur_guarded";
            const key = isForced(view) ? allowed : "mask_blur";
            return [message(view, key, { blur: job.blur, reach })];
        },

        /** @param {View} view */
        strength(view) {
            const { settings, rules } = view;
            const cap = settings.cap_strength ? settings.strength_cap : Infinity;
            const strength = Math.min(view.job.strength, cap);
            if (settings.protect === "none" || strength < settings.strength_warning) return [];
            return [message(view, "strength",
                { strength, recommended: rules.recommendedStrength })];
        },

        /** @param {View} view */
        faces: (view) => (view.options.hasFaces && view.settings.face_restoration === "warn"
            ? [message(view, isCovered(view) ? "face_restoration" : "face_restoration_open")] : []),

        /** @param {View} view */
        colors: (view) => (view.options.hasColors && view.settings.color_correction === "warn"
            ? [message(view, isCovered(view) ? "color_correction" : "color_correction_open")] : []),

        /** @param {View} view */
        lossyFile: (view) => (willLose(view) && view.settings.lossy_format === "warn"
            ? [message(view, "lossy_file",
                { format: view.rules.lossyFormats[view.options.format] })] : []),
    };

    /** @param {View} view whether the file will not hold the pixels */
    function willLose({ rules, options }) {
        const isKnown = options.format in rules.lossyFormats;
        return options.saves && isKnown && !(options.format === "webp" && options.isLossless);
    }

    /** @param {Rules} rules @param {number} blur px a straight edge of the mask bleeds */
    const reachOf = (rules, blur) => rules.reach[Math.round(blur)] ?? Math.floor(2.5 * blur + 0.5);

    /** @param {View} view @returns {Said[]} */
    const judge = (view) => Object.values(judges).flatMap((each) => each(view));

    // ------------------------------------------------------------------------ reading the page

    /** @param {string} selector @returns {HTMLInputElement | null} */
    const input = (selector) => gradioApp().querySelector(selector);

    /** @param {string} id */
    const numberOf = (id) => Number(input(`#${id} input[type=number]`)?.value ?? 0);

    /** @param {string} id which radio button is on, whatever language it speaks; -1 for none */
    const choiceOf = (id) => [...gradioApp().querySelectorAll(`#${id} input[type=radio]`)]
        .findIndex((radio) => /** @type {HTMLInputElement} */ (radio).checked);

    /** @param {string} id @returns {any} value of one of our controls */
    function valueOf(id) {
        const toggle = input(`#${id} input[type=checkbox]`);
        if (toggle) return toggle.checked;
        const radio = input(`#${id} input[type=radio]:checked`);
        return radio ? radio.value : numberOf(id);
    }

    const SETTINGS = ["preset", "paste_back", "protect", "limit_padding", "padding_limit",
        "soft_mask", "cap_strength", "strength_cap", "strength_warning", "face_restoration",
        "color_correction", "lossy_format"];
    const GRAVE = ["warning", "error"];
    const LATENT_UPSCALE = 3;
    const ORIGINAL = 1;

    /** @returns {Settings} */
    const readSettings = () =>
        Object.fromEntries(SETTINGS.map((name) => [name, valueOf(`bleed_guard_${name}`)]));

    /** Size of the picture on the Inpaint page, px; null where none is seen. */
    function pictureSize() {
        const shown = /** @type {NodeListOf<HTMLImageElement>} */ (
            gradioApp().querySelectorAll("#img2maskimg img"));
        const image = [...shown].find(({ naturalWidth }) => naturalWidth > 1);
        return image ? [image.naturalWidth, image.naturalHeight] : null;
    }

    /**
     * @param {number} side px, asked for @param {number} step px
     * @returns what the host makes it
     */
    const settle = (side, step) => (step > 1
        ? Math.max(Math.floor((side + step / 2) / step) * step, step) : side);

    /** @param {number} step px the host brings sizes to a multiple of @returns {Job} */
    function readJob(step) {
        const size = pictureSize();
        const asked = ["img2img_width", "img2img_height"].map((id) => settle(numberOf(id), step));
        const onlyMasked = choiceOf("img2img_inpaint_full_res") === 1;
        const grows = size !== null && String(size) !== String(asked);
        return {
            blur: numberOf("img2img_mask_blur"),
            padding: numberOf("img2img_inpaint_full_res_padding"),
            strength: numberOf("img2img_denoising_strength"),
            onlyMasked,
            isMisplaced: grows && !onlyMasked && choiceOf("resize_mode") === LATENT_UPSCALE,
            keepsContent: choiceOf("img2img_inpainting_fill") === ORIGINAL,
        };
    }

    /** @returns {Options} */
    const readOptions = () => ({
        format: String(opts.samples_format ?? "png").toLowerCase(),
        hasOverlay: opts.overlay_inpaint !== false,
        hasFaces: opts.face_restoration === true,
        hasColors: opts.img2img_color_correction === true,
        isLossless: opts.webp_lossless === true,
        saves: opts.samples_save !== false,
        isSoft: input("#soft_inpainting_enabled-checkbox input")?.checked === true,
    });

    const isOn = () => input("#bleed_guard_enabled input[type=checkbox]")?.checked ?? true;

    // ------------------------------------------------------------------------- telling the user

    /** @param {string} name @param {string} style @param {(Node | string)[]} inside */
    function make(name, style, ...inside) {
        const element = document.createElement(name);
        if (style) element.className = style;
        element.append(...inside);
        return element;
    }

    /** @param {Said} said @returns {HTMLElement} */
    function draw({ severity, lines: [first, ...rest] }) {
        const marks = /** @type {Record<string, string>} */ ({
            info: "i", warning: "!", error: "×", change: "→",
        });
        const sign = make("span", "bleed-guard-live-mark", marks[severity]);
        sign.setAttribute("aria-hidden", "true");
        const item = make("li", "", sign, make("strong", "", first));
        if (rest.length) item.append(make("span", "", rest.map((line) => `${line}.`).join(" ")));
        item.dataset.severity = severity;
        return item;
    }

    /** The place the sentences are shown in, and what it showed last. */
    class Teller {
        /** @param {HTMLElement} root */
        constructor(root) {
            this.root = root;
            this.rules = /** @type {Rules} */ (JSON.parse(root.dataset.rules ?? "{}"));
            this.step = Number(root.dataset.step ?? 1);
            this.shown = "";
        }

        tell() {
            const isWanted = isOn() && opts.bleed_guard_live_messages !== false;
            const [job, options] = [readJob(this.step), readOptions()];
            const said = isWanted ? judge({
                rules: this.rules, job, options, settings: readSettings(),
            }) : [];
            const isHosts = isWanted && !options.isSoft; // Soft Inpainting blends by itself
            this.tellReach(isHosts ? reachOf(this.rules, job.blur) : 0);
            this.tellHeader(said.filter(({ severity }) => GRAVE.includes(severity)).length);
            const text = JSON.stringify(said);
            if (text === this.shown) return;
            this.shown = text;
            this.root.replaceChildren(make("ul", "", ...said.map(draw)));
        }

        /** @param {number} warnings told in the panel, which may be folded away */
        tellHeader(warnings) {
            const header = gradioApp().querySelector("#bleed_guard_panel > .label-wrap > span");
            const preset = input("#bleed_guard_preset input:checked")?.value ?? "";
            const told = isOn() ? [preset, warnings ? `! ${warnings}` : ""] : [say("off")];
            const text = told.filter(Boolean).join(" · ");
            if (!header || header.getAttribute("data-bleed-guard") === text) return;
            header.setAttribute("data-bleed-guard", text); // shown by the style sheet
            header.toggleAttribute("data-warns", warnings > 0 || !isOn());
        }

        /** @param {number} reach px, told beside the host's mask blur; 0 tells nothing */
        tellReach(reach) {
            const label = gradioApp().querySelector("#img2img_mask_blur label");
            const told = reach ? say("reach {reach} px", { reach }) : "";
            const place = /** @type {HTMLElement | null} */ (
                gradioApp().querySelector("#bleed_guard_reach"));
            if ((place?.textContent ?? "") === told) return;
            place?.remove();
            if (!told || !label) return;
            const badge = make("span", "bleed-guard-reach", told);
            badge.id = "bleed_guard_reach";
            label.append(badge);
        }
    }

    /**
     * Speak in the panel from now on. What a click sets in other controls, as a preset's does,
     * gradio sets a little later and without an event: look again then.
     */
    function start() {
        const root = /** @type {HTMLElement | null} */ (
            gradioApp().querySelector("#bleed_guard_live"));
        if (!root || root.dataset.speaks) return;
        root.dataset.speaks = "yes";
        const teller = new Teller(root);
        let isDue = false;
        const soon = () => {
            if (isDue) return;
            isDue = true;
            requestAnimationFrame(() => {
                isDue = false;
                teller.tell();
            });
        };
        const now = () => [0, 150, 600].forEach((wait) => setTimeout(soon, wait));
        for (const event of ["input", "change", "click"]) gradioApp().addEventListener(event, now);
        onAfterUiUpdate(soon);
        onOptionsChanged(soon);
        soon();
        askForPresets();
    }

    /**
     * The page's presets are those of the host's start: ask for them as they are now, again until
     * the answer is there, for gradio listens some time after it has drawn the page.
     */
    function askForPresets() {
        let left = 40;
        const timer = setInterval(() => {
            const isAnswered = gradioApp().querySelector("#bleed_guard_preset_fresh [data-fresh]");
            if (isAnswered || left-- === 0) clearInterval(timer);
            else {
                /** @type {HTMLElement | null} */ (
                    gradioApp().querySelector("#bleed_guard_preset_refresh"))?.click();
            }
        }, 500);
    }

    const bleedGuardPanel = { judge, reachOf, say, settle, start };
    /** @type {any} */ (globalThis).bleedGuardPanel = bleedGuardPanel;
    if (typeof onUiLoaded === "function") onUiLoaded(start);
    if (typeof module !== "undefined") module.exports = bleedGuardPanel;
}
