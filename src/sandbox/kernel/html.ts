/** Text that is already safe to put into a page. */
export class Html {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}
}

/** Builds HTML; every inserted value is escaped unless it is Html itself. */
export function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
	return new Html(parts.reduce((text, part, index) => text + shown(values[index - 1]) + part));
}

function shown(value: unknown): string {
	if (value === null || value === undefined || value === false) return '';
	if (value instanceof Html) return value.text;
	if (Array.isArray(value)) return value.map(shown).join('');
	return String(value)
		.replaceAll('&', '&amp;')
		.replaceAll('<', '&lt;')
		.replaceAll('>', '&gt;')
		.replaceAll('"', '&quot;');
}
