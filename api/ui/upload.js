// Takes pictures from the user: chosen, dropped anywhere on the page, or pasted. They are checked here,
// so that pictures that the server would refuse need not be sent.

const maxBytes = 20 * 2 ** 20
const most = 100 // pictures at a time
const types = document.querySelector('#file').accept.split(',')

// picker calls onPicture with {file, url, thumb, width, height} for each accepted picture, in order, and
// onRefused with sentences about the others. zone is highlighted during a drag; of the files dropped on
// or pasted into own, onOwn gets the first.
export function picker({ input, zone, own, onPicture, onOwn, onRefused }) {
  const takeAll = async (files) => {
    const refused = []
    for (const [i, file] of files.slice(0, most).entries()) {
      try {
        onPicture(await open(file), i === 0)
      } catch (err) {
        refused.push(err.message)
      }
    }
    const more = files.length > most ? [`At most ${most} pictures can be added at a time; the others were left out.`] : []
    const shown = refused.slice(0, 3)
    if (refused.length > 3) shown.push(`${refused.length - 3} more were refused.`)
    if (shown.length + more.length > 0) onRefused([...shown, ...more].join('\n'))
  }
  const takeOwn = async (file) => {
    try {
      onOwn(await open(file))
    } catch (err) {
      onRefused(err.message)
    }
  }
  const take = (files, forOwn) => {
    if (files.length === 0) return
    if (forOwn) takeOwn(files[0])
    else takeAll([...files])
  }

  for (const from of [input, own.querySelector('[type=file]')]) {
    from.addEventListener('change', () => {
      take([...from.files], from !== input)
      from.value = '' // so that choosing the same file again is a change
    })
  }

  const carriesFiles = (e) => e.dataTransfer?.types.includes('Files')
  const mark = (target) => {
    const onOwn = own.contains(target)
    own.classList.toggle('over', onOwn)
    zone.classList.toggle('over', Boolean(target) && !onOwn)
  }
  addEventListener('dragover', (e) => {
    if (!carriesFiles(e)) return
    e.preventDefault()
    e.dataTransfer.dropEffect = 'copy'
    mark(e.target)
  })
  addEventListener('dragleave', (e) => {
    if (!e.relatedTarget) mark(null) // it left the window
  })
  addEventListener('drop', (e) => {
    if (!carriesFiles(e)) return
    e.preventDefault() // or the browser leaves the page to show the file
    mark(null)
    take(e.dataTransfer.files, own.contains(e.target))
  })
  addEventListener('paste', (e) => take(e.clipboardData?.files ?? [], own.matches(':hover, :focus-within')))
}

// open checks a file and reads its size before it is shown, so that the page can reserve its place.
export async function open(file) {
  if (!types.includes(file.type)) {
    throw new Error(`${named(file)} is not a ${document.documentElement.dataset.formats}. Save or export it as one of these and choose it again.`)
  }
  if (file.size > maxBytes) {
    throw new Error(
      `${named(file)} has ${(file.size / 2 ** 20).toFixed(1)} MiB; at most 20 MiB can be sent. ` +
        'Save it smaller, or as a JPEG, and choose it again.',
    )
  }
  const url = URL.createObjectURL(file)
  const image = new Image()
  image.src = url
  try {
    await image.decode()
    const { naturalWidth: width, naturalHeight: height } = image
    return { file, url, thumb: await shrink(image, width, height), width, height }
  } catch {
    URL.revokeObjectURL(url)
    throw new Error(`${named(file)} can’t be opened as a picture. Open it in a viewer, save it again and choose that.`)
  }
}

// close releases a picture that is no longer needed.
export function close({ url, thumb }) {
  URL.revokeObjectURL(url)
  URL.revokeObjectURL(thumb)
}

// shrink makes the small picture of the strip: twenty photographs at full size would fill the memory of a
// phone.
async function shrink(image, width, height) {
  const edge = 160
  const scale = Math.max(edge / width, edge / height)
  const canvas = Object.assign(document.createElement('canvas'), { width: edge, height: edge })
  const draw = canvas.getContext('2d')
  draw.imageSmoothingQuality = 'high'
  draw.drawImage(image, (edge - width * scale) / 2, (edge - height * scale) / 2, width * scale, height * scale)
  return URL.createObjectURL(await new Promise((resolve) => canvas.toBlob(resolve)))
}

const named = (file) => (file.name ? `“${file.name}”` : 'That')
