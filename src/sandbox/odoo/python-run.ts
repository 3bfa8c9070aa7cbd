import type { Expression, Statement } from './python-syntax.ts';
import {
	PythonError,
	contains,
	isObject,
	iterate,
	same,
	show,
	truthy,
	type PythonFunction,
	type Value
} from './python-values.ts';

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
