// Submits a form to the API. A large picture is sent to S3 first, if the server has uploads: AWS Lambda
// accepts no more than 4.5 MB.

import { askForUpload, post, Problem, send } from './api.js'

const direct = 4_000_000 // bytes of pictures that are sent with their form
const fresh = 10 * 60_000 // milliseconds for which an address is used; it is valid for 15 minutes

let unavailable = false // the server has no uploads: it returned 404
// By photograph, since many jobs can have one style picture and each takes an upload of its own:
// by field {picture, id, url, headers, until, done}.
const uploads = new WeakMap()

// submit returns the job. It can be repeated with the same form and key: pictures that are stored are
// not sent again.
export async function submit(form, idempotencyKey, options) {
  const large = tooLarge(form)
  const photograph = form.get('image')
  for (let tries = 1; large.length && !unavailable; tries++) {
    const known = uploads.get(photograph) ?? {}
    uploads.set(photograph, known)
    const rest = new FormData()
    for (const [name, value] of form) if (!large.some((l) => l.name === name)) rest.append(name, value)
    for (const { picture, field } of large) {
      const id = await upload(known, field, picture, options)
      if (id) rest.set(field, id)
    }
    if (unavailable) break
    try {
      const job = await post(rest, idempotencyKey, { ...options, onProgress() {} })
      uploads.delete(photograph)
      return job
    } catch (err) {
      if (!/^upload_(taken|expired|not_found|incomplete)$/.test(err.code) || tries === 3) throw err
      uploads.delete(photograph)
    }
  }
  return post(form, idempotencyKey, options)
}

// tooLarge returns the pictures to be uploaded, the largest first, so that the rest of the form
// can be sent.
function tooLarge(form) {
  const pictures = [{ name: 'image', field: 'upload_id' }, { name: 'style_image', field: 'style_upload_id' }]
    .map((p) => ({ ...p, picture: form.get(p.name) }))
    .filter(({ picture }) => picture)
    .sort((a, b) => b.picture.size - a.picture.size)
  let size = pictures.reduce((sum, { picture }) => sum + picture.size, 0)
  return pictures.filter(({ picture }) => {
    const by = size > direct
    if (by) size -= picture.size
    return by
  })
}

// upload returns the id of the upload with a picture, and records it in known; undefined if the server
// has no uploads.
async function upload(known, field, picture, options) {
  let at = known[field]
  if (at?.picture !== picture || (!at.done && Date.now() > at.until)) {
    try {
      const { upload_id: id, url, headers } = await askForUpload(picture.size, options.signal)
      at = known[field] = { picture, id, url, headers, until: Date.now() + fresh }
    } catch (err) {
      unavailable = err.status === 404
      if (unavailable) return
      throw err
    }
  }
  if (!at.done) {
    const { status } = await send('PUT', at.url, picture, at.headers, options) // without the API's key
    at.done = status === 200 || status === 412 // 412: it was stored before, and the response was lost
    if (!at.done) {
      delete known[field]
      throw new Problem('The storage for large pictures refused it.', { status }) // temporary from 500 on
    }
  }
  return at.id
}
