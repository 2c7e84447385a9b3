// The preview of a job's picture, for jobs of earlier visits and shared links, whose pictures are not
// here. A worker makes it when it starts the job; it is not requested if there can't be one.

import { getPicture, jobPath } from './api.js'
import { patiently, wait } from './job.js'

const usual = 1 // seconds from a worker's start until the preview usually exists
const tries = 8 // over some 90 seconds

const undecodable = ['unsupported_image', 'damaged_image', 'undecodable_image', 'too_many_bytes', 'too_many_pixels']

export const previewPath = (id) => `${jobPath(id)}/preview`

// previewOf returns what is known about the preview of a piece's job: 'there', 'none', 'later' (when a
// worker has started), or undefined, in which case it can be requested.
export function previewOf({ preview, job }) {
  if (preview || !job) return preview
  switch (job.state) {
    case 'queued':
    case 'running':
      return job.attempts > 0 ? undefined : 'later'
    case 'failed':
    case 'canceled':
      if (undecodable.includes(job.error?.code)) return 'none'
      return job.started_at || job.run > 1 ? undefined : 'none' // an earlier run may have made one
    case 'expired':
      return 'none'
  }
}

// findPreview requests the preview of a job that a worker started at a time, in milliseconds. It returns
// 'there', 'none', or undefined if that is not known yet.
export async function findPreview(id, began, signal) {
  try {
    await wait(usual - (Date.now() - began) / 1000, signal)
    await patiently(() => getPicture(previewPath(id), signal), { signal, limit: tries })
    return 'there'
  } catch (err) {
    return signal.aborted || err.temporary ? undefined : 'none'
  }
}
