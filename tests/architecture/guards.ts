import ts from 'typescript';
import { name, type Problem, type Source } from './source.ts';

/** What may stand first, and whether a literal permission belongs to it. */
const GUARDS: Record<string, { permission: boolean }> = {
	requireStaff: { permission: true },
	requireCustomer: { permission: true },
	requireUser: { permission: false },
	publicRoute: { permission: false }
};

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'fallback'];

/**
 * Rules "guard" and "public": whatever a request can reach says in its first statement who may, and what is public stands
 * in the typed list as well.
 * @param isPublic whether that list has a route id
 */
export function guardProblems(
	sources: Source[],
	isPublic: (routeId: string) => boolean
): Problem[] {
	return sources.flatMap((source) => {
		if (!source.path.startsWith('src/routes/')) return [];
		const file = source.path.slice(source.path.lastIndexOf('/') + 1);
		const found = /^\+(page|layout)\.server\.ts$/.test(file)
			? pageProblems(source)
			: file === '+server.ts'
				? handlerProblems(source)
				: file.endsWith('.remote.ts')
					? [
							problem(
								source,
								'remote functions have no guard; use a load, an action or an endpoint'
							)
						]
					: [];
		return [...found, ...publicProblems(source, isPublic)];
	});
}

function pageProblems(source: Source): Problem[] {
	return exported(source).flatMap(([exportName, value]) => {
		if (exportName === 'load') return unguarded(source, 'load', value);
		if (exportName !== 'actions') return [];
		const actions = unwrapped(value);
		if (!ts.isObjectLiteralExpression(actions)) {
			return [problem(source, 'actions must be written out as one object')];
		}
		return actions.properties.flatMap((property) => {
			const label = `action ${name(property.name) ?? '?'}`;
			if (ts.isMethodDeclaration(property)) return unguarded(source, label, property);
			return ts.isPropertyAssignment(property)
				? unguarded(source, label, property.initializer)
				: [problem(source, `${label} must be written out in place`)];
		});
	});
}

function handlerProblems(source: Source): Problem[] {
	const api = source.path.startsWith('src/routes/api/');
	return exported(source).flatMap(([method, value]) => {
		if (!METHODS.includes(method)) return [];
		const call = unwrapped(value);
		const isEndpoint = ts.isCallExpression(call) && name(call.expression) === 'endpoint';
		if (isEndpoint) {
			return endpointPermission(call) === null
				? [problem(source, `${method}: endpoint() needs a literal permission`)]
				: [];
		}
		if (api) return [problem(source, `${method} must be made by endpoint({ permission: '…', … })`)];
		return unguarded(source, method, value);
	});
}

/** The literal, `{ customer: literal }` as its text, or null. */
export function endpointPermission(call: ts.CallExpression): string | null {
	const [options] = call.arguments;
	if (!options || !ts.isObjectLiteralExpression(options)) return null;
	for (const property of options.properties) {
		if (!ts.isPropertyAssignment(property) || name(property.name) !== 'permission') continue;
		const value = unwrapped(property.initializer);
		if (ts.isStringLiteral(value)) return value.text;
		if (!ts.isObjectLiteralExpression(value)) return null;
		const [only] = value.properties;
		return only && ts.isPropertyAssignment(only) && ts.isStringLiteral(only.initializer)
			? only.initializer.text
			: null;
	}
	return null;
}

function unguarded(source: Source, what: string, value: ts.Node): Problem[] {
	const run = ts.isExpression(value) ? unwrapped(value) : value;
	const isFunction =
		ts.isArrowFunction(run) ||
		ts.isFunctionExpression(run) ||
		ts.isFunctionDeclaration(run) ||
		ts.isMethodDeclaration(run);
	if (!isFunction || !run.body) return [problem(source, `${what} must be a function written out`)];
	const first = ts.isBlock(run.body) ? statementCall(run.body.statements[0]) : callIn(run.body);
	const guard = first && GUARDS[name(first.expression) ?? ''];
	if (!first || !guard) {
		return [problem(source, `${what} must begin with ${Object.keys(GUARDS).join(', ')}`)];
	}
	const permission = first.arguments[1];
	if (guard.permission && !(permission && ts.isStringLiteral(permission))) {
		return [problem(source, `${what}: ${name(first.expression)} needs a literal permission`)];
	}
	return [];
}

export function statementCall(statement: ts.Statement | undefined): ts.CallExpression | undefined {
	if (!statement) return undefined;
	if (ts.isExpressionStatement(statement)) return callIn(statement.expression);
	if (!ts.isVariableStatement(statement)) return undefined;
	return callIn(statement.declarationList.declarations[0]?.initializer);
}

export function callIn(expression: ts.Node | undefined): ts.CallExpression | undefined {
	if (!expression) return undefined;
	const inner = ts.isExpression(expression) ? unwrapped(expression) : expression;
	const call = ts.isAwaitExpression(inner) ? inner.expression : inner;
	return ts.isCallExpression(call) ? call : undefined;
}

/** Without parentheses, `satisfies` and `as`. */
export function unwrapped(value: ts.Node): ts.Node {
	return ts.isParenthesizedExpression(value) ||
		ts.isSatisfiesExpression(value) ||
		ts.isAsExpression(value)
		? unwrapped(value.expression)
		: value;
}

/** `[name, value]` of everything that the module exports by declaration. */
export function exported({ tree }: Source): [string, ts.Node][] {
	return tree.statements.flatMap((statement): [string, ts.Node][] => {
		const isExported =
			ts.canHaveModifiers(statement) &&
			ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
		// `export { load }` and `export { GET } from` would hide the function from this check.
		if (ts.isExportDeclaration(statement) && statement.exportClause && !statement.isTypeOnly) {
			return ts.isNamedExports(statement.exportClause)
				? statement.exportClause.elements.map((element) => [element.name.text, element])
				: [];
		}
		if (!isExported) return [];
		if (ts.isFunctionDeclaration(statement)) return [[statement.name?.text ?? '', statement]];
		if (!ts.isVariableStatement(statement)) return [];
		return statement.declarationList.declarations.map((declaration) => [
			name(declaration.name) ?? '',
			declaration.initializer ?? declaration
		]);
	});
}

function publicProblems(source: Source, isPublic: (routeId: string) => boolean): Problem[] {
	// The root layout runs for every page; the page's own route decides.
	if (source.path === 'src/routes/+layout.server.ts') return [];
	let saysSo = false;
	const visit = (node: ts.Node): void => {
		if (ts.isCallExpression(node)) {
			const called = name(node.expression);
			if (called === 'publicRoute') saysSo = true;
			if (called === 'endpoint' && endpointPermission(node) === 'public') saysSo = true;
		}
		ts.forEachChild(node, visit);
	};
	visit(source.tree);
	const id = source.path.slice('src/routes'.length, source.path.lastIndexOf('/')) || '/';
	if (!saysSo || isPublic(id)) return [];
	const detail = `${id} calls itself public and is not in src/lib/identity/publicRoutes.ts`;
	return [{ rule: 'public', file: source.path, detail }];
}

function problem(source: Source, detail: string): Problem {
	return { rule: 'guard', file: source.path, detail };
}
