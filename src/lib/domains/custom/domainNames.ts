import { type Hostname, parseHostname } from '../hostname.ts';

/** A name that was checked when it was stored. @throws {Error} when it never was */
export function knownHostname(hostname: string): Hostname {
	const parsed = parseHostname(hostname, { baseDomains: [], reserved: [] });
	if (!parsed.ok) throw new Error(`${hostname} is no host name: ${parsed.code}`);
	return parsed;
}

/** The zones that could hold a name, from itself up to the registered domain. */
export function zonesOf(hostname: string): string[] {
	const { registrable } = knownHostname(hostname);
	const zones: string[] = [];
	for (let zone = hostname; zone.length >= registrable.length;) {
		zones.push(zone);
		zone = zone.slice(zone.indexOf('.') + 1);
	}
	return zones;
}
