-- As much of STATE.UPDATE as Lua can do: tokens, expected version or etag, merge patch, protected and
-- immutable members, every member's type as in vimbiso.channel, transitions, ten snapshots, expiry, and
-- an audit stream with its expiry.
-- Not: member order, 1.10 and numbers above 2^53, empty arrays, all violations with their pointers in
-- one reply, deadlines of members, a patch of the result in the audit stream.
-- KEYS state, snapshots, audit stream, tokens, order of tokens
-- ARGV expected ('*', a version or an etag), merge patch, expiry in ms, actor, token, expiry of the
-- audit stream in ms
-- The state is {"version": n, "etag": "…", "parent": n, "seed": "…", "at": ms, "document": {…}}.
local SNAPSHOTS, TOKENS, AUDIT = 10, 64, 200
local expected, patch_text, expiry, actor, token, audit_expiry = unpack(ARGV)

local digest = redis.sha1hex(patch_text)
local made = redis.call('HGET', KEYS[4], token)
if made then
  local etag, made_of = string.match(made, '^(%S+) (%S+)$')
  if made_of ~= digest then
    return redis.error_reply('IDMISMATCH token made ' .. etag)
  end
  return etag
end

local stored = redis.call('GET', KEYS[1])
if not stored then
  return redis.error_reply('NOSTATE')
end
local state = cjson.decode(stored)
if expected ~= '*' and expected ~= state.etag and tonumber(expected) ~= state.version then
  return redis.error_reply('CONFLICT expected ' .. expected .. ', current is ' .. state.etag)
end

local function merge(target, patch)
  for name, value in pairs(patch) do
    if value == cjson.null then
      target[name] = nil
    elseif type(value) == 'table' then
      if type(target[name]) ~= 'table' then
        target[name] = {}
      end
      merge(target[name], value)
    else
      target[name] = value
    end
  end
end
local document, patch = state.document, cjson.decode(patch_text)
local step_before = document.current and document.current.path .. '/' .. document.current.component
for _, name in ipairs({ 'dashboard', 'action', 'auth' }) do
  if patch[name] ~= nil then
    return redis.error_reply('PROTECTED /' .. name)
  end
end
if patch.channel ~= nil then
  return redis.error_reply('IMMUTABLE /channel')
end
merge(document, patch)

local function text(value)
  return type(value) == 'string' and #value > 0
end
local function text_or_null(value)
  return value == nil or value == cjson.null or type(value) == 'string'
end
local function object(value)
  return type(value) == 'table'
end
local function truth(value)
  return type(value) == 'boolean'
end
local function object_or_null(value)
  return value == cjson.null or type(value) == 'table'
end
local function only(value, members, required)
  if type(value) ~= 'table' then
    return false
  end
  for name, member in pairs(value) do
    local is_valid = members[name]
    if not is_valid or not is_valid(member) then
      return false
    end
  end
  for _, name in ipairs(required) do
    if value[name] == nil then
      return false
    end
  end
  return true
end
local function attempt(value)
  return only(value, {
    operation = text, component = text_or_null, timestamp = text, success = truth, error = text_or_null,
  }, { 'operation', 'timestamp', 'success' })
end
local function attempts(value)
  if type(value) ~= 'table' then
    return false
  end
  for _, one in ipairs(value) do
    if not attempt(one) then
      return false
    end
  end
  return true
end
local shape = {
  channel = function(value)
    return only(value, { type = text, identifier = text }, { 'type', 'identifier' })
  end,
  dashboard = object,
  action = object,
  auth = function(value)
    return only(value, { token = text }, {})
  end,
  current = function(value)
    return only(value, {
      path = text, component = text, awaiting_input = truth, component_result = text_or_null, data = object_or_null,
    }, { 'path', 'component' })
  end,
  active_account_id = text_or_null,
  validation = function(value)
    return only(value, { attempts = object, history = attempts }, {})
  end,
  _metadata = function(value)
    return only(value, { initialized_at = text, updated_at = text }, {})
  end,
}
if not only(document, shape, { 'channel', 'current' }) then
  return redis.error_reply('INVALID')
