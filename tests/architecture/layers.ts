import ts from 'typescript';
import { name, type Problem, type Source } from './source.ts';

/** Who may import whom (docs/architecture.md): a lower line never imports a higher one. */
const LINES: string[][] = [
	['core', 'ui', 'i18n'],
	['integrations'],
	['logs'],
	['settings'],
	['notifications'],
	['identity'],
	['plans'],
	['customers'],
	['billing', 'infrastructure', 'licences'],
	['domains', 'backups'],
	['provisioning'],
	['support', 'analytics'],
	['verticals'],
	['jobs', 'routes', 'hooks', 'cli', 'server']
];

export const AREAS = LINES.slice(2, 13).flat();

/** Neighbours on one line that may, in this direction. The hook starts the worker; core and ui speak to people. */
const NEIGHBOURS = new Set(['hooks>jobs', 'cli>jobs', 'ui>i18n', 'core>i18n', 'ui>core']);

const SERVER_ONLY = /\.server(\.test)?\.ts$/;
const BROWSER = /(\.svelte|\.svelte\.ts|\/\+(page|layout)\.ts|\/schema\.ts|hooks\.client\.ts)$/;

/** The word that a file belongs to, or null when it stands outside the table (tests, configuration). */
export function areaOf(path: string): string | null {
	const [, lib] = /^src\/lib\/([^/]+)\//.exec(path) ?? [];
	if (lib) return lib;
	const [, top] = /^src\/(i18n|routes|cli|sandbox)\//.exec(path) ?? [];
	if (top) return top;
	if (/^src\/hooks\.(server|client)\.ts$/.test(path)) return 'hooks';
	return path === 'src/server.ts' ? 'server' : null;
}

export function importProblems(sources: Source[]): Problem[] {
	return sources.flatMap((source) => [
		...lineProblems(source),
		...sandboxProblems(source),
		...browserProblems(source),
		...databaseProblems(source),
		...specifierProblems(source)
	]);
}

/** Rule "lines": the table above. Tests may use anything. */
function lineProblems({ path, imports }: Source): Problem[] {
	const from = areaOf(path);
	if (!from || from === 'sandbox' || path.endsWith('.test.ts')) return [];
	const fromLine = lineOf(from);
	if (fromLine < 0) {
		const detail = `${from} is not in the table of lines; areas have one word each (docs/areas.md)`;
		return [{ rule: 'lines', file: path, detail }];
	}
	return imports.flatMap(({ target, specifier }) => {
		const to = target && areaOf(target);
		if (!to || to === 'sandbox' || !target) return [];
		const toLine = lineOf(to);
		const problem = (detail: string): Problem[] => [{ rule: 'lines', file: path, detail }];
		if (toLine > fromLine)
			return problem(`${from} imports ${specifier}: ${to} is on a higher line`);
		if (to !== from && toLine === fromLine && !NEIGHBOURS.has(`${from}>${to}`)) {
			return problem(`${from} imports ${specifier}: areas on one line do not import each other`);
		}
		if (to === from && (to === 'verticals' || to === 'integrations')) {
			const [mine, theirs] = [memberOf(path), memberOf(target)];
			// Two vendors, or two verticals, know nothing of each other; what they share lies beside them.
			if (mine && theirs && mine !== theirs) return problem(`${mine} imports ${specifier}`);
		}
		return [];
	});
}

function lineOf(area: string): number {
	return LINES.findIndex((line) => line.includes(area));
}

function memberOf(path: string): string | undefined {
	return /^src\/lib\/[^/]+\/([^/]+)\//.exec(path)?.[1];
}

/** Rule "sandbox": it and the product meet on the wire only. */
function sandboxProblems({ path, imports }: Source): Problem[] {
	const inside = path.startsWith('src/sandbox/');
	if (path.startsWith('tests/') || path.endsWith('.test.ts')) return [];
	return imports
		.filter(({ target }) => target && target.startsWith('src/sandbox/') !== inside)
		.map(({ specifier }) => ({
			rule: 'sandbox',
			file: path,
			detail: `imports ${specifier}; the sandbox and the product meet on the wire only`
		}));
}

