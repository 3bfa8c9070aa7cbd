import {
	PythonError,
	isObject,
	iterate,
	same,
	show,
	type PythonFunction,
	type PythonObject,
	type Value
} from './python-values.ts';

/** One record's fields, read and written through. */
export interface Row {
	id: number;
	read(field: string): Value | undefined;
	write?(field: string, value: Value): void;
}

export interface Table {
	model: string;
	rows(): Row[];
	create?(values: Map<Value, Value>): Row;
	remove?(id: number): void;
	/** Methods of the model beside those that every recordset has. */
	methods?: Record<string, (records: Recordset, args: Value[], named: Map<string, Value>) => Value>;
}

/** Records of one model, as Odoo's recordsets behave in a script. */
export class Recordset implements PythonObject {
	readonly python: string;
	readonly table: Table;
	readonly rows: Row[];

	constructor(table: Table, rows: Row[]) {
		this.table = table;
		this.rows = rows;
		this.python = `${table.model}(${rows.map((row) => `${row.id},`).join(' ')})`;
	}

	get(name: string): Value | undefined {
		const own = this.table.methods?.[name];
		if (own) return (args, named) => own(this, args, named);
		const method = this.#methods[name];
		if (method) return method;
		if (name === 'id') return this.rows[0]?.id ?? false;
		if (name === 'ids') return this.rows.map((row) => row.id);
		if (this.rows.length > 1)
			throw new PythonError('ValueError', `Expected singleton: ${this.python}`);
		const [row] = this.rows;
		return row ? row.read(name) : false;
	}

	set(name: string, value: Value): void {
		this.#write(new Map([[name, value]]));
	}

	item(key: Value): Value {
		if (typeof key === 'string') return this.get(key) ?? null;
		const row = typeof key === 'number' ? this.rows.at(key) : undefined;
		if (!row) throw new PythonError('IndexError', 'tuple index out of range');
		return new Recordset(this.table, [row]);
	}

	iterate(): Value[] {
		return this.rows.map((row) => new Recordset(this.table, [row]));
	}

	truthy(): boolean {
		return this.rows.length > 0;
	}

	equals(other: Value): boolean {
		return isObject(other) && other.python === this.python;
	}

	readonly #methods: Record<string, PythonFunction> = {
		sudo: () => this,
		with_context: () => this,
		with_user: () => this,
		exists: () => this,
		ensure_one: () => {
			if (this.rows.length !== 1)
				throw new PythonError('ValueError', `Expected singleton: ${this.python}`);
			return this;
		},
		search: ([domain], named) => this.#search(domain ?? [], named),
		search_count: ([domain], named) => this.#search(domain ?? [], named).rows.length,
		browse: ([ids]) => {
			const wanted = Array.isArray(ids) ? ids : [ids ?? null];
			return new Recordset(
				this.table,
				this.table.rows().filter((row) => wanted.includes(row.id))
			);
		},
		mapped: ([field]) => this.rows.map((row) => row.read(String(field)) ?? false),
		write: ([values]) => {
			if (!(values instanceof Map)) throw new PythonError('TypeError', 'write() takes a dict');
			this.#write(values);
			return true;
		},
		create: ([values]) => {
			if (!(values instanceof Map) || !this.table.create) {
				throw new PythonError('NotImplementedError', `${this.table.model}.create`);
			}
			return new Recordset(this.table, [this.table.create(values)]);
		},
		unlink: () => {
			for (const row of this.rows) this.table.remove?.(row.id);
			return true;
		}
	};

	#write(values: Map<Value, Value>): void {
		for (const row of this.rows) {
			for (const [field, value] of values) {
				if (!row.write)
					throw new PythonError('AccessError', `${this.table.model} cannot be written`);
				row.write(
					String(field),
					isObject(value) && value instanceof Recordset ? value.get('id')! : value
				);
			}
		}
	}

	#search(domain: Value, named: Map<string, Value>): Recordset {
		const terms = iterate(domain).filter((term) => Array.isArray(term));
		const matches = this.table.rows().filter((row) => {
			const archived = row.read('active') === false && !terms.some((term) => term[0] === 'active');
			return !archived && terms.every((term) => holds(row, term));
		});
		const limit = named.get('limit');
		return new Recordset(this.table, typeof limit === 'number' ? matches.slice(0, limit) : matches);
	}
}

function holds(row: Row, [field, operator, wanted]: Value[]): boolean {
	const value = field === 'id' ? row.id : (row.read(String(field)) ?? false);
	switch (operator) {
		case '=':
			return same(value, wanted ?? false);
		case '!=':
			return !same(value, wanted ?? false);
		case 'in':
			return iterate(wanted ?? []).some((one) => same(one, value));
		case 'not in':
			return !iterate(wanted ?? []).some((one) => same(one, value));
		case '=ilike':
		case 'ilike':
			return String(value).toLowerCase().includes(String(wanted).toLowerCase());
		default:
			throw new PythonError('ValueError', `Invalid operator ${show(operator ?? null)} in domain`);
	}
}
