import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { untar } from '../../../sandbox/nginx/tar.ts';
import { tarOf } from './edgeArchive.ts';

const folder = mkdtempSync(join(tmpdir(), 'edge-archive-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = [
	{ path: 'releases/ab/nginx.conf', content: 'ñ'.repeat(1_000), mode: 0o644 },
	{ path: 'certs/cd.key', content: 'secret\n', mode: 0o600 },
	{ path: 'certs/empty.pem', content: '', mode: 0o644 }
];

test('tar itself unpacks it, each file with its mode', () => {
	execFileSync('tar', ['-x', '-p', '-f', '-', '-C', folder], { input: tarOf(files) });
	for (const { path, content, mode } of files) {
		expect(readFileSync(join(folder, path), 'utf8')).toBe(content);
		expect(statSync(join(folder, path)).mode & 0o777).toBe(mode);
	}
});

test('the same files are the same archive, and one that is cut is none', () => {
	expect(tarOf(files)).toEqual(tarOf(structuredClone(files)));
	expect(untar(tarOf(files))).toHaveLength(3);
	expect(untar(tarOf(files).subarray(0, 1_000))).toBeNull();
	expect(() => tarOf([{ ...files[0]!, path: 'x'.repeat(101) }])).toThrow('too long');
});
