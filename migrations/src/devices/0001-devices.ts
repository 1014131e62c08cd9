import { auditLogSql } from '@aurorasoc/kit/audit';
import { closeToOtherTenants } from '@aurorasoc/kit/database';
import { eventLogSql } from '@aurorasoc/kit/events';
import { Migration } from '@mikro-orm/migrations';

/** Devices, how they are enrolled, and what they measure. */
export class CreateDevices extends Migration {
  override up(): void {
    const statements = [...eventLogSql('devices'), ...auditLogSql('devices'), ...devices, ...enrolment, ...telemetry];
    for (const statement of statements) this.addSql(statement);
  }
}

const devices = [
  `create table devices.device (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     name text not null,
     model text not null,
     firmware_version text not null,
     public_key text not null,
     connection text not null,
     is_quarantined boolean not null,
     enrolled_at timestamptz not null,
     updated_at timestamptz not null,
     last_seen_at timestamptz,
     -- Counts the recordings of its telemetry, whose events have an order of their own beside that of its versions.
     recordings integer not null
   )`,
  // Serves the list of a tenant, newest first.
  'create index device_newest on devices.device (tenant, id desc)',
  ...closeToOtherTenants('devices', 'device'),
  'grant select, insert, update on devices.device to devices_svc',
  // Whose a device is, which its telemetry does not say; and until when it counts as connected. It holds ids and times only
  // and has no row security, because the workers ask for devices of every tenant.
  `create table devices.device_directory (
     device_id uuid primary key references devices.device (id),
     tenant uuid not null,
     online_until timestamptz
   )`,
  // Serves the search for devices that fell silent.
  'create index device_directory_online on devices.device_directory (online_until) where online_until is not null',
  'grant select, insert, update on devices.device_directory to devices_svc',
];

const enrolment = [
  `create table devices.enrolment_token (
     id uuid primary key,
     tenant uuid not null,
     hash bytea not null unique check (octet_length(hash) = 32),
     created_by_kind text not null,
     created_by_id text not null,
     created_at timestamptz not null,
     expires_at timestamptz not null,
     used_at timestamptz,
     device_id uuid references devices.device (id)
   )`,
  ...closeToOtherTenants('devices', 'enrolment_token'),
  'grant select, insert, update on devices.enrolment_token to devices_svc',
];

const telemetry = [
  `create table devices.sample (
     device_id uuid not null references devices.device (id),
     sequence bigint not null check (sequence >= 0),
     tenant uuid not null,
     id uuid not null,
     measured_at timestamptz not null,
     received_at timestamptz not null,
     digest bytea not null check (octet_length(digest) = 32),
     metrics jsonb not null,
     primary key (device_id, sequence)
   )`,
  // Serves a page of a device's samples, newest first.
  'create index sample_newest on devices.sample (device_id, measured_at desc, id desc)',
  ...closeToOtherTenants('devices', 'sample'),
  'grant select, insert on devices.sample to devices_svc',
  // Which sequence numbers are there, as ranges: what lies between two of them is missing.
  `create table devices.sequence_range (
     device_id uuid not null references devices.device (id),
     first_sequence bigint not null,
     last_sequence bigint not null check (last_sequence >= first_sequence),
     tenant uuid not null,
     primary key (device_id, first_sequence)
   )`,
  // Finds the range that a following sequence number prolongs.
  'create index sequence_range_end on devices.sequence_range (device_id, last_sequence)',
  ...closeToOtherTenants('devices', 'sequence_range'),
  'grant select, insert, delete on devices.sequence_range to devices_svc',
  // The receipt of each batch. It outlives the inbox row: a batch that comes after that was removed is a repeat all the same.
  `create table devices.telemetry_batch (
     id uuid primary key,
     tenant uuid not null,
     version integer not null,
     outcome text not null,
     handled_at timestamptz not null
   )`,
  ...closeToOtherTenants('devices', 'telemetry_batch'),
  'grant select, insert, update on devices.telemetry_batch to devices_svc',
  // What cannot be stored as a sample, as it came. Rows of devices that nobody enrolled belong to the nil tenant.
  `create table devices.refused_telemetry (
     id uuid primary key,
     tenant uuid not null,
     device text not null,
     reason text not null,
     received_at timestamptz not null,
     body text not null
   )`,
  // Serves the list of what was refused, newest first, of all devices or of one.
  'create index refused_telemetry_newest on devices.refused_telemetry (tenant, id desc)',
  'create index refused_telemetry_device on devices.refused_telemetry (tenant, device, id desc)',
  ...closeToOtherTenants('devices', 'refused_telemetry'),
  'grant select, insert on devices.refused_telemetry to devices_svc',
];
