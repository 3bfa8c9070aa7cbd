import type { Expression, Statement } from './python-parser.ts';

/** An exception that the script raised or ran into. */
export class PythonError extends Error {
	readonly type: string;
	line = 0;

	constructor(type: string, message: string) {
		super(message);
		this.type = type;
	}
}

export type Value =
	null | boolean | number | string | Value[] | Map<Value, Value> | PythonFunction | PythonObject;

export type PythonFunction = (args: Value[], named: Map<string, Value>) => Value;

/** Anything of Odoo that a script touches. */
export interface PythonObject {
	readonly python: string;
	get(name: string): Value | undefined;
	set?(name: string, value: Value): void;
	item?(key: Value): Value;
	iterate?(): Value[];
	truthy?(): boolean;
	/** Two objects that are the same records. */
	equals?(other: Value): boolean;
}

export function isObject(value: Value): value is PythonObject {
	return typeof value === 'object' && value !== null && 'python' in value;
}

/** Runs statements in one scope. */
export function execute(
	statements: Statement[],
	scope: Map<string, Value>,
	modules: Map<string, Value>
): void {
	for (const statement of statements) {
		try {
			step(statement, scope, modules);
		} catch (error) {
			if (error instanceof PythonError && error.line === 0) error.line = statement.line;
			throw error;
		}
	}
}

function step(statement: Statement, scope: Map<string, Value>, modules: Map<string, Value>): void {
	switch (statement.kind) {
		case 'expression':
			evaluate(statement.value, scope);
			return;
		case 'assign': {
			const value = evaluate(statement.value, scope);
			for (const target of statement.targets) assign(target, value, scope);
			return;
		}
		case 'import':
			for (const { name, as } of statement.names) {
				const module = modules.get(name);
				if (module === undefined)
					throw new PythonError('ModuleNotFoundError', `No module named '${name}'`);
				scope.set(as, module);
			}
			return;
		case 'for':
			for (const value of iterate(evaluate(statement.of, scope))) {
				bind(statement.names, value, scope);
				execute(statement.body, scope, modules);
			}
			return;
		case 'if':
			execute(
				truthy(evaluate(statement.test, scope)) ? statement.body : statement.otherwise,
				scope,
				modules
			);
			return;
		case 'raise':
			throw new PythonError('Exception', show(evaluate(statement.value, scope)));
		case 'assert':
			if (!truthy(evaluate(statement.test, scope))) throw new PythonError('AssertionError', '');
			return;
		case 'pass':
	}
}

function assign(target: Expression, value: Value, scope: Map<string, Value>): void {
	if (target.kind === 'name') scope.set(target.name, value);
	else if (target.kind === 'attribute') {
		const object = evaluate(target.of, scope);
		if (!isObject(object) || !object.set)
			throw new PythonError('AttributeError', `can't set attribute '${target.name}'`);
		object.set(target.name, value);
	} else if (target.kind === 'index') {
		const object = evaluate(target.of, scope);
		if (!(object instanceof Map))
			throw new PythonError('TypeError', 'object does not support item assignment');
		object.set(evaluate(target.at, scope), value);
	} else if (target.kind === 'tuple') {
		bind(
			target.items.map((item) => (item.kind === 'name' ? item.name : '_')),
			value,
			scope
		);
	} else throw new PythonError('SyntaxError', 'cannot assign to this');
}

function bind(names: string[], value: Value, scope: Map<string, Value>): void {
	if (names.length === 1) {
		scope.set(names[0]!, value);
		return;
	}
	const parts = iterate(value);
	if (parts.length !== names.length)
		throw new PythonError('ValueError', 'wrong number of values to unpack');
	names.forEach((name, index) => scope.set(name, parts[index]!));
}

export function evaluate(node: Expression, scope: Map<string, Value>): Value {
	switch (node.kind) {
		case 'constant':
			return node.value;
		case 'name': {
			const value = scope.get(node.name);
			if (value === undefined)
				throw new PythonError('NameError', `name '${node.name}' is not defined`);
			return value;
		}
		case 'list':
		case 'tuple':
			return node.items.map((item) => evaluate(item, scope));
		case 'dict':
			return new Map(
				node.entries.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)])
			);
		case 'attribute':
			return attribute(evaluate(node.of, scope), node.name);
		case 'index':
			return index(evaluate(node.of, scope), evaluate(node.at, scope));
		case 'call': {
			const called = evaluate(node.of, scope);
			if (typeof called !== 'function')
				throw new PythonError('TypeError', 'object is not callable');
			const named = new Map(node.named.map(([name, value]) => [name, evaluate(value, scope)]));
			return called(
				node.args.map((arg) => evaluate(arg, scope)),
				named
			);
		}
		case 'not':
			return !truthy(evaluate(node.of, scope));
		case 'choice':
			return evaluate(truthy(evaluate(node.test, scope)) ? node.yes : node.no, scope);
		case 'comprehension': {
			const inner = new Map(scope);
			const values: Value[] = [];
			for (const value of iterate(evaluate(node.of, scope))) {
				bind(node.names, value, inner);
				if (!node.test || truthy(evaluate(node.test, inner)))
					values.push(evaluate(node.value, inner));
			}
			return values;
		}
		case 'binary':
			return binary(node, scope);
	}
}

