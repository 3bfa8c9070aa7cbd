import { readdirSync, readFileSync } from 'node:fs';
import { posix, join } from 'node:path';
import ts from 'typescript';

/** One source file, parsed. */
export interface Source {
	/** From the repository's root, with `/`. */
	path: string;
	text: string;
	/** The script part of a component; the whole of anything else. */
	tree: ts.SourceFile;
	imports: Import[];
}

export interface Import {
	/** As written. */
	specifier: string;
	/** The file in this repository; null for packages. */
	target: string | null;
	/** Names taken from it; `*` for a namespace, `default` for a default import. */
	names: string[];
	/** Nothing of it is there at run time. */
	typeOnly: boolean;
}

/** What a rule found. The message names the rule and the file. */
export interface Problem {
	rule: string;
	file: string;
	detail: string;
}

/** Reads and parses every source file below these folders of the repository. */
export function readSources(root: string, folders: string[]): Source[] {
	return folders.flatMap((folder) =>
		readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
			.map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
			.filter((path) => /\.(ts|js|svelte)$/.test(path) && !/\/(paraglide|generated)\//.test(path))
			.sort()
			.map((path) => parse(path, readFileSync(join(root, path), 'utf8')))
	);
}

export function parse(path: string, text: string): Source {
	const script = path.endsWith('.svelte') ? scriptsOf(text) : text;
	const kind = path.endsWith('.js') ? ts.ScriptKind.JS : ts.ScriptKind.TS;
	const tree = ts.createSourceFile(path, script, ts.ScriptTarget.Latest, true, kind);
	return { path, text, tree, imports: importsOf(path, tree) };
}

export function name(node: ts.Node | undefined): string | undefined {
	return node && (ts.isIdentifier(node) || ts.isStringLiteral(node)) ? node.text : undefined;
}

function scriptsOf(component: string): string {
	return [...component.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)]
		.map(([, script]) => script)
		.join('\n');
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
	const found: Import[] = [];
	const add = (node: ts.Expression | undefined, names: string[], typeOnly: boolean) => {
		const specifier = name(node);
		if (specifier) found.push({ specifier, target: resolve(path, specifier), names, typeOnly });
	};
	const visit = (node: ts.Node): void => {
		if (ts.isImportDeclaration(node)) {
			add(node.moduleSpecifier, namesOf(node.importClause), isTypeOnly(node.importClause));
		} else if (ts.isExportDeclaration(node)) {
			add(node.moduleSpecifier, ['*'], node.isTypeOnly);
		} else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
			add(node.arguments[0], ['*'], false);
		}
		ts.forEachChild(node, visit);
	};
	visit(tree);
	return found;
}

function namesOf(clause: ts.ImportClause | undefined): string[] {
	const names: string[] = clause?.name ? ['default'] : [];
	const bindings = clause?.namedBindings;
	if (bindings && ts.isNamespaceImport(bindings)) names.push('*');
	if (bindings && ts.isNamedImports(bindings)) {
		names.push(
			...bindings.elements
				.filter((element) => !element.isTypeOnly)
				.map((element) => (element.propertyName ?? element.name).text)
		);
	}
	return names;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
	if (!clause) return false;
	if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
	const bindings = clause.namedBindings;
	return (
		!clause.name &&
		!!bindings &&
		ts.isNamedImports(bindings) &&
		bindings.elements.length > 0 &&
		bindings.elements.every((element) => element.isTypeOnly)
	);
}

const aliases: [string, string][] = [
	['#lib/', 'src/lib/'],
	['#i18n/', 'src/i18n/'],
	['#prisma/', 'prisma/']
];

function resolve(from: string, specifier: string): string | null {
	if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
	for (const [alias, folder] of aliases) {
		if (specifier.startsWith(alias)) return folder + specifier.slice(alias.length);
	}
	return null;
}
