// RFC 3492, section 5: the parameters of IDNA.
const BASE = 36;
const T_MIN = 1;
const T_MAX = 26;
const SKEW = 38;
const DAMP = 700;
const FIRST_N = 128;
const FIRST_BIAS = 72;
const PREFIX = 'xn--';

/** A name as people read it: labels in punycode are decoded, what does not decode stays. Works in browsers too. */
export function toUnicode(hostname: string): string {
	return hostname
		.split('.')
		.map((label) => (label.startsWith(PREFIX) ? (decoded(label.slice(4)) ?? label) : label))
		.join('.');
}

/** One label without its prefix; null when it is no punycode. */
function decoded(text: string): string | null {
	const basicEnd = text.lastIndexOf('-');
	const output = [...text.slice(0, Math.max(0, basicEnd))];
	let at = basicEnd < 0 ? 0 : basicEnd + 1;
	let code = FIRST_N;
	let bias = FIRST_BIAS;
	let index = 0;
	while (at < text.length) {
		const before = index;
		let weight = 1;
		for (let k = BASE; ; k += BASE) {
			const digit = digitOf(text.charCodeAt(at));
			at += 1;
			if (digit === null) return null;
			index += digit * weight;
			const threshold = Math.min(T_MAX, Math.max(T_MIN, k - bias));
			if (digit < threshold) break;
			weight *= BASE - threshold;
		}
		const length = output.length + 1;
		bias = adapted(index - before, length, before === 0);
		code += Math.floor(index / length);
		index %= length;
		if (code > 0x10ffff) return null;
		output.splice(index, 0, String.fromCodePoint(code));
		index += 1;
	}
	return output.join('');
}

/** NaN, past the end, is no digit either. */
function digitOf(char: number): number | null {
	if (char >= 48 && char <= 57) return char - 22;
	if (char >= 97 && char <= 122) return char - 97;
	return null;
}

function adapted(delta: number, length: number, first: boolean): number {
	let rest = first ? Math.floor(delta / DAMP) : delta >> 1;
	rest += Math.floor(rest / length);
	let k = 0;
	for (; rest > ((BASE - T_MIN) * T_MAX) >> 1; k += BASE) {
		rest = Math.floor(rest / (BASE - T_MIN));
	}
	return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW));
}