/** Rule "browser": what is shipped to a browser imports no server module, except its types. */
function browserProblems({ path, imports }: Source): Problem[] {
	if (!BROWSER.test(path)) return [];
	// Mail templates are components that the server renders; they are server modules by name.
	return imports
		.filter(
			({ target, typeOnly }) =>
				target && !typeOnly && (SERVER_ONLY.test(target) || target === 'prisma/generated/client.ts')
		)
		.map(({ specifier }) => ({
			rule: 'browser',
			file: path,
			detail: `imports ${specifier}, which only the server may load`
		}));
}

/** Rule "database": the customer's side goes through asCustomer; vendor clients and components know no database. */
function databaseProblems({ path, imports, tree }: Source): Problem[] {
	const problem = (detail: string): Problem => ({ rule: 'database', file: path, detail });
	const queries = path.startsWith('src/routes/tenant/') ? ownerQueries(tree) : [];
	const found = imports.flatMap(({ target, names, typeOnly, specifier }) => {
		if (typeOnly || path.endsWith('.test.ts')) return [];
		const database = target === 'src/lib/core/db.server.ts';
		const prisma = target?.startsWith('prisma/generated/client') ?? false;
		if (path.startsWith('src/routes/tenant/')) {
			const owner = ['db', '*'].find((word) => names.includes(word));
			if (database && owner)
				return [problem(`imports ${owner}; use asCustomer under routes/tenant`)];
			if (prisma && names.includes('PrismaClient')) return [problem('opens its own connection')];
		}
		if (/^src\/lib\/(integrations|ui)\//.test(path) && (database || prisma)) {
			return [problem(`imports ${specifier}; integrations and ui know no database`)];
		}
		return [];
	});
	return [...found, ...queries.map(problem)];
}

/** The owner's transaction may be handed to a verb on the customer's side, never queried there. */
function ownerQueries(tree: ts.SourceFile): string[] {
	const found: string[] = [];
	const visit = (node: ts.Node, owners: string[]): void => {
		let inside = owners;
		if (
			ts.isCallExpression(node) &&
			['transaction', 'asOwner'].includes(name(node.expression) ?? '')
		) {
			const callback = node.arguments.find((argument) => ts.isArrowFunction(argument));
			const parameter = callback && name(callback.parameters[0]?.name);
			if (parameter) inside = [...owners, parameter];
			else found.push("hands something other than (tx) => … to the owner's transaction");
		}
		if (ts.isPropertyAccessExpression(node) && owners.includes(name(node.expression) ?? '')) {
			found.push(`queries ${node.getText()} as the owner; that belongs in a verb of the area`);
		}
		ts.forEachChild(node, (child) => visit(child, inside));
	};
	visit(tree, []);
	return found;
}

/** Rule "specifiers": what the next SvelteKit removes, and what plain Node cannot load. */
function specifierProblems({ path, imports }: Source): Problem[] {
	if (!path.startsWith('src/')) return [];
	const inKit = /^src\/(routes|hooks)|^src\/lib\/.*\.svelte(\.ts)?$|^src\/lib\/ui\//.test(path);
	return imports.flatMap(({ specifier, typeOnly }) => {
		const problem = (detail: string): Problem[] => [{ rule: 'specifiers', file: path, detail }];
		if (/^\$lib(\/|$)|^\$app\/stores$|^\$env\//.test(specifier)) {
			return problem(`imports ${specifier}; use #lib, $app/state and core/env`);
		}
		if (specifier.startsWith('$app/') && !inKit && !typeOnly) {
			return problem(`imports ${specifier}, which plain Node cannot load`);
		}
		return [];
	});
}
