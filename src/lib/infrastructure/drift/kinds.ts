/** Everything that a cluster and our books may say differently. */
export const DRIFT_KINDS = [
	'missing',
	'stranger',
	'moved',
	'limits',
	'stopped',
	'running',
	'mark',
	'address',
	'address-twice',
	'template',
	'ha-missing',
	'ha-error'
].map(named);

/** What a cluster says of high availability alone. */
export const HA_KINDS = new Set(['ha-missing', 'ha-error'].map(named));

function named(kind: string): string {
	return `infrastructure.${kind}`;
}

/** Held by who notes differences: a known one is seen again, a new one is written once. */
export const DRIFT_LOCK = 'infrastructure.drifts';
