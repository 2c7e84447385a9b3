// The list of pictures, page by page: the API's, or a site's manifests, which
// differ in how they name the next page.

const patience = 20_000 // milliseconds for an answer
const most = 60 // manifests without anything new that are read in a row unasked: all their jobs may have been erased
const search = 10 // how many of these a page of the API counts for: the server has searched for it
const ahead = 5 // pages that are read for what is new, beyond the first

// A Trouble is why there is no page, in words for people.
export class Trouble extends Error {
  constructor(message, status = 0) {
    super(message)
    this.status = status
  }
}

async function fetchPage(address) {
  let answer
  try {
    // A server that says nothing of caching is asked all the same.
    answer = await fetch(address, { cache: 'no-cache', signal: AbortSignal.timeout(patience) })
  } catch {
    throw new Trouble(navigator.onLine ? 'The server can’t be reached.' : 'You are offline.')
  }
  if (!answer.ok) throw new Trouble(`The server answers with an error (HTTP ${answer.status}).`, answer.status)
  try {
    const page = await answer.json()
    const jobs = page.jobs.filter((j) => j.public && j.state === 'succeeded' && j.result?.url)
    return { jobs, next: next(page), effort: page.next_cursor ? search : 1 }
  } catch {
    throw new Trouble('The server answers with something else than a list.')
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

// missing: what S3 answers, by its settings, where there is nothing.
const missing = (err) => err.status === 404 || err.status === 403

async function firstPage() {
  try {
    return await fetchPage(start)
  } catch (err) {
    if (missing(err)) return { jobs: [], next: null, effort: 1 }
    throw err
  }
}

// reader goes through the pages. Its more answers the jobs that isNew has not
// seen: of the next page that has any, or none, where atEnd says whether that is
// since there are no more. After an error it can be called again.
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
          at = undefined // that page was emptied or divided, and is gone: from the first on there is another way
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

// newest reads from the beginning on until there is something known. It answers
// all jobs down to an id, which is empty where the list ends.
export async function newest(isNew) {
  let page = await firstPage()
  const jobs = page.jobs
  for (let read = 0; read < ahead && page.next && jobs.every((j) => isNew(j.id)); read++) {
    page = await fetchPage(page.next)
    jobs.push(...page.jobs)
  }
  return { jobs, downTo: page.next ? (jobs.at(-1)?.id ?? '~') : '' } // no id comes after ~
}
