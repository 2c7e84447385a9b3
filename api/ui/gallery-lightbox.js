// One picture as large as it fits. The fragment contains its id, so that links and the back button
// work.

import { factsOf, styleOf } from './gallery-words.js'

const $ = (id) => document.getElementById(id)
const dialog = $('lightbox')

// saved returns the address from which to save a picture. The API may redirect to another server, for
// which browsers ignore a link's download attribute; a site's pictures are at its own origin.
const saved = (url) => (url.endsWith('/result') ? `${url}?download=true` : url)

// lightbox shows the picture of the fragment. find returns a job by its id, after loading more pages if
// necessary, or undefined, or throws; beside returns the job that is some places after another, or
// undefined; onClose gets the job that was shown last.
export function lightbox({ find, beside, onClose }) {
  let shown // the job
  let entered = false // by a link of this page: closing goes back in the history

  const named = () => location.hash.slice(1)

  async function follow() {
    const id = named()
    let job
    try {
      job = id && (shown?.id === id ? shown : await find(id))
    } catch {
      return // whether there is one is unknown
    }
    if (id !== named()) return // the user has gone on in the meantime
    if (job) show(job)
    else {
      if (id) forget()
      hide()
    }
  }

  // forget removes the fragment from the address.
  function forget() {
    history.replaceState(null, '', location.pathname + location.search)
  }

  function show(job) {
    shown = job
    const { result } = job
    $('canvas').style.setProperty('--ratio', result.width / result.height)
    $('canvas').style.setProperty('--wide', result.width)
    $('rough').src = result.thumbnail_url ?? result.url
    $('full').alt = `Painted picture: ${styleOf(job)}`
    $('full').src = result.url
    $('download').href = saved(result.url)
    $('gone').hidden = true
    $('download').hidden = false
    $('caption').textContent = styleOf(job)
    $('facts').textContent = factsOf(job)
    $('download').download = `atelier-${job.id}.${result.content_type.split('/')[1]}`
    mark($('before'), beside(job, -1))
    mark($('after'), beside(job, 1))
    if (!dialog.open) dialog.showModal()
  }

  // mark disables a button if there is no other picture. It stays visible, since it may have the focus.
  function mark(button, job) {
    button.setAttribute('aria-disabled', !job)
    if (job) new Image().src = job.result.url // preload: likely the next one
  }

  function hide() {
    if (!shown) return
    const last = shown
    shown = undefined
    entered = false
    if (dialog.open) dialog.close()
    for (const img of [$('rough'), $('full')]) img.removeAttribute('src')
    onClose(last)
  }

  function leave() {
    if (!shown) return
    if (entered) history.back() // hashchange then hides it
    else {
      forget()
      hide()
    }
  }

  function step(places) {
    const job = shown && beside(shown, places)
    if (!job) return
    history.replaceState(null, '', `#${job.id}`)
    show(job)
  }

  dialog.addEventListener('close', () => dialog.open || leave()) // by Escape, unless it is open again
  dialog.addEventListener('click', (e) => {
    if (e.target.closest('#close') || !e.target.closest('img, figcaption')) leave()
  })
  dialog.addEventListener('keydown', (e) => {
    const places = { ArrowLeft: -1, ArrowRight: 1 }[e.key]
    if (!places || e.altKey || e.ctrlKey || e.metaKey) return
    e.preventDefault()
    step(places)
  })
  $('before').addEventListener('click', () => step(-1))
  $('after').addEventListener('click', () => step(1))
  $('full').addEventListener('error', () => {
    $('gone').hidden = !shown
    $('download').hidden = Boolean(shown)
  })
  let from
  dialog.addEventListener('touchstart', (e) => { from = e.touches.length === 1 ? e.touches[0].clientX : undefined }, { passive: true })
  dialog.addEventListener('touchend', (e) => {
    if (visualViewport.scale > 1) return // the user moved the enlarged picture
    const moved = e.changedTouches[0].clientX - from // NaN after a touch with two fingers
    if (Math.abs(moved) > 50) step(moved < 0 ? 1 : -1)
  })
  addEventListener('hashchange', follow)

  return {
    follow,
    enter(e) {
      entered = !(e.ctrlKey || e.metaKey || e.shiftKey) // which open it in another tab or window
    },
    // refresh determines again which pictures are beside the shown one.
    refresh() {
      if (shown) show(shown)
    },
  }
}
