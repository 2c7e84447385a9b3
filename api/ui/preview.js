// The preview of a job's picture, for pictures that are not here themselves: those of
// earlier visits and of shared links. A worker makes it when it begins with the job;
// it is not asked for where there can't be one.

import { getPicture, jobPath } from './api.js'
import { patiently, wait } from './job.js'

const usual = 1 // seconds from a worker's beginning until the preview is there, at most
const tries = 8 // over some 90 seconds

const undecodable = ['unsupported_image', 'damaged_image', 'undecodable_image', 'too_many_bytes', 'too_many_pixels']

export const previewPath = (id) => `${jobPath(id)}/preview`

// previewOf says what is known of the preview of a piece's job: there; none; later,
// which is when a worker has begun; or nothing, and it is to be asked for.
export function previewOf({ preview, job }) {
  if (preview || !job) return preview
  switch (job.state) {
    case 'queued':
    case 'running':
      return job.attempts > 0 ? undefined : 'later'
    case 'failed':
    case 'canceled':
      if (undecodable.includes(job.error?.code)) return 'none'
      return job.started_at || job.run > 1 ? undefined : 'none' // an earlier run may have left one
    case 'expired':
      return 'none'
  }
}

// findPreview asks for the preview of a job that a worker began with at a time, in
// milliseconds. It returns 'there', 'none', or undefined where that is not known yet.
export async function findPreview(id, began, signal) {
  try {
    await wait(usual - (Date.now() - began) / 1000, signal)
    await patiently(() => getPicture(previewPath(id), signal), { signal, limit: tries })
    return 'there'
  } catch (err) {
    return signal.aborted || err.temporary ? undefined : 'none'
  }
}