function binary(node: Extract<Expression, { kind: 'binary' }>, scope: Map<string, Value>): Value {
	const left = evaluate(node.left, scope);
	if (node.operator === 'and') return truthy(left) ? evaluate(node.right, scope) : left;
	if (node.operator === 'or') return truthy(left) ? left : evaluate(node.right, scope);
	const right = evaluate(node.right, scope);
	switch (node.operator) {
		case '==':
			return same(left, right);
		case '!=':
			return !same(left, right);
		case 'is':
			return left === right;
		case 'is not':
			return left !== right;
		case 'in':
			return contains(right, left);
		case 'not in':
			return !contains(right, left);
	}
	if (typeof left === 'number' && typeof right === 'number') {
		const results: Record<string, Value> = {
			'+': left + right,
			'-': left - right,
			'*': left * right,
			'%': left % right,
			'<': left < right,
			'>': left > right,
			'<=': left <= right,
			'>=': left >= right
		};
		return results[node.operator]!;
	}
	if (node.operator === '+' && typeof left === 'string' && typeof right === 'string')
		return left + right;
	if (node.operator === '+' && Array.isArray(left) && Array.isArray(right))
		return [...left, ...right];
	if (node.operator === '%' && typeof left === 'string') {
		const values = Array.isArray(right) ? [...right] : [right];
		return left.replace(/%[sdr]/g, () => show(values.shift() ?? null));
	}
	throw new PythonError('TypeError', `unsupported operand type(s) for ${node.operator}`);
}

export function same(left: Value, right: Value): boolean {
	if (isObject(left) && left.equals) return left.equals(right);
	if (Array.isArray(left) && Array.isArray(right)) {
		return left.length === right.length && left.every((value, at) => same(value, right[at]!));
	}
	return left === right;
}

function contains(container: Value, value: Value): boolean {
	if (typeof container === 'string') return container.includes(String(value));
	if (container instanceof Map) return container.has(value);
	return iterate(container).some((one) => same(one, value));
}

export function truthy(value: Value): boolean {
	if (Array.isArray(value)) return value.length > 0;
	if (value instanceof Map) return value.size > 0;
	if (value !== null && isObject(value)) return value.truthy?.() ?? true;
	return Boolean(value);
}

export function iterate(value: Value): Value[] {
	if (Array.isArray(value)) return value;
	if (value instanceof Map) return [...value.keys()];
	if (typeof value === 'string') return [...value];
	if (isObject(value) && value.iterate) return value.iterate();
	throw new PythonError('TypeError', 'object is not iterable');
}

function index(of: Value, at: Value): Value {
	if (of instanceof Map) {
		const value = of.get(at);
		if (value === undefined) throw new PythonError('KeyError', show(at));
		return value;
	}
	if (isObject(of) && of.item) return of.item(at);
	if (typeof at === 'number' && (Array.isArray(of) || typeof of === 'string')) {
		const value = of.at(at);
		if (value === undefined) throw new PythonError('IndexError', 'list index out of range');
		return value;
	}
	throw new PythonError('TypeError', 'object is not subscriptable');
}

function attribute(of: Value, name: string): Value {
	if (isObject(of)) {
		const value = of.get(name);
		if (value !== undefined) return value;
		throw new PythonError('AttributeError', `'${of.python}' object has no attribute '${name}'`);
	}
	if (typeof of === 'string') {
		const methods: Record<string, PythonFunction> = {
			decode: () => of,
			encode: () => of,
			strip: () => of.trim(),
			lower: () => of.toLowerCase(),
			upper: () => of.toUpperCase(),
			startswith: ([prefix]) => of.startsWith(String(prefix)),
			endswith: ([suffix]) => of.endsWith(String(suffix)),
			split: ([separator]) => of.split(String(separator ?? ' ')),
			join: ([parts]) =>
				iterate(parts ?? [])
					.map(String)
					.join(of)
		};
		if (Object.hasOwn(methods, name)) return methods[name]!;
	}
	if (of instanceof Map) {
		const methods: Record<string, PythonFunction> = {
			get: ([key, otherwise]) => of.get(key ?? null) ?? otherwise ?? null,
			items: () => [...of.entries()],
			keys: () => [...of.keys()],
			values: () => [...of.values()]
		};
		if (Object.hasOwn(methods, name)) return methods[name]!;
	}
	if (Array.isArray(of) && name === 'append') {
		return ([value]) => {
			of.push(value ?? null);
			return null;
		};
	}
	throw new PythonError('AttributeError', `object has no attribute '${name}'`);
}

/** `str(value)`. */
export function show(value: Value): string {
	if (value === null) return 'None';
	if (value === true) return 'True';
	if (value === false) return 'False';
	if (typeof value === 'function') return '<function>';
	if (Array.isArray(value))
		return `[${value.map((one) => (typeof one === 'string' ? `'${one}'` : show(one))).join(', ')}]`;
	if (value instanceof Map) return JSON.stringify(toJson(value));
	if (isObject(value)) return value.python;
	return String(value);
}

/** What `json.dumps` writes. @throws PythonError for what is no JSON */
export function toJson(value: Value): unknown {
	if (Array.isArray(value)) return value.map(toJson);
	if (value instanceof Map)
		return Object.fromEntries([...value].map(([key, one]) => [show(key), toJson(one)]));
	if (typeof value === 'function' || isObject(value)) {
		throw new PythonError('TypeError', 'Object is not JSON serializable');
	}
	return value;
}

/** What `json.loads` returns. */
export function fromJson(value: unknown): Value {
	if (Array.isArray(value)) return value.map(fromJson);
	if (typeof value === 'object' && value !== null) {
		return new Map(Object.entries(value).map(([key, one]) => [key, fromJson(one)]));
	}
	return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
		? value
		: null;
}
