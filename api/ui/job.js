// Polls jobs until they have ended.

import { getJob } from './api.js'

const ended = new Set(['succeeded', 'failed', 'canceled', 'expired'])

// patiently repeats a request while its problem is temporary, or passing returns true for it, at most
// limit times. It calls onAway with each problem, and onBack after success.
export async function patiently(request, { signal, onAway, onBack, limit = Infinity, passing = (err) => err.temporary }) {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await request()
      if (tries > 0) onBack?.()
      return answer
    } catch (err) {
      if (signal?.aborted || !passing(err) || tries + 1 >= limit) throw err
      onAway?.(err)
      // Jitter, so that open pages don't all repeat at the same time.
      const pause = Math.min(30, 2 ** tries) * (0.75 + Math.random() / 2)
      await wait(Math.max(err.retryAfter, pause), signal)
    }
  }
}

// hold is the number of seconds for which the server is asked to hold its response until the job
// changes. It may respond sooner. A browser has six connections to a server for all its pages, so few
// responses are held at a time, and none for a hidden page.
const hold = 20
const holders = 2
let holding = 0
let watched = 0

async function ask(id, etag, { signal, urgent }) {
  const kept = etag && !document.hidden && (urgent() || holding < holders)
  if (!kept) return getJob(id, { etag, signal })
  holding++
  try {
    return await getJob(id, { etag, hold, signal })
  } finally {
    holding--
  }
}

// watch calls onJob(job, now) with each change of the job and returns after it has ended. urgent returns
// whether this is the job on show. If the server doesn't hold the response, the job is polled as often
// as Retry-After allows, and less often the longer it is unchanged and the more jobs are watched.
export async function watch(id, { signal, urgent, onJob, onAway, onBack }) {
  let etag
  watched++
  try {
    for (let quiet = 1; ; quiet++) {
      const began = Date.now()
      const answer = await patiently(() => ask(id, etag, { signal, urgent }), { signal, onAway, onBack })
      if (answer.job) {
        onJob(answer.job, answer.now)
        if (ended.has(answer.job.state)) return
      }
      const changed = answer.job && answer.etag !== etag
      if (changed) quiet = 0
      etag = answer.etag
      const pause = changed ? 0 : Math.max(answer.retryAfter, Math.min(5, 1.2 ** quiet), watched / 4)
      await wait(pause - (Date.now() - began) / 1000, signal)
    }
  } finally {
    watched--
  }
}

// wait ends early when the page becomes visible or the machine is online again: then the state should be
// fresh.
export function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    const over = new AbortController()
    const finish = (settle, value) => {
      over.abort()
      clearTimeout(timer)
      settle(value)
    }
    const timer = setTimeout(() => finish(resolve), seconds * 1000)
    const listen = (target, event, act) => target.addEventListener(event, act, { signal: over.signal })
    listen(window, 'online', () => finish(resolve))
    listen(document, 'visibilitychange', () => document.hidden || finish(resolve))
    if (signal) listen(signal, 'abort', () => finish(reject, signal.reason))
    if (signal?.aborted) finish(reject, signal.reason)
  })
}
