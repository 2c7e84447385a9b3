// The list of pictures, page by page: the API's, or a site's manifests, which differ in how they refer
// to the next page.

const timeout = 20_000 // milliseconds for a response
const most = 60 // manifests without new jobs that are read in a row automatically: all their jobs may have been erased
const search = 10 // the number of manifests that a page of the API counts as, because the server searches for it
const ahead = 5 // pages after the first that are read for new jobs

// A Trouble is the error for a page that can't be read, with a message for users.
export class Trouble extends Error {
  constructor(message, status = 0) {
    super(message)
    this.status = status
  }
}

async function fetchPage(address) {
  let answer
  try {
    // no-cache: also for servers that send no caching headers.
    answer = await fetch(address, { cache: 'no-cache', signal: AbortSignal.timeout(timeout) })
  } catch {
    throw new Trouble(navigator.onLine ? 'The server can’t be reached.' : 'You are offline.')
  }
  if (!answer.ok) throw new Trouble(`The server responded with an error (HTTP ${answer.status}).`, answer.status)
  try {
    const page = await answer.json()
    const jobs = page.jobs.filter((j) => j.public && j.state === 'succeeded' && j.result?.url)
    return { jobs, next: next(page), effort: page.next_cursor ? search : 1 }
  } catch {
    throw new Trouble('The server’s response is not a list of pictures.')
  }
}

function next(page) {
  if (page.next) return page.next
  if (!page.next_cursor) return null
  const address = new URL(start, document.baseURI)
  address.searchParams.set('cursor', page.next_cursor)
  return address.href
}

const start = document.querySelector('meta[name=gallery]').content

// missing reports whether an error is S3's for a missing object, which depends on its settings.
const missing = (err) => err.status === 404 || err.status === 403

async function firstPage() {
  try {
    return await fetchPage(start)
  } catch (err) {
    if (missing(err)) return { jobs: [], next: null, effort: 1 }
    throw err
  }
}

// reader reads the pages in order. more returns the new jobs, according to isNew, of the next page that
// has any; or none, and then atEnd reports whether the list has ended. After an error more can be called
// again.
export function reader(isNew) {
  let at // the next page; undefined is the first, null is none
  return {
    get atEnd() {
      return at === null
    },
    async more() {
      let effort = 0
      while (effort < most && at !== null) {
        let page
        try {
          page = at === undefined ? await firstPage() : await fetchPage(at)
        } catch (err) {
          if (!at || !missing(err)) throw err
          at = undefined // the page was emptied or divided, and removed: start again from the first
          effort++
          continue
        }
        effort += page.effort
        at = page.next
        const jobs = page.jobs.filter((j) => isNew(j.id))
        if (jobs.length) return jobs
      }
      return []
    },
  }
}

// newest reads from the first page until a known job. It returns all jobs down to an id, which is empty
// at the end of the list.
export async function newest(isNew) {
  let page = await firstPage()
  const jobs = page.jobs
  for (let read = 0; read < ahead && page.next && jobs.every((j) => isNew(j.id)); read++) {
    page = await fetchPage(page.next)
    jobs.push(...page.jobs)
  }
  return { jobs, downTo: page.next ? (jobs.at(-1)?.id ?? '~') : '' } // ~ is after all ids
}
