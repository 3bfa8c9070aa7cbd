import { invalid, missing } from './errors.ts';

type FormValue = string | Map<string, FormValue>;

/** The parameters of a call: form-encoded with bracket nesting, read by name and type. */
export class Form {
	readonly #entries: Map<string, FormValue>;
	readonly #prefix: string;

	private constructor(entries: Map<string, FormValue>, prefix: string) {
		this.#entries = entries;
		this.#prefix = prefix;
	}

	/** Reads `a=1&b[c]=2&d[]=3&e[0][f]=4`; the same name again replaces, `[]` appends. */
	static parse(pairs: Iterable<[string, string]>): Form {
		const root = new Map<string, FormValue>();
		for (const [name, value] of pairs) {
			const keys = [
				name.split('[', 1)[0] ?? '',
				...[...name.matchAll(/\[([^\]]*)\]/g)].map(bracket)
			];
			insert(root, keys, value);
		}
		return new Form(root, '');
	}

	names(): string[] {
		return [...this.#entries.keys()];
	}

	/** The parameters as they would be sent. */
	pairs(): [string, string][] {
		const walk = (entries: Map<string, FormValue>, prefix: string): [string, string][] =>
			[...entries].flatMap(([key, value]): [string, string][] => {
				const name = prefix ? `${prefix}[${key}]` : key;
				return typeof value === 'string' ? [[name, value]] : walk(value, name);
			});
		return walk(this.#entries, this.#prefix);
	}

	has(name: string): boolean {
		return this.#entries.has(name);
	}

	param(name: string): string {
		return this.#prefix ? `${this.#prefix}[${name}]` : name;
	}

	/** The text as sent; `''` means that the caller clears the field. */
	text(name: string): string | undefined {
		const value = this.#entries.get(name);
		if (value === undefined) return undefined;
		if (typeof value !== 'string')
			throw invalid(`Invalid string: ${this.param(name)}`, this.param(name));
		return value;
	}

	/** The text, null when it was cleared, undefined when not sent. */
	nullable(name: string): string | null | undefined {
		const value = this.text(name);
		return value === '' ? null : value;
	}

	required(name: string): string {
		const value = this.text(name);
		if (value === undefined) throw missing(this.param(name));
		if (value === '') {
			throw invalid(
				`You passed an empty string for '${this.param(name)}'. We assume empty values are an attempt to unset a parameter; however '${this.param(name)}' cannot be unset.`,
				this.param(name),
				'parameter_invalid_empty'
			);
		}
		return value;
	}

	integer(name: string): number | undefined {
		const value = this.text(name);
		if (value === undefined || value === '') return undefined;
		if (!/^-?\d+$/.test(value)) {
			throw invalid(`Invalid integer: ${value}`, this.param(name), 'parameter_invalid_integer');
		}
		return Number(value);
	}

	decimal(name: string): number | undefined {
		const value = this.text(name);
		if (value === undefined || value === '') return undefined;
		if (!/^-?\d+(\.\d+)?$/.test(value))
			throw invalid(`Invalid decimal: ${value}`, this.param(name));
		return Number(value);
	}

	flag(name: string): boolean | undefined {
		const value = this.text(name);
		if (value === undefined || value === '') return undefined;
		if (value !== 'true' && value !== 'false') {
			throw invalid(`Invalid boolean: ${value}`, this.param(name));
		}
		return value === 'true';
	}

	/** One of a closed set. */
	choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
		const value = this.text(name);
		if (value === undefined || value === '') return undefined;
		const found = choices.find((choice) => choice === value);
		if (!found) {
			const last =
				choices.length > 1
					? `${choices.slice(0, -1).join(', ')}, or ${choices.at(-1)}`
					: choices[0];
			throw invalid(`Invalid ${this.param(name)}: must be one of ${last}`, this.param(name));
		}
		return found;
	}

	object(name: string): Form | undefined {
		const value = this.#entries.get(name);
		if (value === undefined || value === '') return undefined;
		if (typeof value === 'string') throw invalid('Invalid object', this.param(name));
		return new Form(value, this.param(name));
	}

	/** A list of objects; undefined when not sent. */
	list(name: string): Form[] | undefined {
		const value = this.#entries.get(name);
		if (value === undefined) return undefined;
		if (value === '') return [];
		if (typeof value === 'string') throw invalid('Invalid array', this.param(name));
		return [...value].map(([key, entry]) => {
			const param = `${this.param(name)}[${key}]`;
			if (typeof entry === 'string') throw invalid('Invalid object', param);
			return new Form(entry, param);
		});
	}

	/** A list of texts; undefined when not sent. */
	texts(name: string): string[] | undefined {
		const value = this.#entries.get(name);
		if (value === undefined) return undefined;
		if (value === '') return [];
		if (typeof value === 'string') throw invalid('Invalid array', this.param(name));
		return [...value.values()].map((entry) => {
			if (typeof entry !== 'string') throw invalid('Invalid string', this.param(name));
			return entry;
		});
	}

	/** `metadata` merged into what was there: an empty value deletes its key, an empty whole clears. */
	metadata(before: Record<string, string> = {}, name = 'metadata'): Record<string, string> {
		if (!this.#entries.has(name)) return before;
		const sent = this.object(name);
		if (!sent) return {};
		const result = { ...before };
		for (const key of sent.names()) {
			const value = sent.text(key) ?? '';
			if (key.length > 40)
				throw invalid('Metadata keys are at most 40 characters.', this.param(name));
			if (value.length > 500)
				throw invalid('Metadata values are at most 500 characters.', this.param(name));
			if (value === '') delete result[key];
			else result[key] = value;
		}
		return result;
	}

	/** Refuses names that the operation does not have. */
	only(accepted: readonly string[]): void {
		const unknown = this.names().filter((name) => !accepted.includes(name));
		if (!unknown.length) return;
		throw invalid(
			`Received unknown parameter${unknown.length > 1 ? 's' : ''}: ${unknown.map((name) => this.param(name)).join(', ')}`,
			this.param(unknown[0] ?? ''),
			'parameter_unknown'
		);
	}
}

function bracket(match: RegExpMatchArray): string {
	return match[1] ?? '';
}

function insert(target: Map<string, FormValue>, keys: string[], value: string): void {
	const [head = '', ...rest] = keys;
	const key = head === '' ? appended(target, rest[0]) : head;
	if (!rest.length) {
		target.set(key, value);
		return;
	}
	const existing = target.get(key);
	const next = existing instanceof Map ? existing : new Map<string, FormValue>();
	if (next !== existing) target.set(key, next);
	insert(next, rest, value);
}

/** `a[][b]=1&a[][c]=2` fills one element until a name comes back. */
function appended(list: Map<string, FormValue>, inner: string | undefined): string {
	const last = list.get(String(list.size - 1));
	const fits = inner !== undefined && last instanceof Map && !last.has(inner);
	return String(fits ? list.size - 1 : list.size);
}
