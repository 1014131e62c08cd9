/** IP networks and addresses: IPv4 as in RFC 4632, IPv6 as in RFC 4291, both as 16 bytes (IPv4 in its mapped form). */

interface IpAddress {
  readonly bytes: Uint8Array;
  /** How it was written; `::ffff:192.0.2.1` is 6. */
  readonly version: 4 | 6;
}

export interface CidrNetwork {
  readonly bytes: Uint8Array;
  readonly version: 4 | 6;
  /** Leading bits that count, of 128: an IPv4 prefix plus 96. */
  readonly bits: number;
}

const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Reads `address/prefix`, or a single address; bits behind the prefix are ignored. Null when it is neither. */
export function parseCidr(text: string): CidrNetwork | null {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const widest = address.version === 4 ? 32 : 128;
  const prefix = slash < 0 ? widest : readDecimal(text.slice(slash + 1), widest);
  if (prefix === null) return null;
  return { ...address, bits: address.version === 4 ? prefix + 96 : prefix };
}

/**
 * True when `text` is an address of the network. Texts that are no address are in no network. An IPv4-mapped IPv6
 * address belongs to the IPv4 network too, because Windows logs IPv4 peers in that form.
 */
export function isInNetwork(text: string, network: CidrNetwork): boolean {
  const address = parseIp(text);
  if (address === null) return false;
  // Without this, ::/0 would contain every IPv4 address.
  if (network.version === 6 && address.version === 4 && network.bits < 96) return false;
  return haveCommonPrefix(address.bytes, network.bytes, network.bits);
}

function haveCommonPrefix(left: Uint8Array, right: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (left[index] !== right[index]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((left[whole] ?? 0) & mask) === ((right[whole] ?? 0) & mask);
}

function parseIp(text: string): IpAddress | null {
  if (text.includes(':')) {
    // A zone names an interface of the reporting host, not a part of the address (RFC 4007).
    const zone = text.indexOf('%');
    const bytes = parseIpv6(zone < 0 ? text : text.slice(0, zone));
    return bytes && { bytes, version: 6 };
  }
  const bytes = parseIpv4(text);
  return bytes && { bytes: Uint8Array.of(...MAPPED_PREFIX, ...bytes), version: 4 };
}

function parseIpv4(text: string): number[] | null {
  if (text.length > 15) return null;
  const bytes = text.split('.').map((part) => readDecimal(part, 255));
  return bytes.length === 4 && bytes.every((byte) => byte !== null) ? bytes : null;
}

function parseIpv6(text: string): Uint8Array | null {
  if (text.length > 45) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = readGroups(halves[0] ?? '');
  const tail = halves.length === 2 ? readGroups(halves[1] ?? '') : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  // "::" stands for at least one group.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return Uint8Array.of(...head, ...new Array<number>(missing).fill(0), ...tail);
}

/** Bytes of colon-separated groups; the last may be a dotted IPv4 address. */
function readGroups(text: string): number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (group.includes('.')) {
      const ipv4 = index === groups.length - 1 ? parseIpv4(group) : null;
      if (ipv4 === null) return null;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** Digits without leading zeros (which some readers take for octal), up to `largest`. */
function readDecimal(text: string, largest: number): number | null {
  if (!/^(0|[1-9]\d{0,2})$/.test(text)) return null;
  const value = Number(text);
  return value <= largest ? value : null;
}
