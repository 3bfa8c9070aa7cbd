/** The syntax tree of a script. */
export type Expression =
	| { kind: 'constant'; value: string | number | boolean | null }
	| { kind: 'name'; name: string }
	| { kind: 'list' | 'tuple'; items: Expression[] }
	| { kind: 'dict'; entries: [Expression, Expression][] }
	| { kind: 'attribute'; of: Expression; name: string }
	| { kind: 'index'; of: Expression; at: Expression }
	| { kind: 'call'; of: Expression; args: Expression[]; named: [string, Expression][] }
	| { kind: 'binary'; operator: string; left: Expression; right: Expression }
	| { kind: 'not'; of: Expression }
	| { kind: 'choice'; test: Expression; yes: Expression; no: Expression }
	| {
			kind: 'comprehension';
			value: Expression;
			names: string[];
			of: Expression;
			test: Expression | null;
	  };

export type Statement =
	| { kind: 'expression'; value: Expression; line: number }
	| { kind: 'assign'; targets: Expression[]; value: Expression; line: number }
	| { kind: 'import'; names: { name: string; as: string }[]; line: number }
	| { kind: 'for'; names: string[]; of: Expression; body: Statement[]; line: number }
	| { kind: 'if'; test: Expression; body: Statement[]; otherwise: Statement[]; line: number }
	| { kind: 'raise'; value: Expression; line: number }
	| { kind: 'assert'; test: Expression; line: number }
	| { kind: 'pass'; line: number };
