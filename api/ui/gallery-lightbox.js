// One picture as large as it fits. Which one is named by the fragment, so that a
// link and the back button lead to it.

import { factsOf, styleOf } from './gallery-words.js'

const $ = (id) => document.getElementById(id)
const dialog = $('lightbox')

// saved is the address to save a picture from. The API may send on to another
// server, where a link's download attribute counts for nothing; a site's pictures
// are its own.
const saved = (url) => (url.endsWith('/result') ? `${url}?download=true` : url)

// lightbox shows what the fragment names. find answers a job by its id, looking
// for it where it must, or none, or throws; beside the job that is by places after it, or
// none; onClose is told which was shown last.
export function lightbox({ find, beside, onClose }) {
  let shown // the job
  let entered = false // by a link of this page, so that the way out is back

  const named = () => location.hash.slice(1)

  async function follow() {
    const id = named()
    let job
    try {
      job = id && (shown?.id === id ? shown : await find(id))
    } catch {
      return // it is not known whether there is one
    }
    if (id !== named()) return // the person went on meanwhile
    if (job) show(job)
    else {
      if (id) forget()
      hide()
    }
  }

  // forget takes the fragment out of the address.
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

  // mark says where there is no other. The button stays, since it may have the
  // focus.
  function mark(button, job) {
    button.setAttribute('aria-disabled', !job)
    if (job) new Image().src = job.result.url // likely the next to be shown
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
    if (entered) history.back() // and hashchange hides
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

  dialog.addEventListener('close', () => dialog.open || leave()) // by Escape, unless it is open again by now
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
    if (visualViewport.scale > 1) return // the picture was moved about
    const moved = e.changedTouches[0].clientX - from // not a number after two fingers
    if (Math.abs(moved) > 50) step(moved < 0 ? 1 : -1)
  })
  addEventListener('hashchange', follow)

  return {
    follow,
    enter(e) {
      entered = !(e.ctrlKey || e.metaKey || e.shiftKey) // those open it elsewhere
    },
    // refresh finds out anew what is beside the picture.
    refresh() {
      if (shown) show(shown)
    },
  }
}
