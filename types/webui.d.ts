/** What the WebUI's own page gives the scripts of extensions (all supported hosts). */

/** Gradio 3: the shadow root's host element, Gradio 4: the document. */
declare function gradioApp(): Document | (HTMLElement & { getElementById(id: string): HTMLElement | null });

/** Runs once when the page's interface stands. */
declare function onUiLoaded(callback: () => void): void;

/** Runs some time after the interface changed; many changes make one call. */
declare function onAfterUiUpdate(callback: () => void): void;

/** Runs on every change of the interface. */
declare function onUiUpdate(callback: (mutations: MutationRecord[]) => void): void;

/** Runs when the settings were applied, and once at the start. */
declare function onOptionsChanged(callback: () => void): void;

/** Tells Gradio that a script set `target.value`. */
declare function updateInput(target: Element): void;

/** The tab that is open (txt2img, img2img, an extension's). */
declare function get_uiCurrentTabContent(): HTMLElement | null;

/** The host's settings by name. */
declare const opts: Record<string, unknown>;

/** The host's translation of a text; absent on some hosts. */
declare const getTranslation: ((text: string) => string | undefined) | undefined;
