import { PythonSyntaxError, tokenize, type Token } from './python-tokens.ts';
import type { Expression, Statement } from './python-syntax.ts';

/** The part of Python that provisioning scripts need: assignments, calls, literals, `for`, `if`, `import`. */
export function parsePython(source: string): Statement[] {
	return new Parser(tokenize(source)).program();
}

class Parser {
	readonly #tokens: Token[];
	#at = 0;

	constructor(tokens: Token[]) {
		this.#tokens = tokens;
	}

	program(): Statement[] {
		const statements: Statement[] = [];
		while (this.#peek.kind !== 'end') statements.push(this.#statement());
		return statements;
	}

	get #peek(): Token {
		return this.#tokens[this.#at]!;
	}

	#is(text: string): boolean {
		const token = this.#peek;
		return token.text === text && (token.kind === 'operator' || token.kind === 'name');
	}

	#accept(text: string): boolean {
		if (!this.#is(text)) return false;
		this.#at += 1;
		return true;
	}

	#expect(text: string): void {
		if (!this.#accept(text)) this.#fail(`expected '${text}'`);
	}

	#fail(message: string): never {
		throw new PythonSyntaxError(`${message} before '${this.#peek.text}', line ${this.#peek.line}`);
	}

	#name(): string {
		const token = this.#peek;
		if (token.kind !== 'name') this.#fail('expected a name');
		this.#at += 1;
		return token.text;
	}

	#nextIs(kind: Token['kind']): boolean {
		return this.#peek.kind === kind;
	}

	#endOfLine(): void {
		if (this.#peek.kind !== 'newline') this.#fail('invalid syntax');
		this.#at += 1;
	}

	#block(): Statement[] {
		this.#expect(':');
		if (this.#peek.kind !== 'newline') return [this.#statement()];
		this.#endOfLine();
		if (!this.#nextIs('indent')) this.#fail('expected an indented block');
		this.#at += 1;
		const body: Statement[] = [];
		while (!this.#nextIs('dedent') && !this.#nextIs('end')) body.push(this.#statement());
		if (this.#nextIs('dedent')) this.#at += 1;
		return body;
	}

	#statement(): Statement {
		const { line } = this.#peek;
		if (this.#accept('for')) {
			const names = this.#names();
			this.#expect('in');
			const of = this.#expression();
			return { kind: 'for', names, of, body: this.#block(), line };
		}
		if (this.#accept('if')) return this.#if(line);
		const statement = this.#simple(line);
		this.#endOfLine();
		return statement;
	}

	#if(line: number): Statement {
		const test = this.#expression();
		const body = this.#block();
		let otherwise: Statement[] = [];
		if (this.#accept('elif')) otherwise = [this.#if(line)];
		else if (this.#accept('else')) otherwise = this.#block();
		return { kind: 'if', test, body, otherwise, line };
	}

	#simple(line: number): Statement {
		if (this.#accept('pass')) return { kind: 'pass', line };
		if (this.#accept('raise')) return { kind: 'raise', value: this.#expression(), line };
		if (this.#accept('assert')) return { kind: 'assert', test: this.#expression(), line };
		if (this.#accept('import')) {
			const names: { name: string; as: string }[] = [];
			do {
				const name = this.#name();
				names.push({ name, as: this.#accept('as') ? this.#name() : name });
			} while (this.#accept(','));
			return { kind: 'import', names, line };
		}
		const first = this.#expressionList();
		const targets: Expression[] = [];
		let value = first;
		while (this.#accept('=')) {
			targets.push(value);
			value = this.#expressionList();
		}
		return targets.length > 0
			? { kind: 'assign', targets, value, line }
			: { kind: 'expression', value, line };
	}

	#names(): string[] {
		const names = [this.#name()];
		while (this.#accept(',')) names.push(this.#name());
		return names;
	}

	#expressionList(): Expression {
		const first = this.#expression();
		if (!this.#is(',')) return first;
		const items = [first];
		while (this.#accept(',') && !this.#is('=') && this.#peek.kind !== 'newline')
			items.push(this.#expression());
		return { kind: 'tuple', items };
	}

	#expression(): Expression {
		const yes = this.#binary(0);
		if (!this.#accept('if')) return yes;
		const test = this.#binary(0);
		this.#expect('else');
		return { kind: 'choice', test, yes, no: this.#expression() };
	}

	static readonly #levels = [
		['or'],
		['and'],
		['not in', 'is not', 'in', 'is', '==', '!=', '<=', '>=', '<', '>'],
		['+', '-'],
		['*', '%']
	];

	#binary(level: number): Expression {
		if (level === Parser.#levels.length) return this.#postfix();
		if (level === 2 && this.#accept('not')) return { kind: 'not', of: this.#binary(2) };
		let left = this.#binary(level + 1);
		for (;;) {
			const operator = Parser.#levels[level]!.find((candidate) => this.#operator(candidate));
			if (!operator) return left;
			left = { kind: 'binary', operator, left, right: this.#binary(level + 1) };
		}
	}

	#operator(candidate: string): boolean {
		const [first, second] = candidate.split(' ');
		if (!second) return this.#accept(candidate);
		if (!this.#is(first!) || this.#tokens[this.#at + 1]?.text !== second) return false;
		this.#at += 2;
		return true;
	}

	#postfix(): Expression {
		let value = this.#atom();
		for (;;) {
			if (this.#accept('.')) value = { kind: 'attribute', of: value, name: this.#name() };
			else if (this.#accept('[')) {
				value = { kind: 'index', of: value, at: this.#expression() };
				this.#expect(']');
			} else if (this.#accept('(')) value = this.#call(value);
			else return value;
		}
	}

	#call(of: Expression): Expression {
		const args: Expression[] = [];
		const named: [string, Expression][] = [];
		while (!this.#accept(')')) {
			const after = this.#tokens[this.#at + 1];
			if (this.#peek.kind === 'name' && after?.kind === 'operator' && after.text === '=') {
				const name = this.#name();
				this.#expect('=');
				named.push([name, this.#expression()]);
			} else {
				const value = this.#expression();
				args.push(this.#is('for') ? this.#comprehension(value) : value);
			}
			if (!this.#is(')')) this.#expect(',');
		}
		return { kind: 'call', of, args, named };
	}

	#comprehension(value: Expression): Expression {
		this.#expect('for');
		const names = this.#names();
		this.#expect('in');
		const of = this.#binary(0);
		const test = this.#accept('if') ? this.#binary(0) : null;
		return { kind: 'comprehension', value, names, of, test };
	}

	#atom(): Expression {
		const token = this.#peek;
		this.#at += 1;
		if (token.kind === 'number') return { kind: 'constant', value: Number(token.text) };
		if (token.kind === 'string') {
			let text = token.text;
			while (this.#peek.kind === 'string') text += this.#tokens[this.#at++]!.text;
			return { kind: 'constant', value: text };
		}
		if (token.kind === 'name') {
			const constants: Record<string, boolean | null> = { True: true, False: false, None: null };
			if (Object.hasOwn(constants, token.text))
				return { kind: 'constant', value: constants[token.text]! };
			return { kind: 'name', name: token.text };
		}
		if (token.text === '-') {
			return {
				kind: 'binary',
				operator: '-',
				left: { kind: 'constant', value: 0 },
				right: this.#postfix()
			};
		}
		if (token.text === '[') return this.#sequence(']', 'list');
		if (token.text === '(') return this.#sequence(')', 'tuple');
		if (token.text === '{') return this.#dict();
		this.#at -= 1;
		return this.#fail('invalid syntax');
	}

	#sequence(close: string, kind: 'list' | 'tuple'): Expression {
		const items: Expression[] = [];
		let commas = 0;
		while (!this.#accept(close)) {
			const value = this.#expression();
			if (this.#is('for')) items.push(this.#comprehension(value));
			else items.push(value);
			if (this.#accept(',')) commas += 1;
			else if (!this.#is(close)) this.#fail(`expected '${close}'`);
		}
		const [only] = items;
		if (
			only &&
			(only.kind === 'comprehension' || (kind === 'tuple' && commas === 0)) &&
			items.length === 1
		)
			return only;
		return { kind, items };
	}

	#dict(): Expression {
		const entries: [Expression, Expression][] = [];
		while (!this.#accept('}')) {
			const key = this.#expression();
			this.#expect(':');
			entries.push([key, this.#expression()]);
			if (!this.#is('}')) this.#expect(',');
		}
		return { kind: 'dict', entries };
	}
}
