import { z } from 'zod';
import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { BasePreparation, DomainDriver } from '#prisma/generated/enums.ts';

/** What stands in the way of a base domain's preparation, as it is stored. */
export interface Obstacle {
	code:
		| 'zone_not_active'
		| 'no_target'
		| 'edge_without_address'
		| 'record_in_the_way'
		| 'fallback_elsewhere'
		| 'fallback_state'
		| 'no_right'
		| 'vendor';
	params: Record<string, string>;
}

/** Something that a person has to change before a base domain can be prepared. */
export class BaseObstacle extends Error {
	override name = 'BaseObstacle';
	readonly obstacle: Obstacle;

	constructor(code: Obstacle['code'], params: Record<string, string>) {
		super(`${code} ${JSON.stringify(params)}`);
		this.obstacle = { code, params };
	}
}

type Sentence = (params: Record<string, string>) => string;

const SENTENCES: Record<Obstacle['code'], Sentence> = {
	zone_not_active: ({ status = '' }) => m.domains_obstacle_zone({ status }),
	no_target: () => m.domains_obstacle_no_target(),
	edge_without_address: () => m.domains_obstacle_edge(),
	record_in_the_way: ({ name = '', type = '', content = '' }) =>
		m.domains_obstacle_record({ name, type, content }),
	fallback_elsewhere: ({ origin = '' }) => m.domains_obstacle_fallback({ origin }),
	fallback_state: ({ status = '', detail = '' }) =>
		m.domains_obstacle_fallback_state({ status, detail }),
	no_right: ({ detail = '' }) => m.domains_obstacle_no_right({ detail }),
	vendor: ({ detail = '' }) => m.domains_obstacle_vendor({ detail })
};

const stored = z.object({ code: z.string(), params: z.record(z.string(), z.string()) });

/** A stored obstacle; null when there is none. */
export function obstacleOf(value: unknown): Obstacle | null {
	const { data } = stored.safeParse(value);
	if (!data || !isCode(data.code)) return null;
	return { code: data.code, params: data.params };
}

function isCode(code: string): code is Obstacle['code'] {
	return Object.hasOwn(SENTENCES, code);
}

export function obstacleSentence({ code, params }: Obstacle): string {
	return SENTENCES[code](params);
}

const PREPARATIONS: Record<BasePreparation, { label: () => string; tone: Tone }> = {
	pending: { label: m.domains_preparation_pending, tone: 'warning' },
	ready: { label: m.domains_preparation_ready, tone: 'success' },
	error: { label: m.domains_preparation_error, tone: 'danger' }
};

export function preparationBadge(state: BasePreparation): { label: string; tone: Tone } {
	const { label, tone } = PREPARATIONS[state];
	return { label: label(), tone };
}

const DRIVERS: Record<DomainDriver, { label: () => string; hint: () => string }> = {
	custom_hostname: { label: m.domains_driver_hostname, hint: m.domains_driver_hostname_hint },
	account_cname: { label: m.domains_driver_account, hint: m.domains_driver_account_hint },
	edge: { label: m.domains_driver_edge, hint: m.domains_driver_edge_hint }
};

export function driverLabel(driver: DomainDriver): string {
	return DRIVERS[driver].label();
}

export function driverHint(driver: DomainDriver): string {
	return DRIVERS[driver].hint();
}