end

local dashboard = { ['account/AccountDashboard'] = true }
local function or_dashboard(step)
  return { [step] = true, ['account/AccountDashboard'] = true }
end
local steps = {
  ['login/Greeting'] = { ['login/LoginApiCall'] = true },
  ['login/LoginApiCall'] = or_dashboard('onboard/Welcome'),
  ['onboard/Welcome'] = { ['onboard/FirstNameInput'] = true },
  ['onboard/FirstNameInput'] = { ['onboard/LastNameInput'] = true },
  ['onboard/LastNameInput'] = { ['onboard/OnBoardMemberApiCall'] = true },
  ['onboard/OnBoardMemberApiCall'] = dashboard,
  ['account/AccountDashboard'] = {
    ['offer/AmountInput'] = true, ['accept/OfferList'] = true, ['decline/OfferList'] = true, ['cancel/OfferList'] = true,
    ['ledger/ViewLedger'] = true, ['switch/AccountSelect'] = true, ['upgrade/ConfirmUpgrade'] = true,
  },
  ['offer/AmountInput'] = or_dashboard('offer/HandleInput'),
  ['offer/HandleInput'] = or_dashboard('offer/ConfirmOffer'),
  ['offer/ConfirmOffer'] = or_dashboard('offer/CreateOfferApiCall'),
  ['offer/CreateOfferApiCall'] = dashboard,
  ['accept/OfferList'] = or_dashboard('accept/Confirm'),
  ['accept/Confirm'] = or_dashboard('accept/ApiCall'),
  ['accept/ApiCall'] = or_dashboard('accept/OfferList'),
  ['decline/OfferList'] = or_dashboard('decline/Confirm'),
  ['decline/Confirm'] = or_dashboard('decline/ApiCall'),
  ['decline/ApiCall'] = or_dashboard('decline/OfferList'),
  ['cancel/OfferList'] = or_dashboard('cancel/Confirm'),
  ['cancel/Confirm'] = or_dashboard('cancel/ApiCall'),
  ['cancel/ApiCall'] = or_dashboard('cancel/OfferList'),
  ['ledger/ViewLedger'] = dashboard,
  ['switch/AccountSelect'] = dashboard,
  ['upgrade/ConfirmUpgrade'] = or_dashboard('upgrade/UpgradeMemberApiCall'),
  ['upgrade/UpgradeMemberApiCall'] = dashboard,
}
local step = document.current.path .. '/' .. document.current.component
local allowed = steps[step_before] or {}
if step ~= step_before and step ~= 'login/Greeting' and not allowed[step] then
  return redis.error_reply('TRANSITION /current: "' .. tostring(step_before) .. '" -> "' .. step .. '"')
end

local result = cjson.encode(document)
local now = redis.call('TIME')
state.parent = state.version
state.version = state.version + 1
state.etag = state.version .. '-' .. string.sub(redis.sha1hex(state.seed .. result), 1, 16)
state.at = now[1] .. string.format('%03d', math.floor(now[2] / 1000))
redis.call('SET', KEYS[1], cjson.encode(state), 'PX', expiry)
redis.call('LPUSH', KEYS[2], stored)
redis.call('LTRIM', KEYS[2], 0, SNAPSHOTS - 1)
redis.call('PEXPIRE', KEYS[2], expiry)
redis.call('HSET', KEYS[4], token, state.etag .. ' ' .. digest)
if redis.call('LPUSH', KEYS[5], token) > TOKENS then
  redis.call('HDEL', KEYS[4], redis.call('RPOP', KEYS[5]))
end
redis.call('PEXPIRE', KEYS[4], expiry)
redis.call('PEXPIRE', KEYS[5], expiry)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', AUDIT, '*', 'event', 'update', 'version', state.version, 'parent', state.parent,
  'etag', state.etag, 'at', state.at, 'actor', actor, 'id', token, 'schema', 'vimbiso.channel', 'patch', patch_text)
redis.call('PEXPIRE', KEYS[3], audit_expiry)
return state.etag
