import type { EventDocument } from '../event/event-document.js';

/** A normalised Sysmon event, by default a process creation, with the given fields of its `EventData`. */
export function sysmonEvent(eventData: EventDocument, eventId = '1'): EventDocument {
  return {
    event: { code: eventId, kind: 'event', provider: 'Microsoft-Windows-Sysmon' },
    winlog: {
      channel: 'Microsoft-Windows-Sysmon/Operational',
      provider_name: 'Microsoft-Windows-Sysmon',
      event_id: eventId,
      computer_name: 'ws01.example.org',
      event_data: eventData,
    },
  };
}
