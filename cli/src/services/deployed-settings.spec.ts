/** The services of docker-compose.yml behave as the embedded ones: the same settings, but for where they lie and listen. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ACL, renderConfig as renderMosquittoConfig } from './mosquitto.js';
import { renderConfig as renderRedisConfig } from './redis.js';

const deployed = (path: string): string => readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), 'utf8');

/** Without comments, and without settings of the one place or the other. */
function settingsIn(config: string, ofPlaces: readonly string[]): readonly string[] {
  return config
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !ofPlaces.includes(line.split(' ', 1)[0] ?? ''))
    .toSorted();
}

describe('the services in containers', () => {
  it('keep streams as the embedded Redis does', () => {
    const ofPlaces = ['bind', 'port', 'dir', 'requirepass'];
    expect(settingsIn(deployed('redis/redis.conf'), ofPlaces)).toEqual(
      settingsIn(renderRedisConfig(6379, 'password', true), ofPlaces),
    );
  });

  it('let devices do what the embedded Mosquitto lets them do, and queue as much', () => {
    const ofPlaces = ['listener', 'password_file', 'acl_file', 'persistence_location'];
    expect(settingsIn(deployed('mosquitto/mosquitto.conf'), ofPlaces)).toEqual(
      settingsIn(renderMosquittoConfig(1883, false), ofPlaces),
    );
    expect(deployed('mosquitto/acl')).toBe(ACL);
  });
});
