import { html, type Html } from '../../kernel/html.ts';
import type { Say, TextKey } from './texts.ts';

const SHOWN: [string, TextKey][] = [
	['4242 4242 4242 4242', 'card_ok'],
	['4000 0000 0000 0002', 'card_declined'],
	['4000 0025 0000 3155', 'card_3ds'],
	['4000 0000 0000 0341', 'card_later']
];

export interface CardInput {
	number: string;
	expiry: string;
	cvc: string;
	name: string;
}

export const NO_CARD: CardInput = { number: '', expiry: '', cvc: '', name: '' };

export function cardFields(say: Say, given: CardInput): Html {
	return html`<label for="cardNumber">${say('card_number')}</label>
		<input
			id="cardNumber"
			name="cardNumber"
			inputmode="numeric"
			autocomplete="cc-number"
			list="cards"
			placeholder="4242 4242 4242 4242"
			value="${given.number}"
		/>
		<datalist id="cards">
			${SHOWN.map(([number]) => html`<option value="${number}"></option>`)}
		</datalist>
		<div class="two">
			<div>
				<label for="cardExpiry">${say('expiry')}</label>
				<input
					id="cardExpiry"
					name="cardExpiry"
					inputmode="numeric"
					autocomplete="cc-exp"
					placeholder="12/34"
					value="${given.expiry}"
				/>
			</div>
			<div>
				<label for="cardCvc">${say('cvc')}</label>
				<input
					id="cardCvc"
					name="cardCvc"
					inputmode="numeric"
					autocomplete="cc-csc"
					placeholder="123"
					value="${given.cvc}"
				/>
			</div>
		</div>
		<label for="billingName">${say('card_name')}</label>
		<input id="billingName" name="billingName" autocomplete="cc-name" value="${given.name}" />`;
}

export function testCards(say: Say): Html {
	return html`<div class="note">
		<strong>${say('test_cards')}</strong>
		<table>
			${SHOWN.map(
				([number, key]) =>
					html`<tr>
						<td><code>${number}</code></td>
						<td>${say(key)}</td>
					</tr>`
			)}
		</table>
	</div>`;
}

export function readCard(form: URLSearchParams): CardInput {
	return {
		number: form.get('cardNumber')?.trim() ?? '',
		expiry: form.get('cardExpiry')?.trim() ?? '',
		cvc: form.get('cardCvc')?.trim() ?? '',
		name: form.get('billingName')?.trim() ?? ''
	};
}

/** The digits, or the text that says what is wrong with the input. */
export function checkCard(card: CardInput, now: number): { digits: string } | { wrong: TextKey } {
	const digits = card.number.replaceAll(/[\s-]/g, '');
	if (!/^\d{12,19}$/.test(digits) || !luhn(digits)) return { wrong: 'incorrect_number' };
	if (card.cvc && !/^\d{3,4}$/.test(card.cvc)) return { wrong: 'incorrect_cvc' };
	if (!card.expiry) return { digits };
	const [, month, year] = /^(\d{1,2})\s*\/?\s*(\d{2}|\d{4})$/.exec(card.expiry) ?? [];
	if (!month || !year || Number(month) < 1 || Number(month) > 12) return { wrong: 'expired_card' };
	const full = Number(year) < 100 ? 2000 + Number(year) : Number(year);
	return Date.UTC(full, Number(month), 1) / 1000 > now ? { digits } : { wrong: 'expired_card' };
}

function luhn(digits: string): boolean {
	const sum = [...digits].reverse().reduce((total, digit, index) => {
		const value = Number(digit) * (index % 2 ? 2 : 1);
		return total + (value > 9 ? value - 9 : value);
	}, 0);
	return sum % 10 === 0;
}
