-- A simple script of a bot on plain Redis: compare, merge, check some types, snapshots, audit stream.
-- KEYS state, snapshots, audit stream; ARGV expected version or '', merge patch, expiry in ms, actor.
-- The state is {"version": n, "document": {…}}.
local stored = redis.call('GET', KEYS[1])
if not stored then
  return redis.error_reply('NOSTATE')
end
local state = cjson.decode(stored)
if ARGV[1] ~= '' and tonumber(ARGV[1]) ~= state.version then
  return redis.error_reply('CONFLICT current is ' .. state.version)
end

local function merge(target, patch)
  for name, value in pairs(patch) do
    if value == cjson.null then
      target[name] = nil
    elseif type(value) == 'table' and type(target[name]) == 'table' then
      merge(target[name], value)
    else
      target[name] = value
    end
  end
end
local document = state.document
merge(document, cjson.decode(ARGV[2]))

local channel, current = document.channel, document.current
if
  type(channel) ~= 'table' or type(channel.type) ~= 'string' or type(channel.identifier) ~= 'string'
  or type(current) ~= 'table' or type(current.path) ~= 'string' or type(current.component) ~= 'string'
  or type(current.awaiting_input) ~= 'boolean' or type(current.data) ~= 'table'
  or type(document.dashboard) ~= 'table' or type(document.action) ~= 'table'
then
  return redis.error_reply('INVALID')
end

state.version = state.version + 1
redis.call('SET', KEYS[1], cjson.encode(state), 'PX', ARGV[3])
redis.call('LPUSH', KEYS[2], stored)
redis.call('LTRIM', KEYS[2], 0, 9)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 200, '*',
  'event', 'update', 'version', state.version, 'key', KEYS[1], 'actor', ARGV[4], 'patch', ARGV[2])
return state.version
