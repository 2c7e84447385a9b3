// The gallery: a grid of painted pictures, newest first, that grows while the user scrolls and when
// pictures are finished.

import { newest, reader } from './gallery-list.js'
import { lightbox } from './gallery-lightbox.js'
import { styleOf } from './gallery-words.js'

const every = 10_000 // milliseconds between two requests for new pictures
const farthest = 20 // largest number of further pages to search for a linked picture

const $ = (id) => document.getElementById(id)
const grid = $('grid')

const jobs = [] // newest first: ids begin with the time
const tiles = new Map() // by id
let waiting = [] // new jobs that are not shown yet because the user has scrolled down
let troubled // the failed action, to be repeated

const isNew = (id) => !tiles.has(id)
const list = reader(isNew)
const at = (id) => jobs.findIndex((j) => j.id === id)

// ---- Tiles

function add(job) {
  if (!isNew(job.id)) return
  const tile = document.createElement('li')
  const link = document.createElement('a')
  const img = new Image(job.result.width, job.result.height) // with its size, so that its place is reserved
  link.href = `#${job.id}`
  link.addEventListener('click', box.enter)
  img.alt = `${styleOf(job)}, ${new Date(job.finished_at).toLocaleDateString()}`
  img.loading = 'lazy'
  img.decoding = 'async'
  img.addEventListener('load', () => img.classList.add('there'))
  const sources = [job.result.thumbnail_url, job.result.url].filter(Boolean) // older ones have no thumbnail
  img.addEventListener('error', () => {
    if (sources.length) img.src = sources.shift()
    else missed(job, img)
  })
  img.src = sources.shift()
  link.append(img)
  tile.append(link)
  tiles.set(job.id, tile)
  const place = jobs.findIndex((j) => j.id < job.id)
  if (place < 0) {
    jobs.push(job)
    grid.append(tile)
  } else {
    tiles.get(jobs[place].id).before(tile)
    jobs.splice(place, 0, job)
  }
}

function remove(id) {
  const tile = tiles.get(id)
  if (!tile) return
  const hadFocus = tile.contains(document.activeElement)
  const heir = tile.nextElementSibling ?? tile.previousElementSibling
  tiles.delete(id)
  jobs.splice(at(id), 1)
  tile.remove()
  if (hadFocus) heir?.firstElementChild.focus()
  if (!jobs.length && list.atEnd) show('empty')
}

// missed handles a picture that failed to load: an erased one is removed, and one that is unavailable at
// the moment keeps its place.
async function missed(job, img) {
  try {
    const answer = await fetch(img.src, { method: 'HEAD' })
    if ([403, 404, 409, 410].includes(answer.status)) return remove(job.id)
  } catch {}
  img.classList.add('missed')
}

function again() {
  for (const img of grid.querySelectorAll('.missed')) {
    img.classList.remove('missed')
    img.src = img.src // loads it again
  }
}

// ---- States

function show(state) {
  document.body.dataset.state = state
  grid.setAttribute('aria-busy', state === 'loading')
  $('status').textContent = { loading: 'Loading', empty: 'Nothing here yet', shown: `${jobs.length} pictures` }[state] ?? ''
}

// fail shows an error, and offers to repeat the action.
function fail(err, what) {
  troubled = what
  $('trouble').textContent = err.message
  $('notice').hidden = false
  if (!jobs.length) show('failed')
}

function recovered() {
  troubled = undefined
  $('notice').hidden = true
  again()
}

// ---- Pages

let reading // the promise of the page that is being read

function more() {
  reading ??= readMore().finally(() => { reading = undefined })
  return reading
}

async function readMore() {
  if (list.atEnd) return
  if (!jobs.length) show('loading')
  $('more').setAttribute('aria-busy', true)
  try {
    const before = jobs.length
    for (const job of await list.more()) add(job)
    recovered()
    show(jobs.length ? 'shown' : list.atEnd ? 'empty' : 'shown')
    if (jobs.length > before) observe()
  } catch (err) {
    fail(err, more)
  }
  $('more').setAttribute('aria-busy', false)
  $('more').hidden = list.atEnd || Boolean(troubled)
  box.refresh()
}

// The next page is read before the end becomes visible. After a page without new jobs, only the button
// reads on.
const end = new IntersectionObserver(([e]) => e.isIntersecting && !troubled && more(), { rootMargin: '800px' })

function observe() {
  end.disconnect()
  end.observe($('more')) // it calls at once, in case the screen is not full yet
}

$('more').addEventListener('click', async () => {
  const before = jobs.length
  await reading // it may have no new jobs, and the button was pressed
  if (jobs.length === before) more()
})
$('retry').addEventListener('click', async () => {
  await troubled?.()
  box.follow() // a link may refer to a picture that was not there
})

// ---- New pictures

let looking

async function look() {
  if (document.hidden || looking || reading || document.body.dataset.state === 'failed') return
  looking = true
  try {
    const { jobs: found, downTo } = await newest(isNew)
    const ids = new Set(found.map((j) => j.id))
    for (const { id } of jobs.filter((j) => j.id >= downTo && !ids.has(j.id))) remove(id) // erased
    waiting = found.filter((j) => isNew(j.id))
    if (scrollY < innerHeight / 2) reveal()
    announce()
    again()
  } catch {} // the next attempt, or an action of the user, shows the error
  looking = false
}

function announce() {
  $('fresh').hidden = !waiting.length
  $('fresh').textContent = waiting.length === 1 ? '1 new picture' : `${waiting.length} new pictures`
}

function reveal() {
  for (const job of waiting.splice(0)) add(job)
  if (jobs.length) show('shown')
  box.refresh()
}

$('fresh').addEventListener('click', () => {
  reveal()
  announce()
  scrollTo({ top: 0 })
  grid.querySelector('a').focus({ preventScroll: true })
})
setInterval(look, every)
document.addEventListener('visibilitychange', look)
addEventListener('offline', () => fail(new Error('You are offline.'), jobs.length ? look : more))
addEventListener('online', () => {
  const what = troubled
  recovered()
  what?.()
})

// ---- One picture

const box = lightbox({
  async find(id) {
    if (jobs[0]?.id < id) {
      await look()
      reveal()
      announce()
    }
    for (let n = 0; n < farthest && isNew(id) && !list.atEnd && !(jobs.at(-1)?.id < id) && !troubled; n++) await more()
    if (isNew(id) && troubled) throw new Error('not found out')
    return jobs[at(id)]
  },
  beside(job, places) {
    const place = at(job.id)
    if (place < 0) return undefined
    if (places > 0 && place + 3 > jobs.length && !list.atEnd && !troubled) more()
    return jobs[place + places]
  },
  onClose(job) {
    tiles.get(job.id)?.firstElementChild.focus()
  },
})

await more()
box.follow()
