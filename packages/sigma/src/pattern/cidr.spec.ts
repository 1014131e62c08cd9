import { describe, expect, it } from 'vitest';
import { isInNetwork, parseCidr } from './cidr.js';

const isIn = (address: string, network: string) => {
  const parsed = parseCidr(network);
  return parsed === null ? expect.fail(`${network} was refused`) : isInNetwork(address, parsed);
};

describe('isInNetwork', () => {
  it.each([
    ['10.255.0.1', '10.0.0.0/8', true],
    ['11.0.0.1', '10.0.0.0/8', false],
    ['192.168.7.255', '192.168.4.0/22', true],
    ['192.168.8.0', '192.168.4.0/22', false],
    ['1.2.3.4', '1.2.3.4', true],
    ['1.2.3.4', '0.0.0.0/0', true],
    ['10.9.9.9', '10.1.2.3/8', true],
    ['febf::1', 'fe80::/10', true],
    ['fec0::1', 'fe80::/10', false],
    ['2001:DB8:0:0:1::', '2001:db8::/32', true],
    ['::ffff:10.0.0.1', '10.0.0.0/8', true],
    ['10.0.0.1', '::ffff:10.0.0.0/104', true],
    ['10.0.0.1', '::/0', false],
    ['::1', '0.0.0.0/0', false],
    ['10.0.0.1:443', '10.0.0.0/8', false],
    ['10.0.0.01', '10.0.0.0/8', false],
    ['', '0.0.0.0/0', false],
  ])('%s in %s: %s', (address, network, expected) => expect(isIn(address, network)).toBe(expected));
});

describe('parseCidr', () => {
  it.each([
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/ 8',
    '10.0.0.256/8',
    '1:2:3:4:5:6:7/64',
    '1:2:3:4:5:6:7:8::/64',
    ':::/1',
    'g::/1',
    '::1.2.3.4.5/96',
  ])('refuses %s', (text) => expect(parseCidr(text)).toBeNull());
});
