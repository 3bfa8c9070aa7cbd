const BROWSERS: [RegExp, string][] = [
	[/\bEdg(?:e|A|iOS)?\//, 'Edge'],
	[/\bOPR\//, 'Opera'],
	[/\bFirefox\/|\bFxiOS\//, 'Firefox'],
	[/\bChrome\/|\bCriOS\//, 'Chrome'],
	[/\bSafari\//, 'Safari'],
	[/\bcurl\//, 'curl']
];
const SYSTEMS: [RegExp, string][] = [
	[/\bAndroid\b/, 'Android'],
	[/\b(?:iPhone|iPad)\b/, 'iOS'],
	[/\bWindows\b/, 'Windows'],
	[/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
	[/\bLinux\b/, 'Linux']
];

/** `Firefox · Linux`: enough for a person to know their own devices; null when the header says neither. */
export function deviceOf(userAgent: string | null): string | null {
	const name = (table: [RegExp, string][]) =>
		table.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
	return [name(BROWSERS), name(SYSTEMS)].filter(Boolean).join(' · ') || null;
}
