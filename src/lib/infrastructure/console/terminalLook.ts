import type { ITheme } from '@xterm/xterm';

/** The terminal's colours, of the theme that the page shows now: no others than the palette's. */
export function terminalTheme(): ITheme {
	const style = getComputedStyle(document.documentElement);
	const colour = (name: string) => style.getPropertyValue(name).trim();
	const plain = {
		red: colour('--danger-ink'),
		green: colour('--success-ink'),
		yellow: colour('--warning-ink'),
		blue: colour('--info-ink'),
		// The palette has neither violet nor turquoise; what programs tell apart by them stays apart.
		magenta: colour('--text-link'),
		cyan: colour('--accent-ink')
	};
	return {
		...plain,
		background: colour('--surface-card'),
		foreground: colour('--text-main'),
		cursor: colour('--text-main'),
		cursorAccent: colour('--surface-card'),
		selectionBackground: colour('--surface-border'),
		black: colour('--surface-highlight'),
		white: colour('--text-main'),
		brightBlack: colour('--text-quiet'),
		brightRed: plain.red,
		brightGreen: plain.green,
		brightYellow: plain.yellow,
		brightBlue: plain.blue,
		brightMagenta: plain.magenta,
		brightCyan: plain.cyan,
		brightWhite: colour('--text-main')
	};
}

/**
 * Opens a terminal whose style elements are adopted style sheets: xterm writes its rules into elements, and our
 * Content-Security-Policy lets no element bring styles of its own. Its option `documentOverride` does not reach the one
 * that makes the scrollbar (xterm 6.0).
 * @param open makes all of them before it returns
 * @returns what takes the style sheets away
 */
export function openWithoutInlineStyles(open: () => void): () => void {
	const made = new Set<CSSStyleSheet>();
	const createElement = (tag: string, options?: ElementCreationOptions) =>
		tag === 'style'
			? sheetElement(made)
			: Document.prototype.createElement.call(document, tag, options);
	Object.defineProperty(document, 'createElement', { configurable: true, value: createElement });
	try {
		open();
	} finally {
		Reflect.deleteProperty(document, 'createElement');
	}
	return () => {
		document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => !made.has(one));
	};
}

/** An element whose text is the rules of a style sheet that the document has adopted. */
function sheetElement(made: Set<CSSStyleSheet>): HTMLElement {
	const sheet = new CSSStyleSheet();
	made.add(sheet);
	document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
	const element = Document.prototype.createElement.call(document, 'span');
	element.hidden = true;
	Object.defineProperty(element, 'textContent', {
		get: () => '',
		set: (rules: string) => sheet.replaceSync(rules)
	});
	return element;
}
