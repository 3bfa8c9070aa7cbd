import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isPublicRoute } from '#lib/identity/publicRoutes.ts';
import { extraWords, fileProblems, readmeProblems, wordProblems } from './architecture/files.ts';
import { guardProblems } from './architecture/guards.ts';
import { importProblems } from './architecture/layers.ts';
import { type Problem, readSources } from './architecture/source.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = readSources(root, ['src', 'tests']);
const paths = ['src', 'prisma'].flatMap((folder) =>
	readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
		.map((name) => `${folder}/${name}`)
		.filter((path) => statSync(join(root, path)).isFile())
);

test('imports follow the table of lines', () => {
	expect(readable(importProblems(sources))).toEqual([]);
});

test('files are short and named after what they hold', () => {
	expect(readable(fileProblems(sources))).toEqual([]);
});

test('every area has its README', () => {
	expect(readable(readmeProblems(paths))).toEqual([]);
});

test('every word in URLs, Prisma files and permissions has an owner', () => {
	const words = extraWords(readFileSync(join(root, 'docs/areas.md'), 'utf8'));
	const permissions = [
		...readFileSync(join(root, 'src/lib/identity/permissions.ts'), 'utf8').matchAll(
			/^\t'([a-z]+:[a-z_]+)':/gm
		)
	].map(([, permission = '']) => permission);
	expect(permissions.length).toBeGreaterThan(0);
	expect(readable(wordProblems(paths, permissions, words))).toEqual([]);
});

test('everything that a request can reach begins by saying who may', () => {
	expect(readable(guardProblems(sources, isPublicRoute))).toEqual([]);
});

function readable(problems: Problem[]): string[] {
	return problems.map(({ rule, file, detail }) => `[${rule}] ${file}: ${detail}`);
}
