// Follows jobs until they have ended.

import { getJob } from './api.js'

const ended = new Set(['succeeded', 'failed', 'canceled', 'expired'])

// patiently repeats a request for as long as its problem is a temporary one, or
// the kind that passing says, at most limit times, telling onAway of the problem
// each time and onBack when it is over.
export async function patiently(request, { signal, onAway, onBack, limit = Infinity, passing = (err) => err.temporary }) {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await request()
      if (tries > 0) onBack?.()
      return answer
    } catch (err) {
      if (signal?.aborted || !passing(err) || tries + 1 >= limit) throw err
      onAway?.(err)
      // Jitter, lest every open page comes back in the same instant.
      const pause = Math.min(30, 2 ** tries) * (0.75 + Math.random() / 2)
      await wait(Math.max(err.retryAfter, pause), signal)
    }
  }
}

// hold is how many seconds the server is asked to keep its answer until the job
// changes. It may answer sooner. A browser has six connections to a server, for
// all its pages, so that few answers are kept at a time, and none for a page
// that nobody looks at.
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

// watch calls onJob(job, now) with each change of the job and returns after
// the one that ended it. urgent says whether this is the job that the person
// looks at. Where the server doesn't wait it is asked as often as it says
// (Retry-After), a little less often the longer nothing happens and the more
// jobs are watched.
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

// wait is over early when the person comes back to the page or the network to
// the machine: that is when a fresh look is wanted.
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
