import { describe, expect, it } from 'vitest';
import { serverTheme } from './theme.ts';
import { formattingLocale, validZone } from './viewer.ts';

describe('formattingLocale', () => {
	it('takes the visitor’s own variety of the page’s language', () => {
		expect(formattingLocale('es', 'es-MX,es;q=0.9,en;q=0.8')).toBe('es-MX');
		expect(formattingLocale('es', 'en-US,en;q=0.9,es-EC;q=0.5')).toBe('es-EC');
	});
	it('falls back to the bare language', () => {
		expect(formattingLocale('es', 'fr-FR,*;q=0.5')).toBe('es');
		expect(formattingLocale('es', null)).toBe('es');
		expect(formattingLocale('es', 'es_<script>')).toBe('es');
	});
});

describe('validZone', () => {
	it('keeps zones and refuses the rest', () => {
		expect(validZone('America/Guayaquil')).toBe('America/Guayaquil');
		expect(validZone('Moon/Base')).toBe('UTC');
		expect(validZone(undefined)).toBe('UTC');
	});
});

describe('serverTheme', () => {
	it('follows the cookie, starts staff in the dark and leaves the rest to the browser', () => {
		expect(serverTheme('light', '/admin')).toBe('light');
		expect(serverTheme(undefined, '/admin/tenants')).toBe('dark');
		expect(serverTheme(undefined, '/login/admin')).toBe('dark');
		expect(serverTheme(undefined, '/administrar')).toBe('');
		expect(serverTheme('system', '/admin')).toBe('');
		expect(serverTheme('"><script>', '/')).toBe('');
	});
});
