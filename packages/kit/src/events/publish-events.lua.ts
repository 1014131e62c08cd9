/**
 * The script that appends a domain's events to its streams in one step, and only where the stream stands.
 *
 * Entry ids are `<position>-0`, so the stream itself says up to where it was published: a repeated call adds nothing twice,
 * and a stream that was wiped or went backwards is noticed before anything is added behind a hole.
 *
 * KEYS: 1 epoch key, 2 the domain's event stream, 3… streams that some types are routed to as well.
 * ARGV: 1 epoch, 2 position the stream must stand at, then per entry: position, index in KEYS of the routed stream or '',
 *       and the eight values of {@link STREAM_FIELDS}.
 * Returns the position at which the stream stands now; equal to the last entry's when they were added.
 */
export const STREAM_FIELDS = ['epoch', 'id', 'type', 'subject', 'tenant', 'version', 'traceparent', 'body'] as const;

export const PUBLISH_EVENTS = `
local fields = { ${STREAM_FIELDS.map((field) => `'${field}'`).join(', ')} }
local epoch = redis.call('GET', KEYS[1])
if epoch ~= ARGV[1] then
  -- A restored database starts a new epoch: what the streams hold belongs to another history.
  if epoch then
    for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
  end
  redis.call('SET', KEYS[1], ARGV[1])
end
local stands = '0'
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then stands = string.match(info[i + 1], '^(%d+)') end
  end
end
if stands ~= ARGV[2] then return stands end
local width = 2 + #fields
for at = 3, #ARGV, width do
  local entry = {}
  for i = 1, #fields do
    entry[#entry + 1] = fields[i]
    entry[#entry + 1] = ARGV[at + 1 + i]
  end
  local id = ARGV[at] .. '-0'
  redis.call('XADD', KEYS[2], id, unpack(entry))
  if ARGV[at + 1] ~= '' then
    entry[#entry + 1] = 'position'
    entry[#entry + 1] = ARGV[at]
    redis.call('XADD', KEYS[tonumber(ARGV[at + 1])], id, unpack(entry))
  end
  stands = ARGV[at]
end
return stands
`;
