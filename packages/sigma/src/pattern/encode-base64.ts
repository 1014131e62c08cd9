/** The value encodings of Sigma: UTF-16 forms and Base64, also at unknown offsets. */

export type TextEncoding = 'utf8' | 'utf16le' | 'utf16be' | 'utf16';

/** The text's bytes. `utf16` is little endian behind a byte order mark; `utf16be` has none. */
export function encodeText(text: string, encoding: TextEncoding): Buffer {
  switch (encoding) {
    case 'utf8':
      return Buffer.from(text, 'utf8');
    case 'utf16le':
      return Buffer.from(text, 'utf16le');
    case 'utf16be':
      return Buffer.from(text, 'utf16le').swap16();
    case 'utf16':
      return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
  }
}

/**
 * The Base64 texts by which `bytes` show inside any longer Base64 text: one for each position modulo three. Characters
 * at the edges that also depend on the neighbouring bytes are cut off.
 *
 * @returns three texts; some may be empty when `bytes` is shorter than three.
 */
export function encodeBase64AtOffsets(bytes: Buffer): readonly [string, string, string] {
  const atOffset = (offset: 0 | 1 | 2): string => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '');
    // The first 2 (offset 1) or 3 (offset 2) characters carry bits of the padding in front of the value.
    const start = offset === 0 ? 0 : offset + 1;
    // With an incomplete last group, its last character lacks bits of what follows.
    const end = (offset + bytes.length) % 3 === 0 ? text.length : text.length - 1;
    return text.slice(start, end);
  };
  return [atOffset(0), atOffset(1), atOffset(2)];
}
