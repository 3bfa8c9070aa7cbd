import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Hsl = { hue: number; saturation: number; lightness: number };

const BADGE = '#8f00ff';
const COLOUR = /#[\da-f]{3,8}\b|(?:rgb|hsl|oklch|hwb|lab|lch|oklab)a?\([^)]*\)/gi;
const NAMES =
	/(?<![\w-])(?:(?:hot|deep|light)?pink|(?:dark|medium)?(?:purple|violet|orchid|turquoise)|rebeccapurple|blueviolet|magenta|fuchsia|plum|indigo|lavender|cyan|aqua|teal|aquamarine)(?![\w-])/gi;

/** `#rgb`, `#rrggbb(aa)`, `rgb()` and `hsl()` as hue 0–360 and fractions; null for what has no fixed colour. */
function parse(text: string): Hsl | null {
	const numbers = (text.match(/-?[\d.]+/g) ?? []).map(Number);
	if (/^hsla?\(/i.test(text)) {
		const [hue = 0, saturation = 0, lightness = 0] = numbers;
		return {
			hue: ((hue % 360) + 360) % 360,
			saturation: saturation / 100,
			lightness: lightness / 100
		};
	}
	if (/^rgba?\(/i.test(text)) return numbers.length < 3 ? null : fromRgb(numbers);
	if (!text.startsWith('#')) throw new Error(`${text}: write colours as hex, rgb or hsl`);
	const digits = text.slice(1);
	const long = digits.length < 6 ? [...digits].map((d) => d + d).join('') : digits;
	return fromRgb([0, 2, 4].map((at) => parseInt(long.slice(at, at + 2), 16)));
}

function fromRgb(channels: number[]): Hsl {
	const [r = 0, g = 0, b = 0] = channels.map((channel) => channel / 255);
	const [max, min] = [Math.max(r, g, b), Math.min(r, g, b)];
	const delta = max - min;
	const lightness = (max + min) / 2;
	if (!delta) return { hue: 0, saturation: 0, lightness };
	const sixth = max === r ? (g - b) / delta : max === g ? (b - r) / delta + 2 : (r - g) / delta + 4;
	return {
		hue: (sixth * 60 + 360) % 360,
		saturation: delta / (1 - Math.abs(2 * lightness - 1)),
		lightness
	};
}

/** Coloured enough for an eye to name the hue. */
const vivid = ({ saturation, lightness }: Hsl) =>
	saturation > 0.25 && lightness > 0.12 && lightness < 0.97;

/** Every sentence is one breach of the palette of docs: violet, pink, rose, cyan, glow, rainbow. */
function breaches(css: string): string[] {
	const found: string[] = [];
	const text = css.replace(/\/\*[\s\S]*?\*\//g, '').replace(/url\([^)]*\)/g, '');
	for (const name of text.match(NAMES) ?? []) found.push(`colour name ${name}`);
	for (const colour of text.match(COLOUR) ?? []) {
		const hsl = parse(colour);
		if (!hsl || !vivid(hsl) || colour.toLowerCase() === BADGE) continue;
		if (hsl.hue > 252 && hsl.hue < 352) found.push(`${colour} is violet, pink or rose`);
		if (hsl.hue > 165 && hsl.hue < 199) found.push(`${colour} is cyan or turquoise`);
	}
	for (const [shadow] of text.matchAll(/(?:box-shadow|text-shadow|drop-shadow)\s*[:(][^;}]*/gi)) {
		for (const colour of shadow.match(COLOUR) ?? []) {
			const hsl = parse(colour);
			if (hsl && vivid(hsl) && hsl.lightness > 0.3) found.push(`glow: ${shadow}`);
		}
	}
	for (const [gradient] of text.matchAll(
		/(?:linear|radial|conic)-gradient\((?:[^()]|\([^()]*\))*\)/gi
	)) {
		const hues = (gradient.match(COLOUR) ?? []).flatMap((colour) => {
			const hsl = parse(colour);
			return hsl && vivid(hsl) ? [hsl.hue] : [];
		});
		if (hues.some((hue) => hue < 199 || hue > 225))
			found.push(`gradient outside blue: ${gradient}`);
	}
	return found;
}

const root = new URL('../../../', import.meta.url).pathname;
const svelte = globSync('src/**/*.svelte', { cwd: root });
// Mail programs know no custom properties, so these write their colours out.
const mails = svelte.filter(
	(file) =>
		file.startsWith('src/lib/notifications/templates/') ||
		// Answers for hosts that are not ours, where our stylesheet is not served.
		file === 'src/lib/provisioning/OffAirPage.svelte'
);
const styles = globSync('src/**/*.css', { cwd: root });
const built = existsSync(`${root}build/client`)
	? globSync('build/client/**/*.css', { cwd: root })
	: [];

describe('the palette', () => {
	it.each([...styles, ...built])('is kept by %s', (file) => {
		expect(breaches(readFileSync(root + file, 'utf8'))).toEqual([]);
	});
	it.each(mails)('is kept by %s', (file) => {
		expect(breaches(readFileSync(root + file, 'utf8'))).toEqual([]);
	});
	it('is asked for by name in components: no colour values, no colours of Tailwind’s own', () => {
		const own =
			/#[\da-f]{3}(?:[\da-f]{3}(?:[\da-f]{2})?)?(?![\w-])|\b(?:rgb|hsl|oklch)a?\(|\b(?:bg|text|border|ring|fill|stroke|from|via|to|shadow|outline|decoration|accent|divide)-(?:slate|gray|zinc|neutral|stone|red|orange|amber|yellow|lime|green|emerald|teal|cyan|sky|blue|indigo|violet|purple|fuchsia|pink|rose)-\d/gi;
		const pages = svelte.filter((file) => !mails.includes(file));
		const found = pages.flatMap((file) => {
			const text = readFileSync(root + file, 'utf8').replace(/\{#\w+|href="#[^"]*"/g, '');
			return (text.match(own) ?? []).map((value) => `${file}: ${value}`);
		});
		expect(pages.length).toBeGreaterThan(40);
		expect(found).toEqual([]);
	});
});

describe('the test itself', () => {
	it.each([
		'a{color:#ec4899}',
		'a{color:#f43f5e}',
		'a{color:rgb(168 85 247)}',
		'a{background:hsl(190 90% 50%)}',
		'a{color:hotpink}',
		'a{box-shadow:0 0 20px #00ff9f}',
		'a{background:linear-gradient(90deg,#003b73,#00ff9f)}'
	])('refuses %s', (css) => {
		expect(breaches(css)).not.toEqual([]);
	});
	it.each([
		'a{color:#003b73}',
		'a{color:#00FF9F}',
		'a{color:#8F00FF}',
		'a{color:#ef4444}',
		'a{box-shadow:0 12px 32px rgb(16 24 40 / .16)}',
		'a{background:linear-gradient(#00203f,#003b73)}'
	])('accepts %s', (css) => {
		expect(breaches(css)).toEqual([]);
	});
});
