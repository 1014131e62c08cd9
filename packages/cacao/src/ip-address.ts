/** Literal addresses, without the platform's network module: this package does no I/O. */

const OCTET = /^(25[0-5]|2[0-4]\d|1?\d?\d)$/;

/** Four decimal octets. */
export function isIPv4(value: string): boolean {
  const octets = value.split('.');
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet));
}

/** RFC 4291, section 2.2, also with a zone (RFC 4007) and with a dotted end. */
export function isIPv6(value: string): boolean {
  const [address = '', zone, ...more] = value.split('%');
  if (more.length > 0 || zone === '') return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1)?.at(-1) ?? '';
  const isDotted = last.includes('.');
  if (isDotted) {
    if (!isIPv4(last)) return false;
    // A dotted end stands for two groups.
    groups.at(-1)?.splice(-1, 1, '0', '0');
  }
  const all = groups.flat();
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  return halves.length === 2 ? all.length < 8 : all.length === 8;
}
