// The API's pictures, as addresses for an img. With an API key they are fetched
// under it and held by the browser, until they are let go.

import { Problem, getPicture } from './api.js'
import { keyMissing, keyHeld } from './key.js'

const ours = new Set() // the addresses of what is held

async function address(path, signal) {
  if (!keyHeld() && !keyMissing()) return path
  const src = URL.createObjectURL(await getPicture(path, signal))
  ours.add(src)
  return src
}

// letGo of an address that is shown no more; any other address is left alone.
export function letGo(src) {
  if (ours.delete(src)) URL.revokeObjectURL(src)
}

// load answers the address of a picture that is ready to be shown, with its
// size.
export async function load(path, signal) {
  const src = await address(path, signal)
  const image = new Image()
  image.src = src
  try {
    await image.decode()
  } catch {
    letGo(src)
    throw new Problem('The picture can’t be fetched.') // an img doesn't say why
  }
  return { src, width: image.naturalWidth, height: image.naturalHeight }
}

// What has to be fetched waits until its place is in sight, as loading=lazy has the
// browser do with an address.
const seen = new WeakMap() // what to do then, by the place
const insight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue
    insight.unobserve(target)
    seen.get(target)()
  }
})

// onceSeen acts when a place is in sight, unless it is told of another act before.
export function onceSeen(place, act) {
  seen.set(place, act)
  insight.observe(place)
}

// showIn puts a picture into an img, in place of what is there, once that is in
// sight.
export function showIn(img, path) {
  if (img.dataset.path === path) return
  img.dataset.path = path
  onceSeen(img, () => fill(img))
}

async function fill(img) {
  const { path } = img.dataset
  let src
  try {
    src = await address(path)
  } catch {
    if (img.dataset.path === path) delete img.dataset.path // the place stays as it is until somebody asks again
    return
  }
  if (img.dataset.path !== path) return letGo(src) // another was asked for meanwhile
  letGo(img.src)
  img.onerror = () => vacate(img)
  img.src = src
}

// vacate lets go of what an img shows, and of what it was about to show.
export function vacate(img) {
  insight.unobserve(img)
  delete img.dataset.path
  letGo(img.src)
  img.removeAttribute('src')
}
