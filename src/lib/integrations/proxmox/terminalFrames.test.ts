import { describe, expect, test } from 'vitest';
import { TermproxyReader } from '../../../sandbox/proxmox/termproxy.ts';
import {
	Greeting,
	inputFrames,
	KEEPALIVE_FRAME,
	loginFrame,
	resizeFrame
} from './terminalFrames.ts';

const written = (frames: Buffer[]) => frames.map((frame) => frame.toString('utf8'));

describe('input', () => {
	test('says its length in bytes, not in characters', () => {
		expect(written(inputFrames(Buffer.from('ls\r')))).toEqual(['0:3:ls\r']);
		expect(written(inputFrames(Buffer.from('ñandú')))).toEqual(['0:7:ñandú']);
		expect(written(inputFrames(Buffer.from('🦙')))).toEqual(['0:4:🦙']);
		// Colons, digits and line ends of the data are the data's own.
		expect(written(inputFrames(Buffer.from('1:80:24:\n')))).toEqual(['0:9:1:80:24:\n']);
		expect(inputFrames(Buffer.alloc(0))).toEqual([]);
	});

	test('bytes that are no text go as they are', () => {
		const [frame] = inputFrames(Buffer.from([0x1b, 0x5b, 0x4d, 0xff, 0x80]));
		expect(frame).toEqual(Buffer.from([...Buffer.from('0:5:'), 0x1b, 0x5b, 0x4d, 0xff, 0x80]));
	});

	test('a long paste arrives whole, however its frames are cut and joined on the way', () => {
		const paste = Buffer.from('línea de texto 🦙\n'.repeat(400));
		const frames = inputFrames(paste);
		expect(Math.max(...frames.map(({ length }) => length))).toBeLessThan(4096);
		const stream = Buffer.concat([
			...frames,
			resizeFrame({ cols: 132, rows: 50 }),
			KEEPALIVE_FRAME
		]);
		for (const size of [1, 7, 1000, stream.length]) {
			const reader = new TermproxyReader();
			const commands = [];
			for (let at = 0; at < stream.length; at += size)
				commands.push(...reader.read(stream.subarray(at, at + size)));
			const data = commands.flatMap((one) => (one.type === 'input' ? [one.data] : []));
			expect(Buffer.concat(data)).toEqual(paste);
			expect(commands.slice(-2)).toEqual([
				{ type: 'resize', cols: 132, rows: 50 },
				{ type: 'keepalive' }
			]);
		}
	});
});

describe('the greeting', () => {
	test('is who asks and the ticket, on a line', () => {
		expect(String(loginFrame('erpcore@pve!control', 'PVEVNC:1::x'))).toBe(
			'erpcore@pve!control:PVEVNC:1::x\n'
		);
	});

	test.each([
		['in one frame', ['OK'], ['']],
		['with output behind it', ['OK\r\nlogin:'], ['\r\nlogin:']],
		['cut in two', ['O', 'K'], [null, '']],
		['after nothing at all', ['', 'OK$ '], [null, '$ ']]
	])('is answered %s', (_how, chunks, expected) => {
		const greeting = new Greeting();
		const seen = chunks.map((chunk) => greeting.take(Buffer.from(chunk)));
		expect(seen.map((one) => (one ? String(one) : one))).toEqual(expected);
	});

	test('anything else is no terminal', () => {
		expect(new Greeting().take(Buffer.from('failed'))).toBe(false);
		const greeting = new Greeting();
		expect(greeting.take(Buffer.from('O'))).toBeNull();
		expect(greeting.take(Buffer.from('h no'))).toBe(false);
	});
});
