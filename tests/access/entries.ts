import ts from 'typescript';
import { callIn, exported, statementCall, unwrapped } from '../architecture/guards.ts';
import { name, type Source } from '../architecture/source.ts';

/** What stands first in a load, action, handler or topic. */
export type Guard =
	| { kind: 'staff' | 'customer'; permission: string }
	| { kind: 'user' | 'public' }
	| { kind: 'none' };

/** One way into the product. */
export interface Entry {
	file: string;
	/** As SvelteKit has it: `/(auth)/reset/[token]`. */
	routeId: string;
	/** `load`, `actions.delete`, `POST`. */
	member: string;
	method: string;
	guard: Guard;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'fallback'];
const KINDS: Record<string, 'staff' | 'customer' | 'user' | 'public'> = {
	requireStaff: 'staff',
	requireCustomer: 'customer',
	requireUser: 'user',
	publicRoute: 'public'
};

/** Every load, action and handler of a route file, with the guard that its source shows. */
export function entriesOf(source: Source): Entry[] {
	const file = source.path;
	const routeId = file.slice('src/routes'.length, file.lastIndexOf('/')) || '/';
	const entry = (member: string, method: string, guard: Guard): Entry => ({
		file,
		routeId,
		member,
		method,
		guard
	});
	if (/\/\+(page|layout)\.server\.ts$/.test(file)) {
		return exported(source).flatMap(([member, value]) => {
			if (member === 'load') return [entry('load', 'GET', guardOf(value))];
			if (member !== 'actions') return [];
			const actions = unwrapped(value);
			if (!ts.isObjectLiteralExpression(actions))
				return [entry('actions', 'POST', { kind: 'none' })];
			return actions.properties.map((property) =>
				entry(`actions.${name(property.name) ?? '?'}`, 'POST', guardOf(property))
			);
		});
	}
	if (!file.endsWith('/+server.ts')) return [];
	return exported(source).flatMap(([member, value]) => {
		if (!METHODS.includes(member)) return [];
		const call = unwrapped(value);
		const made = ts.isCallExpression(call) && name(call.expression) === 'endpoint';
		return [
			entry(
				member,
				member === 'fallback' ? 'GET' : member,
				made ? guardOfEndpoint(call) : guardOf(value)
			)
		];
	});
}

/** What a page may listen to over the socket. */
export interface TopicEntry {
	file: string;
	name: string;
	guard: Guard;
	/** It is about a row that the client names. */
	takesId: boolean;
}

/** Topics of the socket: the function `guard` of every `defineTopic` begins with a guard. */
export function topicsOf(source: Source): TopicEntry[] {
	const found: TopicEntry[] = [];
	const visit = (node: ts.Node): void => {
		if (ts.isCallExpression(node) && name(node.expression) === 'defineTopic') {
			const [options] = node.arguments;
			const properties =
				options && ts.isObjectLiteralExpression(options) ? [...options.properties] : [];
			const guard = properties.find((property) => name(property.name) === 'guard');
			const named = properties.find((property) => name(property.name) === 'name');
			found.push({
				file: source.path,
				name: named && ts.isPropertyAssignment(named) ? (name(named.initializer) ?? '') : '',
				guard: guard ? guardOf(guard) : { kind: 'none' },
				takesId: guard ? parameterCount(guard) > 1 : false
			});
		}
		ts.forEachChild(node, visit);
	};
	visit(source.tree);
	return found;
}

function parameterCount(property: ts.Node): number {
	const run = ts.isPropertyAssignment(property) ? property.initializer : property;
	return ts.isFunctionLike(run) ? run.parameters.length : 0;
}

function guardOf(value: ts.Node): Guard {
	const inner = ts.isPropertyAssignment(value) ? value.initializer : value;
	const run = ts.isExpression(inner) ? unwrapped(inner) : inner;
	const isFunction =
		ts.isArrowFunction(run) ||
		ts.isFunctionExpression(run) ||
		ts.isFunctionDeclaration(run) ||
		ts.isMethodDeclaration(run);
	if (!isFunction || !run.body) return { kind: 'none' };
	const call = ts.isBlock(run.body) ? statementCall(run.body.statements[0]) : callIn(run.body);
	const kind = call && KINDS[name(call.expression) ?? ''];
	if (!call || !kind) return { kind: 'none' };
	if (kind === 'user' || kind === 'public') return { kind };
	const permission = call.arguments[1];
	return permission && ts.isStringLiteral(permission)
		? { kind, permission: permission.text }
		: { kind: 'none' };
}

function guardOfEndpoint(call: ts.CallExpression): Guard {
	const [options] = call.arguments;
	if (!options || !ts.isObjectLiteralExpression(options)) return { kind: 'none' };
	const property = options.properties.find((candidate) => name(candidate.name) === 'permission');
	if (!property || !ts.isPropertyAssignment(property)) return { kind: 'none' };
	const value = unwrapped(property.initializer);
	if (ts.isStringLiteral(value)) {
		if (value.text === 'public' || value.text === 'user') return { kind: value.text };
		return { kind: 'staff', permission: value.text };
	}
	const only = ts.isObjectLiteralExpression(value) ? value.properties[0] : undefined;
	if (!only || !ts.isPropertyAssignment(only) || !ts.isStringLiteral(only.initializer))
		return { kind: 'none' };
	return { kind: 'customer', permission: only.initializer.text };
}
