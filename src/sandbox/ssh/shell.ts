/** What a command leaves behind. `code` null: killed, no exit status was sent. */
export interface Outcome {
	code: number;
	stdout: Buffer;
	stderr: Buffer;
}

export interface Invocation {
	argv: string[];
	stdin: Buffer;
	env: Record<string, string>;
	/** Whom `runuser` or `sudo` made of root. */
	user?: string;
	/** Aborts when the caller stops waiting (`timeout`) or the connection is gone. */
	signal: AbortSignal;
	/** Sends output before the end, of a command that goes on (`journalctl -f`); what was sent is not in its outcome. */
	emit?: (chunk: Buffer) => void;
}

/** Runs one simple command. */
export type Execute = (invocation: Invocation) => Promise<Outcome>;

/** Where redirections read and write. */
export interface Files {
	read(path: string): Buffer | null;
	write(path: string, content: Buffer): void;
}

export function outcome(code: number, stdout: string | Buffer = '', stderr = ''): Outcome {
	return {
		code,
		stdout: Buffer.isBuffer(stdout) ? stdout : Buffer.from(stdout),
		stderr: Buffer.from(stderr)
	};
}

interface Simple {
	words: string[];
	env: Record<string, string>;
	input: string | null;
	output: { path: string; append: boolean } | null;
	errorToOutput: boolean;
	dropError: boolean;
}

type Operator = ';' | '&&' | '||' | '|';

interface Parsed {
	commands: { command: Simple; next: Operator }[];
}

/** A line that sh itself refuses. */
export class ShellSyntaxError extends Error {}

/**
 * Splits a line as sh does: quotes, backslashes, `;` `&&` `||` `|`, redirections and leading assignments.
 * Expansions (`$`, backquotes, globs) do not exist here: an unquoted or double-quoted `$` is refused.
 */
export function parse(line: string): Parsed {
	const tokens = tokenize(line);
	const commands: Parsed['commands'] = [];
	let current = empty();
	const push = (next: Operator) => {
		if (current.words.length > 0 || Object.keys(current.env).length > 0) {
			commands.push({ command: current, next });
		} else if (next !== ';') {
			throw new ShellSyntaxError(`Syntax error: "${next}" unexpected`);
		}
		current = empty();
	};
	for (let index = 0; index < tokens.length; index += 1) {
		const token = tokens[index]!;
		if (token.kind === 'word') {
			const assignment = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(token.text);
			if (assignment && current.words.length === 0) current.env[assignment[1]!] = assignment[2]!;
			else current.words.push(token.text);
		} else if (
			token.text === '<' ||
			token.text === '>' ||
			token.text === '>>' ||
			token.text === '2>'
		) {
			const target = tokens[++index];
			if (target?.kind !== 'word')
				throw new ShellSyntaxError('Syntax error: end of file unexpected');
			if (token.text === '<') current.input = target.text;
			else if (token.text === '2>') current.dropError = true;
			else current.output = { path: target.text, append: token.text === '>>' };
		} else if (token.text === '2>&1') {
			current.errorToOutput = true;
		} else {
			push(token.text as Operator);
		}
	}
	push(';');
	return { commands };
}

function empty(): Simple {
	return { words: [], env: {}, input: null, output: null, errorToOutput: false, dropError: false };
}

interface Token {
	kind: 'word' | 'operator';
	text: string;
}

function tokenize(line: string): Token[] {
	const tokens: Token[] = [];
	let word: string | null = null;
	const end = () => {
		if (word !== null) tokens.push({ kind: 'word', text: word });
		word = null;
	};
	for (let at = 0; at < line.length;) {
		const rest = line.slice(at);
		const char = line[at]!;
		const operator =
			word === null || !/^2>/.test(rest)
				? /^(2>&1|2>|&&|\|\||>>|[;|<>\n])/.exec(rest)?.[0]
				: undefined;
		if (operator) {
			end();
			tokens.push({ kind: 'operator', text: operator === '\n' ? ';' : operator });
			at += operator.length;
		} else if (/\s/.test(char)) {
			end();
			at += 1;
		} else if (char === "'") {
			const close = line.indexOf("'", at + 1);
			if (close < 0) throw new ShellSyntaxError('Syntax error: Unterminated quoted string');
			word = (word ?? '') + line.slice(at + 1, close);
			at = close + 1;
		} else if (char === '"') {
			const [text, next] = doubleQuoted(line, at + 1);
			word = (word ?? '') + text;
			at = next;
		} else if (char === '\\') {
			word = (word ?? '') + (line[at + 1] ?? '');
			at += 2;
		} else if (char === '$' || char === '`' || char === '&' || char === '(' || char === ')') {
			throw new ShellSyntaxError(`Syntax error: "${char}" is not supported here`);
		} else {
			word = (word ?? '') + char;
			at += 1;
		}
	}
	end();
	return tokens;
}

function doubleQuoted(line: string, from: number): [string, number] {
	let text = '';
	for (let at = from; at < line.length; at += 1) {
		const char = line[at]!;
		if (char === '"') return [text, at + 1];
		if (char === '$' || char === '`')
			throw new ShellSyntaxError(`Syntax error: "${char}" is not supported here`);
		if (char === '\\' && /["\\$`]/.test(line[at + 1] ?? '')) {
			at += 1;
			text += line[at];
		} else {
			text += char;
		}
	}
	throw new ShellSyntaxError('Syntax error: Unterminated quoted string');
}

/** Runs a line: pipelines, lists and redirections around `execute`. */
export async function runLine(
	line: string,
	stdin: Buffer,
	execute: Execute,
	files: Files,
	signal: AbortSignal
): Promise<Outcome> {
	let parsed: Parsed;
	try {
		parsed = parse(line);
	} catch (error) {
		if (error instanceof ShellSyntaxError) return outcome(2, '', `sh: 1: ${error.message}\n`);
		throw error;
	}
	const stdout: Buffer[] = [];
	const stderr: Buffer[] = [];
	let code = 0;
	let piped: Buffer | null = null;
	let previous: Operator = ';';
	let skipping = false;
	for (const { command, next } of parsed.commands) {
		if (previous !== '|') {
			skipping = (previous === '&&' && code !== 0) || (previous === '||' && code === 0);
		}
		if (!skipping) {
			const result = await runSimple(command, piped ?? stdin, execute, files, signal);
			code = result.code;
			stderr.push(result.stderr);
			if (next === '|') piped = result.stdout;
			else {
				stdout.push(result.stdout);
				piped = null;
			}
		}
		previous = next;
	}
	return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
}

async function runSimple(
	command: Simple,
	stdin: Buffer,
	execute: Execute,
	files: Files,
	signal: AbortSignal
): Promise<Outcome> {
	let input = stdin;
	if (command.input !== null) {
		const content = files.read(command.input);
		if (!content) return outcome(2, '', `sh: 1: cannot open ${command.input}: No such file\n`);
		input = content;
	}
	if (command.words.length === 0) return outcome(0);
	const result = await execute({ argv: command.words, stdin: input, env: command.env, signal });
	if (command.errorToOutput) {
		result.stdout = Buffer.concat([result.stdout, result.stderr]);
		result.stderr = Buffer.alloc(0);
	}
	if (command.dropError) result.stderr = Buffer.alloc(0);
	if (command.output) {
		const before = command.output.append ? files.read(command.output.path) : null;
		if (command.output.path !== '/dev/null') {
			files.write(command.output.path, Buffer.concat([before ?? Buffer.alloc(0), result.stdout]));
		}
		result.stdout = Buffer.alloc(0);
	}
	return result;
}
