/** A script that Python would refuse, or that uses more of it than is understood here. */
export class PythonSyntaxError extends Error {}

export interface Token {
	kind: 'name' | 'number' | 'string' | 'operator' | 'newline' | 'indent' | 'dedent' | 'end';
	text: string;
	line: number;
}

const OPERATOR = /^(==|!=|<=|>=|\+=|[-+*/%()[\]{},:.=<>|&])/;

/** Splits a script into tokens with indentation, as Python's tokenizer does. */
export function tokenize(source: string): Token[] {
	const tokens: Token[] = [];
	const indents = [0];
	let depth = 0;
	let line = 0;
	let fresh = true;
	const text = source.replace(/\r\n/g, '\n');
	for (let at = 0; at < text.length;) {
		if (fresh && depth === 0) {
			line = text.slice(0, at).split('\n').length;
			const blank = /^[ \t]*(#[^\n]*)?(\n|$)/.exec(text.slice(at));
			if (blank) {
				at += blank[0].length;
				if (blank[0].length === 0) break;
				continue;
			}
			const width = /^[ \t]*/.exec(text.slice(at))![0].length;
			if (width > indents.at(-1)!) {
				indents.push(width);
				tokens.push({ kind: 'indent', text: '', line });
			}
			while (width < indents.at(-1)!) {
				indents.pop();
				tokens.push({ kind: 'dedent', text: '', line });
			}
			at += width;
			fresh = false;
			continue;
		}
		const rest = text.slice(at);
		const space = /^([ \t]+|#[^\n]*|\\\n)/.exec(rest);
		if (space) {
			at += space[0].length;
			continue;
		}
		if (rest[0] === '\n' || (rest[0] === ';' && depth === 0)) {
			if (depth === 0 && tokens.at(-1)?.kind !== 'newline') {
				tokens.push({ kind: 'newline', text: '', line });
			}
			fresh = rest[0] === '\n';
			at += 1;
			continue;
		}
		const [token, length] = next(rest, line);
		if ('([{'.includes(token.text) && token.kind === 'operator') depth += 1;
		if (')]}'.includes(token.text) && token.kind === 'operator') depth -= 1;
		tokens.push(token);
		at += length;
	}
	if (tokens.length > 0 && tokens.at(-1)?.kind !== 'newline') {
		tokens.push({ kind: 'newline', text: '', line });
	}
	for (let level = indents.length; level > 1; level -= 1)
		tokens.push({ kind: 'dedent', text: '', line });
	tokens.push({ kind: 'end', text: '', line });
	return tokens;
}

function next(rest: string, line: number): [Token, number] {
	const string =
		/^[rbu]?("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/i.exec(rest);
	if (string) {
		const raw = /^[bu]?r/i.test(string[0]);
		const quoted = string[1]!;
		const width = /^("""|''')/.test(quoted) ? 3 : 1;
		const body = quoted.slice(width, -width);
		return [{ kind: 'string', text: raw ? body : unescape(body), line }, string[0].length];
	}
	const name = /^[A-Za-z_]\w*/.exec(rest);
	if (name) return [{ kind: 'name', text: name[0], line }, name[0].length];
	const number = /^\d+(\.\d+)?/.exec(rest);
	if (number) return [{ kind: 'number', text: number[0], line }, number[0].length];
	const operator = OPERATOR.exec(rest);
	if (operator) return [{ kind: 'operator', text: operator[0], line }, operator[0].length];
	throw new PythonSyntaxError(
		`invalid syntax at ${JSON.stringify(rest.slice(0, 20))}, line ${line}`
	);
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\n': '' };

function unescape(body: string): string {
	return body.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\s\S])/g, (_whole, code: string) => {
		if (code.length > 1) return String.fromCharCode(parseInt(code.slice(1), 16));
		return ESCAPES[code] ?? (/["'\\]/.test(code) ? code : `\\${code}`);
	});
}
