import { AREAS } from './layers.ts';
import type { Problem, Source } from './source.ts';

const CEILING = 300;
const NAMELESS = /^(utils?|helpers?|misc|index)(\.server|\.svelte)?\.(ts|js)$/;

/** Rules "ceiling" and "names". */
export function fileProblems(sources: Source[]): Problem[] {
	return sources.flatMap(({ path, text }) => {
		const problems: Problem[] = [];
		const lines = text.trimEnd().split('\n').length;
		if (lines > CEILING) {
			const detail = `${lines} lines, more than ${CEILING}; split it by noun or by phase`;
			problems.push({ rule: 'ceiling', file: path, detail });
		}
		const base = path.slice(path.lastIndexOf('/') + 1);
		if (NAMELESS.test(base)) {
			const detail = `${base} says nothing and gathers everything; name it after its noun`;
			problems.push({ rule: 'names', file: path, detail });
		}
		return problems;
	});
}

/** Rule "readme": every area explains itself on one screen. @param paths every file of the repository */
export function readmeProblems(paths: string[]): Problem[] {
	const folders = new Set(
		paths.flatMap((path) => /^src\/lib\/(?:verticals\/)?[^/]+\//.exec(path)?.[0] ?? [])
	);
	return [...folders]
		.filter((folder) => folder !== 'src/lib/verticals/' && !paths.includes(`${folder}README.md`))
		.map((folder) => ({
			rule: 'readme',
			file: folder,
			detail: 'has no README.md (nouns, states, invariants, jobs)'
		}));
}

/** Words of docs/areas.md that are not areas, with the area that owns each: rows `| word | where | owner |`. */
export function extraWords(areasDocument: string): Map<string, string> {
	const rows = areasDocument.matchAll(/^\|\s*`([a-z-]+)`\s*\|[^|]*\|\s*`?([a-z]+)`?\s*\|/gm);
	return new Map([...rows].map(([, word = '', owner = '']) => [word, owner]));
}

/** Rule "words": URL folders, Prisma files and permissions begin with an area's word or one that docs/areas.md gives away. */
export function wordProblems(
	paths: string[],
	permissions: string[],
	extra: Map<string, string>
): Problem[] {
	const problems: Problem[] = [];
	const known = (word: string) => AREAS.includes(word) || extra.has(word);
	const check = (file: string, word: string | undefined, what: string) => {
		if (!word || known(word)) return;
		const detail = `${what} "${word}" is no area and has no owner in docs/areas.md`;
		if (!problems.some((problem) => problem.detail === detail)) {
			problems.push({ rule: 'words', file, detail });
		}
	};
	for (const path of paths) {
		check(path, /^src\/routes\/admin\/([a-z-]+)\//.exec(path)?.[1], 'admin page');
		check(path, /^src\/routes\/api\/([a-z-]+)\//.exec(path)?.[1], 'API folder');
		const model = /^prisma\/models\/([a-z-]+)\.prisma$/.exec(path)?.[1];
		if (model !== 'core') check(path, model, 'Prisma file');
	}
	for (const permission of permissions) {
		check('src/lib/identity/permissions.ts', permission.split(':')[0], 'permission');
	}
	for (const [word, owner] of extra) {
		if (AREAS.includes(owner) || ['core', 'jobs'].includes(owner)) continue;
		const detail = `gives "${word}" to "${owner}", which is no area`;
		problems.push({ rule: 'words', file: 'docs/areas.md', detail });
	}
	return problems;
}
