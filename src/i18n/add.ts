/**
 * Adds, replaces or removes messages in both languages: `node src/i18n/add.ts file.json`, where the file holds
 * `{ "signup_title": { "es": "Cree su ERP", "en": "Create your ERP" }, "signup_old": null }`. Keeps the files sorted and
 * compiles them.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const source = process.argv[2];
if (!source) throw new Error('usage: node src/i18n/add.ts <file.json>');
const added = JSON.parse(readFileSync(source, 'utf8')) as Record<
	string,
	Record<string, string> | null
>;

await lock();
try {
	for (const locale of ['es', 'en']) {
		const file = here(`./${locale}.json`);
		const messages = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
		for (const [key, texts] of Object.entries(added)) {
			if (texts === null) {
				delete messages[key];
				continue;
			}
			const text = texts[locale];
			if (!text) throw new Error(`${key} has no text in ${locale}`);
			messages[key] = text;
		}
		const sorted = Object.fromEntries(
			Object.entries(messages).sort(([a], [b]) => (a < b ? -1 : 1))
		);
		writeFileSync(file, `${JSON.stringify(sorted, null, '\t')}\n`);
	}
	execFileSync(
		process.execPath,
		[
			here('../../node_modules/.bin/paraglide-js'),
			'compile',
			'--project',
			here('./project.inlang'),
			'--outdir',
			here('./paraglide'),
			'--strategy',
			'cookie',
			'preferredLanguage',
			'baseLocale',
			'--silent'
		],
		{ stdio: 'inherit' }
	);
} finally {
	rmdirSync(here('./.lock'));
}

/** Two people may add messages at the same time. */
async function lock(): Promise<void> {
	for (let tries = 0; tries < 600; tries++) {
		try {
			mkdirSync(here('./.lock'));
			return;
		} catch {
			await sleep(100);
		}
	}
	throw new Error('src/i18n/.lock is held; delete the folder if nobody is adding messages');
}
