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
].map((kind) => `infrastructure.${kind}`);

/** Held by who notes differences: a known one is seen again, a new one is written once. */
export const DRIFT_LOCK = 'infrastructure.drifts';
