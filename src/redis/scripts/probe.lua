-- Returns the commands that the scripts of the protocol call and the server lacks.
--
-- Result  the names of those commands

local NEEDED = { 'TIME', 'EXISTS', 'PEXPIRE', 'UNLINK', 'ZADD', 'ZSCORE', 'ZREM', 'ZCOUNT', 'ZRANGE',
  'ZREVRANGE', 'ZRANGEBYSCORE', 'ZREMRANGEBYRANK', 'HSET', 'HGET', 'HDEL' }

-- Without arguments the commands do nothing. The error distinguishes an unknown command from a bad
-- call.
local lacking = {}
for _, name in ipairs(NEEDED) do
  local answer = redis.pcall(name)
  if type(answer) == 'table' and answer.err and string.find(answer.err, 'Unknown', 1, true) then
    lacking[#lacking + 1] = name
  end
end
return lacking
