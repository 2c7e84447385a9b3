// Submits a form to the API. A large picture is put in S3 first, where the server has a
// place for it: one behind AWS Lambda takes no more than 4.5 MB.

import { askForUpload, post, Problem, send } from './api.js'

const direct = 4_000_000 // bytes of pictures that are sent with their form
const fresh = 10 * 60_000 // milliseconds for which an address is used; it stands for 15 minutes

let unavailable = false // the server has no place for uploads: it answered 404
const uploads = new WeakMap() // by picture: {id, url, headers, until, done}

// submit answers the job. It can be repeated with the same form and key: what has arrived
// is not sent again.
export async function submit(form, idempotencyKey, options) {
  const picture = form.get('image')
  const size = picture.size + (form.get('style_image')?.size ?? 0)
  for (let tries = 1; size > direct && !unavailable; tries++) {
    const id = await upload(picture, options)
    if (!id) break
    const rest = new FormData()
    for (const [name, value] of form) if (name !== 'image') rest.append(name, value)
    rest.set('upload_id', id)
    try {
      const job = await post(rest, idempotencyKey, { ...options, onProgress() {} })
      uploads.delete(picture)
      return job
    } catch (err) {
      if (!/^upload_(taken|expired|not_found|incomplete)$/.test(err.code) || tries === 3) throw err
      uploads.delete(picture)
    }
  }
  return post(form, idempotencyKey, options)
}

// upload answers the id of the upload that holds a picture; undefined where the server has
// no place for one.
async function upload(picture, options) {
  let known = uploads.get(picture)
  if (!known || (!known.done && Date.now() > known.until)) {
    try {
      const { upload_id: id, url, headers } = await askForUpload(picture.size, options.signal)
      known = { id, url, headers, until: Date.now() + fresh }
      uploads.set(picture, known)
    } catch (err) {
      unavailable = err.status === 404
      if (unavailable) return
      throw err
    }
  }
  if (!known.done) {
    const { status } = await send('PUT', known.url, picture, known.headers, options) // without the API's key
    known.done = status === 200 || status === 412 // it had arrived before, and the answer was lost
    if (!known.done) {
      uploads.delete(picture)
      throw new Problem('The store for large pictures refuses it.', { status }) // temporary from 500 on
    }
  }
  return known.id
}
