// The API's pictures, as addresses for an img. With an API key they are fetched with it and kept in
// memory until they are released.

import { Problem, getPicture } from './api.js'
import { keyMissing, keyHeld } from './key.js'

const ours = new Set() // the addresses of pictures in memory

async function address(path, signal) {
  if (!keyHeld() && !keyMissing()) return path
  const src = URL.createObjectURL(await getPicture(path, signal))
  ours.add(src)
  return src
}

// letGo releases a picture in memory that is no longer shown; it ignores other addresses.
export function letGo(src) {
  if (ours.delete(src)) URL.revokeObjectURL(src)
}

// load returns the address of a picture that is ready to be shown, and its size.
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

// Pictures to be fetched wait until their place is visible, as with loading=lazy for addresses.
const seen = new WeakMap() // the action then, by the place
const insight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue
    insight.unobserve(target)
    seen.get(target)()
  }
})

// onceSeen calls act when a place becomes visible, unless it is called with another act before.
export function onceSeen(place, act) {
  seen.set(place, act)
  insight.observe(place)
}

// showIn replaces the picture of an img when that is visible.
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
    if (img.dataset.path === path) delete img.dataset.path // the place is unchanged until the next call
    return
  }
  if (img.dataset.path !== path) return letGo(src) // another was requested in the meantime
  letGo(img.src)
  img.onerror = () => vacate(img)
  img.src = src
}

// vacate releases the picture that an img shows or is about to show.
export function vacate(img) {
  insight.unobserve(img)
  delete img.dataset.path
  letGo(img.src)
  img.removeAttribute('src')
}
