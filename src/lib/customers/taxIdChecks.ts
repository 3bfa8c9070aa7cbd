/** Check digits as the countries' tax offices publish them. Every function takes the normalised number. */

/** Σ digit × weight over the first digits, modulo `modulus`. */
function weighed(digits: string, weights: readonly number[], modulus: number): number {
	const sum = weights.reduce((total, weight, index) => total + weight * Number(digits[index]), 0);
	return sum % modulus;
}

function allEqual(digits: string): boolean {
	return new Set(digits).size === 1;
}

/** Luhn, as cards and some tax ids have it. */
export function luhn(digits: string): boolean {
	let sum = 0;
	for (let index = 0; index < digits.length; index++) {
		const digit = Number(digits[digits.length - 1 - index]);
		const doubled = index % 2 === 1 ? digit * 2 : digit;
		sum += doubled > 9 ? doubled - 9 : doubled;
	}
	return sum % 10 === 0;
}

/** Ecuador, SRI: 13 digits ending in the branch; natural persons by module 10, public and private bodies by module 11. */
export function ecuadorRuc(ruc: string): boolean {
	const province = Number(ruc.slice(0, 2));
	if (!((province >= 1 && province <= 24) || province === 30)) return false;
	const third = Number(ruc[2]);
	if (third < 6) return ruc.slice(10) !== '000' && luhn(ruc.slice(0, 10));
	if (third === 6)
		return (
			ruc.slice(9) !== '0000' &&
			elevenMinus(weighed(ruc, [3, 2, 7, 6, 5, 4, 3, 2], 11)) === Number(ruc[8])
		);
	// Since 2022 the SRI issues numbers to companies whose ninth sequence no longer follows module 11.
	return third === 9 && ruc.slice(10) !== '000';
}

/** 11 minus the rest, with 11 as 0. */
function elevenMinus(rest: number): number {
	return rest === 0 ? 0 : 11 - rest;
}

/** Colombia, DIAN: nine digits and the check digit. */
export function colombiaNit(nit: string): boolean {
	const body = nit.slice(0, -1).padStart(15, '0');
	const rest = weighed(body, [71, 67, 59, 53, 47, 43, 41, 37, 29, 23, 19, 17, 13, 7, 3], 11);
	return (rest > 1 ? 11 - rest : rest) === Number(nit.at(-1));
}

/** Peru, SUNAT. */
export function peruRuc(ruc: string): boolean {
	if (!/^(10|15|16|17|20)/.test(ruc)) return false;
	return (11 - weighed(ruc, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11)) % 10 === Number(ruc[10]);
}

/** Chile, SII: module 11 with K for ten. */
export function chileRut(rut: string): boolean {
	let sum = 0;
	const body = rut.slice(0, -1);
	for (let index = 0; index < body.length; index++)
		sum += Number(body[body.length - 1 - index]) * (2 + (index % 6));
	const digit = 11 - (sum % 11);
	return (digit === 11 ? '0' : digit === 10 ? 'K' : String(digit)) === rut.at(-1);
}

/** Argentina, AFIP. */
export function argentinaCuit(cuit: string): boolean {
	const digit = 11 - weighed(cuit, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2], 11);
	return digit !== 10 && (digit === 11 ? 0 : digit) === Number(cuit[10]);
}

/** Brazil, Receita Federal; since July 2026 letters stand in the first twelve places too, counted as code − 48. */
export function brazilCnpj(cnpj: string): boolean {
	if (allEqual(cnpj)) return false;
	const digit = (length: number) => {
		let sum = 0;
		for (let index = 0; index < length; index++)
			sum += (cnpj.charCodeAt(length - 1 - index) - 48) * (2 + (index % 8));
		return sum % 11 < 2 ? 0 : 11 - (sum % 11);
	};
	return digit(12) === Number(cnpj[12]) && digit(13) === Number(cnpj[13]);
}

export function brazilCpf(cpf: string): boolean {
	if (allEqual(cpf)) return false;
	const digit = (length: number) => {
		let sum = 0;
		for (let index = 0; index < length; index++) sum += Number(cpf[index]) * (length + 1 - index);
		return ((sum * 10) % 11) % 10;
	};
	return digit(9) === Number(cpf[9]) && digit(10) === Number(cpf[10]);
}

/** Uruguay, DGI. */
export function uruguayRut(rut: string): boolean {
	const digit = 11 - weighed(rut, [4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], 11);
	return digit !== 10 && (digit === 11 ? 0 : digit) === Number(rut[11]);
}

/** Paraguay, SET: the last digit by module 11. */
export function paraguayRuc(ruc: string): boolean {
	const body = ruc.slice(0, -1);
	let sum = 0;
	for (let index = 0; index < body.length; index++)
		sum += Number(body[body.length - 1 - index]) * (2 + (index % 10));
	const rest = sum % 11;
	return (rest > 1 ? 11 - rest : 0) === Number(ruc.at(-1));
}

/** Dominican Republic, DGII: RNC of nine digits, or the eleven of a person's identity card. */
export function dominicanRnc(rnc: string): boolean {
	if (rnc.length === 11) return luhn(rnc);
	const rest = weighed(rnc, [7, 9, 8, 6, 5, 4, 3, 2], 11);
	return (rest === 0 ? 2 : rest === 1 ? 1 : 11 - rest) === Number(rnc[8]);
}

/** El Salvador, Ministerio de Hacienda. */
export function salvadorNit(nit: string): boolean {
	const old = Number(nit.slice(10, 13)) <= 100;
	const weights = old
		? [14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]
		: [2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
	const sum = weighed(nit, weights, 11);
	const digit = old ? sum % 10 : elevenMinus(sum) % 10;
	return digit === Number(nit[13]);
}

/** Venezuela, SENIAT. */
export function venezuelaRif(rif: string): boolean {
	const kinds: Record<string, number> = { V: 4, E: 8, J: 12, P: 16, G: 20, C: 12 };
	const kind = kinds[rif[0]!];
	if (kind === undefined) return false;
	const rest = (kind + weighed(rif.slice(1), [3, 2, 7, 6, 5, 4, 3, 2], 1_000_000)) % 11;
	const digit = 11 - rest;
	return (digit > 9 ? 0 : digit) === Number(rif[9]);
}

/** Spain, AEAT: NIF of companies, persons and foreigners. */
export function spainNif(nif: string): boolean {
	const letters = 'TRWAGMYFPDXBNJZSQVHLCKE';
	const person = /^([XYZ]?)(\d{7,8})([A-Z])$/.exec(nif);
	if (person) {
		const [, prefix = '', digits = '', letter] = person;
		if ((prefix + digits).length !== 8) return false;
		const number = Number((prefix ? String('XYZ'.indexOf(prefix)) : '') + digits);
		return letters[number % 23] === letter;
	}
	const company = /^([ABCDEFGHJNPQRSUVW])(\d{7})([0-9A-J])$/.exec(nif);
	if (!company) return false;
	const [, kind = '', digits = '', control = ''] = company;
	let sum = 0;
	for (let index = 0; index < 7; index++) {
		const digit = Number(digits[index]);
		const doubled = index % 2 === 0 ? digit * 2 : digit;
		sum += doubled > 9 ? doubled - 9 : doubled;
	}
	const digit = (10 - (sum % 10)) % 10;
	const letter = 'JABCDEFGHI'[digit];
	if ('PQRSNW'.includes(kind)) return control === letter;
	return 'ABEH'.includes(kind)
		? control === String(digit)
		: control === String(digit) || control === letter;
}
