-- Takes from every bucket, or from none. Times are in units of 1/16 microsecond since 1700000000, which a double holds
-- exactly until 2041; the interval of one call is a whole number of them.
-- KEYS: the buckets. ARGV: the cost, then for each bucket the interval and the longest backlog.
-- Answers with 1 or 0 (taken or not), then the backlog of each bucket before the call.
local time = redis.call('TIME')
local now = ((tonumber(time[1]) - 1700000000) * 1000000 + tonumber(time[2])) * 16
local cost = tonumber(ARGV[1])
local answer, taken = {1}, true
for n, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * n]), tonumber(ARGV[2 * n + 1])
  local backlog = (tonumber(redis.call('GET', key) or now) or now) - now
  if backlog > burst then
    -- The clock went back, or the limit was lowered. Kept even if the call is refused: time goes on from here.
    backlog = burst
    redis.call('SET', key, string.format('%.0f', now + backlog), 'PX', math.ceil(backlog / 16000))
  end
  backlog = math.max(backlog, 0)
  answer[n + 1] = backlog
  taken = taken and backlog + interval * cost <= burst
end
if not taken then
  answer[1] = 0
  return answer
end
for n, key in ipairs(KEYS) do
  local after = answer[n + 1] + tonumber(ARGV[2 * n]) * cost
  redis.call('SET', key, string.format('%.0f', now + after), 'PX', math.ceil(after / 16000))
end
return answer
