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

export function same(left: Value, right: Value): boolean {
	if (isObject(left) && left.equals) return left.equals(right);
	if (Array.isArray(left) && Array.isArray(right)) {
		return left.length === right.length && left.every((value, at) => same(value, right[at]!));
	}
	return left === right;
}

export function contains(container: Value, value: Value): boolean {
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
