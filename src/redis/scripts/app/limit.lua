-- Takes from all windows of an id, or from none.
--
-- KEYS    1  id: until when it is blocked, in ms, and then of each window, after a space, its letter,
--            its span in ms, and what was taken from it:
--              f<span>:<since>:<count>          fixed
--              s<span>:<cell>=<count>,...       sliding, the oldest cell first
--              b<span>:<lacks>:<as of>          bucket; tokens times the span
-- ARGV    1  how much; 0 = only looks; 'block'; 'give' = gives back what was taken ahead
--         2  how much more at most, to be used later; 'block': for how many ms; 'give': how much
--         3  cells of a sliding window
--         4  of what is left one part in so many is taken ahead; 'give': when it was taken, in ms
--         5… of each window: letter, limit, span in ms, burst
-- Result  1 or 0; ms that it is blocked; how much was taken ahead; the present moment in ms; and of
--         each window what is left, when all of it is there again, and when what was refused would be
--         admitted, in ms
--
-- The same as `src/app/limit/window.rs`. All numbers are whole, and exact in doubles.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(number)
  return string.format('%.0f', number)
end

local function div_ceil(number, by)
  return math.floor((number + by - 1) / by)
end

local blocked, rest = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+)(.*)$')
blocked, rest = tonumber(blocked or 0), rest or ''

if ARGV[1] == 'block' then
  local due = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[2]))
  redis.call('SET', KEYS[1], text(now + ARGV[2]) .. rest, 'PX', text(due))
  return {0, tonumber(ARGV[2]), 0, text(now)}
end

local known = {}
for which, taken in string.gmatch(rest, ' (%a%d+):(%S*)') do
  known[which] = taken
end

local CELLS = tonumber(ARGV[3])
local kinds = {}

kinds.f = {
  read = function(window, taken)
    local since, count = string.match(taken, '^(%d+):(%d+)$')
    since, count = math.min(tonumber(since or now), now), tonumber(count or 0)
    if count == 0 or now >= since + window.span then
      since, count = now, 0
    end
    window.since, window.count = since, count
  end,
  write = function(window)
    return text(window.since) .. ':' .. text(window.count)
  end,
  take = function(window, cost)
    window.count = window.count + cost
  end,
  give = function(window, amount, at)
    if window.since <= at then
      window.count = math.max(0, window.count - amount)
    end
  end,
  left = function(window)
    return window.limit - window.count
  end,
  reset = function(window)
    return window.count == 0 and 0 or window.since + window.span - now
  end,
  retry = function(window)
    return window.since + window.span - now
  end,
}

kinds.s = {
  read = function(window, taken)
    window.cell = div_ceil(window.span, CELLS)
    window.now = math.floor(now / window.cell)
    window.cells, window.count = {}, 0
    for cell, count in string.gmatch(taken, '(%d+)=(%d+)') do
      cell, count = tonumber(cell), tonumber(count)
      if window.now <= cell + CELLS and cell <= window.now then
        table.insert(window.cells, {cell, count})
        window.count = window.count + count
      end
    end
  end,
  write = function(window)
    local cells = {}
    for _, one in ipairs(window.cells) do
      table.insert(cells, text(one[1]) .. '=' .. text(one[2]))
    end
    return table.concat(cells, ',')
  end,
  take = function(window, cost)
    local last = window.cells[#window.cells]
    if last and last[1] == window.now then
      last[2] = last[2] + cost
    else
      table.insert(window.cells, {window.now, cost})
    end
    window.count = window.count + cost
  end,
  give = function(window, amount, at)
    local kept = {}
    for _, one in ipairs(window.cells) do
      if one[1] == math.floor(at / window.cell) then
        one[2] = one[2] - amount
      end
      if one[2] > 0 then
        table.insert(kept, one)
      end
    end
    window.cells = kept
  end,
  left = function(window)
    return window.limit - window.count
  end,
  leaves = function(window, cell)
    return math.max(0, (cell + CELLS + 1) * window.cell - now)
  end,
  reset = function(window)
    local last = window.cells[#window.cells]
    return last and kinds.s.leaves(window, last[1]) or 0
  end,
  retry = function(window, cost)
    local over = window.count + cost - window.limit
    for _, one in ipairs(window.cells) do
      over = over - one[2]
      if over <= 0 then
        return kinds.s.leaves(window, one[1])
      end
    end
    return kinds.s.reset(window)
  end,
}

kinds.b = {
  read = function(window, taken)
    local lacks, as_of = string.match(taken, '^(%d+):(%d+)$')
    lacks, as_of = tonumber(lacks or 0), tonumber(as_of or now)
    local full = window.burst * window.span
    local passed = math.min(math.max(0, now - as_of), div_ceil(full, window.limit))
    window.full = full
    window.lacks = math.min(math.max(0, lacks - passed * window.limit), full)
  end,
  write = function(window)
    return text(window.lacks) .. ':' .. text(now)
  end,
  take = function(window, cost)
    window.lacks = window.lacks + cost * window.span
  end,
  give = function(window, amount, at)
    -- A bucket that was full otherwise has filled in its place meanwhile.
    local filled = math.max(0, now - at) * window.limit
    local back = math.max(0, amount * window.span - filled)
    window.lacks = math.max(0, window.lacks - back)
  end,
  left = function(window)
    return math.floor((window.full - window.lacks) / window.span)
  end,
  reset = function(window)
    return div_ceil(window.lacks, window.limit)
  end,
  retry = function(window, cost)
    return div_ceil(window.lacks + cost * window.span - window.full, window.limit)
  end,
}

local gives = ARGV[1] == 'give'
local cost = gives and 0 or tonumber(ARGV[1])
local asked = math.max(1, cost)
local spare
local admits = blocked <= now
local windows = {}
for at = 5, #ARGV, 4 do
  local window = {kind = kinds[ARGV[at]], which = ARGV[at] .. ARGV[at + 2]}
  window.limit, window.span, window.burst =
    tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  window.kind.read(window, known[window.which] or '')
  local left = window.kind.left(window)
  admits = admits and left >= asked
  spare = math.min(spare or left, left)
  table.insert(windows, window)
end

local ahead = 0
if admits and cost > 0 then
  ahead = math.min(tonumber(ARGV[2]), math.floor(math.max(0, spare - cost) / ARGV[4]))
end
local answer = {(gives or admits) and 1 or 0, math.max(0, blocked - now), ahead, text(now)}
local state, due = {text(blocked)}, blocked - now
for _, window in ipairs(windows) do
  if gives then
    window.kind.give(window, tonumber(ARGV[2]), tonumber(ARGV[4]))
  elseif admits and cost > 0 then
    window.kind.take(window, cost + ahead)
  end
  local left, reset = math.max(0, window.kind.left(window)), window.kind.reset(window)
  table.insert(answer, left)
  table.insert(answer, reset)
  table.insert(answer, (admits or left >= asked) and 0 or window.kind.retry(window, asked))
  table.insert(state, window.which .. ':' .. window.kind.write(window))
  due = math.max(due, reset)
end
-- What was refused or only looked at changes nothing.
if (gives or admits and cost > 0) and due > 0 then
  redis.call('SET', KEYS[1], table.concat(state, ' '), 'PX', text(due))
elseif gives then
  redis.call('DEL', KEYS[1])
end
return answer
