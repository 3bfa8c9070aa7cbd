/** A one-page PDF with lines of text (Helvetica, WinAnsi). */
export function pdf(lines: string[]): Buffer {
	const text = lines
		.map((line, index) => `${index === 0 ? '/F1 20 Tf' : '/F1 11 Tf'} (${escape(line)}) Tj T*`)
		.join('\n');
	const stream = `BT 56 780 Td 22 TL\n${text}\nET`;
	const objects = [
		'<< /Type /Catalog /Pages 2 0 R >>',
		'<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
		'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>',
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
		`<< /Length ${Buffer.byteLength(stream, 'latin1')} >>\nstream\n${stream}\nendstream`
	];
	let body = '%PDF-1.4\n';
	const offsets = objects.map((object, index) => {
		const offset = Buffer.byteLength(body, 'latin1');
		body += `${index + 1} 0 obj\n${object}\nendobj\n`;
		return offset;
	});
	const table = Buffer.byteLength(body, 'latin1');
	body += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
	body += offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
	body += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
	return Buffer.from(body, 'latin1');
}

function escape(line: string): string {
	return line.replaceAll(/[\\()]/g, '\\$&').replaceAll('×', 'x');
}
