import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium } from '@playwright/test';
import { findChromium } from '../../src/cli/chromium.ts';
import { figure, heading, notMeasured } from './report.ts';
import type { World } from './world.ts';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/** What a browser loads before the landing answers to its visitor. */
export async function benchLanding({ demo }: World): Promise<void> {
	heading('Landing in a browser');
	const executablePath = findChromium();
	if (!executablePath) {
		notMeasured('JavaScript of the landing', 'there is no Chromium on this machine');
		return;
	}
	const browser = await chromium.launch({ executablePath, args: FLAGS });
	try {
		const page = await browser.newPage();
		const sizes = { script: 0, stylesheet: 0, document: 0, font: 0 };
		const reads: Promise<void>[] = [];
		page.on('response', (response) => {
			const type = response.request().resourceType();
			if (!(type in sizes)) return;
			reads.push(
				response.body().then((body) => {
					const packed = type === 'font' ? body.length : gzipSync(body, { level: 9 }).length;
					sizes[type as keyof typeof sizes] += packed;
				})
			);
		});
		await page.goto(demo.app, { waitUntil: 'networkidle' });
		await Promise.all(reads);
		const kB = (bytes: number) => bytes / 1_000;
		const reference = { what: 'its HTML', value: kB(sizes.document) };
		figure({
			what: 'Landing, first-load JavaScript, gzipped',
			value: kB(sizes.script),
			unit: 'kB',
			aim: 60,
			reference
		});
		figure({ what: 'Landing, CSS, gzipped', value: kB(sizes.stylesheet), unit: 'kB', reference });
		figure({ what: 'Landing, fonts', value: kB(sizes.font), unit: 'kB', reference });
	} finally {
		await browser.close();
	}
	try {
		lighthouse(demo.app, executablePath);
	} catch (error) {
		// On a busy machine Chromium now and then gives it no trace.
		notMeasured('Lighthouse', error instanceof Error ? error.message : String(error));
	}
}

/** Scores by Lighthouse, where it is installed: it is three times as large as everything else that only tests need. */
function lighthouse(url: string, chromium: string): void {
	const command = process.env.LIGHTHOUSE_PATH;
	if (!command) {
		notMeasured(
			'Lighthouse',
			'LIGHTHOUSE_PATH names no lighthouse/cli/index.js; npm install --prefix /tmp/lighthouse lighthouse brings one, 185 MB'
		);
		return;
	}
	const folder = mkdtempSync(join(tmpdir(), 'erp-core-lighthouse-'));
	const report = join(folder, 'report.json');
	try {
		for (const preset of ['mobile', 'desktop']) {
			const flags = ['--output=json', `--output-path=${report}`, '--quiet'];
			if (preset === 'desktop') flags.push('--preset=desktop');
			execFileSync(
				process.execPath,
				[command, url, ...flags, `--chrome-flags=--headless=new ${FLAGS.join(' ')}`],
				{ env: { ...process.env, CHROME_PATH: chromium }, stdio: ['ignore', 'ignore', 'inherit'] }
			);
			const { categories } = JSON.parse(readFileSync(report, 'utf8')) as {
				categories: Record<string, { title: string; score: number }>;
			};
			for (const { title, score } of Object.values(categories)) {
				const what = `Lighthouse, ${preset}, ${title}`;
				figure({ what, value: score * 100, unit: 'points', aim: 95 });
			}
		}
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}
