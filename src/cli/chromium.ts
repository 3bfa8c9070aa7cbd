import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptInstall, canInstall } from './apt.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Path of a Chromium on this machine, or null. CHROMIUM_PATH wins. */
export function findChromium(): string | null {
	const named = process.env.CHROMIUM_PATH;
	if (named) return existsSync(named) ? named : null;
	const folders = ['/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];
	const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
	return [...candidates, MAC].find((path) => existsSync(path)) ?? null;
}

/**
 * Finds Chromium, or installs Debian's where we are root and apt-get exists.
 * @throws Error with one sentence about what to install
 */
export function ensureChromium(): string {
	const found = findChromium();
	if (found) return found;
	const sentence =
		'The end-to-end tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH to one.';
	if (!canInstall()) throw new Error(sentence);
	try {
		aptInstall('chromium');
	} catch (error) {
		throw new Error(sentence, { cause: error });
	}
	const installed = findChromium();
	if (!installed) throw new Error(sentence);
	return installed;
}
