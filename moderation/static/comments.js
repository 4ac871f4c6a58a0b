// Comments on a page of its own: list, form and a look before sending. One script, no cookies, nothing kept.
//   <div id="comments"></div>
//   <script src="https://moderation.example/static/comments.js" data-site="mypaper" defer></script>
(() => {
  const script = document.currentScript
  const set = script.dataset
  const place = document.getElementById(set.into || 'comments')
  const base = new URL('/forms/' + encodeURIComponent(set.site), script.src).href
  const article = set.article || location.pathname
  const lang = (set.lang || document.documentElement.lang || 'en').toLowerCase().startsWith('de') ? 'de' : 'en'
  const say = {
    de: {
      comments: 'Kommentare', none: 'Noch hat niemand etwas geschrieben.', write: 'Schreib einen Kommentar',
      name: 'Name', email: 'E-Mail (wird nicht gezeigt, freiwillig)', text: 'Kommentar', send: 'Absenden',
      answer: 'Antworten', to: 'Antwort an', back: 'Doch keine Antwort', someone: 'Jemand',
      wait: 'Wird gesendet …', thanks: 'Danke! Dein Kommentar erscheint, sobald die Redaktion ihn gelesen hat.',
      doubt: 'Würdest du das auch von Angesicht zu Angesicht sagen?', rule: 'In unserer Hausordnung steht:',
      words: 'Es geht um:', edit: 'Noch einmal ändern', anyway: 'Trotzdem absenden',
      away: 'Das hat nicht geklappt. Dein Text steht noch da; versuch es gleich noch einmal.',
      gone: 'Die Kommentare sind gerade nicht zu erreichen.', often: 'Das war sehr schnell hintereinander. Warte eine Minute.',
      empty: 'Schreib erst etwas.', trap: 'Dieses Feld bitte leer lassen', closed: 'Unter diesem Artikel kann man nicht mehr kommentieren.',
    },
    en: {
      comments: 'Comments', none: 'Nobody has written anything yet.', write: 'Write a comment',
      name: 'Name', email: 'E-mail (not shown, optional)', text: 'Comment', send: 'Send',
      answer: 'Answer', to: 'Answer to', back: 'No answer after all', someone: 'Somebody',
      wait: 'Sending …', thanks: 'Thank you! Your comment appears as soon as an editor has read it.',
      doubt: 'Would you say that to their face?', rule: 'Our house rules say:',
      words: 'It is about:', edit: 'Change it', anyway: 'Send it anyway',
      away: 'That did not work. Your text is still there; try again in a moment.',
      gone: 'The comments cannot be reached just now.', often: 'That was very quick. Wait a minute.',
      empty: 'Write something first.', trap: 'Leave this field empty', closed: 'Comments here are closed.',
    },
  }[lang]

  const make = (tag, properties = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), properties)
    made.append(...inside)
    return made
  }

  const look = new CSSStyleSheet()
  look.replaceSync(`
    .ho{line-height:1.5}.ho ol{list-style:none;margin:0;padding:0}.ho li ol{padding-inline-start:1.25rem;border-inline-start:2px solid}
    .ho article{margin:0 0 1.25rem;overflow-wrap:anywhere}.ho article p{margin:.25rem 0;white-space:pre-line}
    .ho article h3{display:inline;font-size:1em;margin:0}.ho time{opacity:.75;margin-inline-start:.5em}
    .ho form{display:grid;gap:.75rem;max-width:36rem}.ho form>p{margin:0}.ho label{display:grid;gap:.25rem}
    .ho input,.ho textarea,.ho button{font:inherit;padding:.5rem;box-sizing:border-box;min-height:2.75rem}
    .ho textarea{min-height:8rem;resize:vertical}.ho .ho-trap{position:absolute;inset-inline-start:-9999px}
    .ho .ho-doubt{border:2px solid;padding:.75rem 1rem}.ho .ho-doubt p{margin:.25rem 0 .75rem}
    .ho .ho-row{display:flex;flex-wrap:wrap;gap:.5rem}.ho button{cursor:pointer;padding-inline:1rem}
    .ho .ho-plain{min-height:0;padding:.25rem 0;border:0;background:none;color:inherit;text-decoration:underline}
    .ho [role=status]:empty{display:none}.ho :focus-visible{outline:3px solid;outline-offset:2px}`)
  document.adoptedStyleSheets.push(look)

  const ask = (path, options = {}) =>
    fetch(base + path, { credentials: 'omit', headers: { Accept: 'application/json' }, ...options })

  const name = make('input', { name: 'fields[name]', autocomplete: 'name', maxLength: 255 })
  const email = make('input', { name: 'fields[email]', type: 'email', autocomplete: 'email', maxLength: 320 })
  const text = make('textarea', { name: 'fields[message]', required: true, maxLength: 20000 })
  const trap = make('input', { name: 'fields[hidden]', tabIndex: -1, autocomplete: 'off' })
  const send = make('button', { type: 'submit', textContent: say.send })
  const status = make('p', { role: 'status' })
  const parent = make('p', { hidden: true })
  const doubt = make('div', { className: 'ho-doubt', hidden: true, tabIndex: -1, role: 'group', ariaLabel: say.doubt })
  const hidden = make('label', { className: 'ho-trap', ariaHidden: true }, say.trap, trap)
  const form = make('form', { noValidate: true, ariaLabel: say.write }, parent, make('label', {}, say.name, name),
    make('label', {}, say.email, email), make('label', {}, say.text, text), hidden, doubt,
    make('div', { className: 'ho-row' }, send), status)
  const list = make('ol')
  const none = make('p', { hidden: true, textContent: say.none })
  const heading = make('h2', { textContent: say.write })
  const root = make('section', { className: 'ho', lang, ariaLabel: say.comments }, make('h2', { textContent: say.comments }), none, list, heading, form)
  place.replaceChildren(root)
  let answered = null
  let asksWork = false

  const answerTo = comment => {
    answered = comment
    parent.hidden = !comment
    if (comment) {
      const back = make('button', { type: 'button', className: 'ho-plain', textContent: say.back, onclick: () => answerTo() })
      parent.replaceChildren(`${say.to} ${comment.name || say.someone} · `, back)
      text.focus()
    }
  }

  const entry = comment => {
    const at = new Date(comment.submitted_at)
    const time = make('time', { dateTime: comment.submitted_at })
    time.textContent = at.toLocaleString(lang, { dateStyle: 'long', timeStyle: 'short' })
    const answer = make('button', { type: 'button', className: 'ho-plain', textContent: say.answer, onclick: () => answerTo(comment) })
    answer.ariaLabel = `${say.answer}: ${comment.name || say.someone}`
    return make('li', {}, make('article', {}, make('h3', { textContent: comment.name || say.someone }), time,
      make('p', { textContent: comment.text }), answer))
  }

  const show = async () => {
    const known = new Map()
    let after = 0
    do {
      const said = await (await ask(`/comments?article=${encodeURIComponent(article)}&after=${after}`)).json()
      asksWork = said.work
      for (const comment of said.comments) {
        const item = entry(comment)
        const above = known.get(comment.parent_id)
        if (above && !above.answers) above.item.append(above.answers = make('ol'))
        ;(above ? above.answers : list).append(item)
        known.set(comment.id, { item })
      }
      after = said.next
      if (said.closed) heading.textContent = say.closed
    } while (after)
    none.hidden = known.size > 0
    if (heading.textContent !== say.write) root.querySelectorAll('form, article button').forEach(one => one.remove())
  }

  // ALTCHA: the number whose hash with the salt is the challenge.
  const work = async () => {
    const asked = await (await ask('/work')).json()
    const bytes = new TextEncoder()
    for (let number = 0; number <= asked.maxNumber; number++) {
      const hash = await crypto.subtle.digest(asked.algorithm, bytes.encode(asked.salt + number))
      const hex = Array.from(new Uint8Array(hash), byte => byte.toString(16).padStart(2, '0')).join('')
      if (hex === asked.challenge) return btoa(JSON.stringify({ ...asked, number }))
    }
    throw new Error('no number fits')
  }

  const doubtful = async () => {
    const body = new URLSearchParams({ text: text.value, article, language: lang })
    const answer = await ask('/preview', { method: 'POST', body, signal: AbortSignal.timeout(4000) })
    const said = answer.ok ? await answer.json() : {}
    if (!said.rule) return false
    const edit = make('button', { type: 'button', textContent: say.edit, onclick: () => { doubt.hidden = true; send.hidden = false; text.focus() } })
    const anyway = make('button', { type: 'button', textContent: say.anyway, onclick: deliver })
    const words = said.quotes.length ? [make('p', {}, `${say.words} `, make('q', { textContent: said.quotes.join(' … ') }))] : []
    doubt.replaceChildren(make('strong', { textContent: say.doubt }), make('p', {}, `${say.rule} `,
      make('b', { textContent: said.rule.title }), make('br'), said.rule.text), ...words,
      make('div', { className: 'ho-row' }, edit, anyway))
    doubt.hidden = false
    send.hidden = true
    status.textContent = ''
    doubt.focus()
    return true
  }

  const deliver = async () => {
    status.textContent = say.wait
    send.disabled = true
    try {
      const body = new URLSearchParams(new FormData(form))
      body.set('options[slug]', article)
      body.set('options[origin]', location.href.split('#')[0])
      body.set('options[title]', document.title)
      if (answered) body.set('options[parent]', answered.id)
      if (asksWork) body.set('altcha', await work())
      const answer = await ask('', { method: 'POST', body })
      if (!answer.ok) throw answer
      text.value = ''
      doubt.hidden = true
      answerTo(null)
      status.textContent = say.thanks
    } catch (problem) {
      status.textContent = { 409: say.closed, 429: say.often }[problem.status] || (problem.status === 422 ? `${say.away} (${(await problem.json()).detail})` : say.away)
    }
    send.hidden = false
    send.disabled = false
  }

  form.onsubmit = async event => {
    event.preventDefault()
    if (!text.value.trim()) { status.textContent = say.empty; text.focus(); return }
    status.textContent = say.wait
    if (!await doubtful().catch(() => false)) await deliver()
  }

  show().catch(() => { none.hidden = false; none.textContent = say.gone })
})()
