// The page around the verifier: it takes files and text, and shows what the module finds. It makes no request, and whatever
// comes from a file becomes text, never markup.
(() => {
  'use strict';

  // Longest file that is read, in bytes; the module has limits of its own for each kind.
  const LONGEST = 64 * 1024 * 1024;
  const HEADS = {
    holds: 'It holds',
    open: 'Not settled',
    false: 'It does not hold',
    unreadable: 'Nothing was verified',
  };
  const MARKS = { true: ['mark-yes', 'holds'], false: ['mark-no', 'does not hold'], null: ['mark-none', 'not shown'] };
  const NAMES = { receipt: 'receipt', proof: 'proof of a chain', header: 'header', headers: 'headers', spec: 'chain spec', empty: 'empty' };
  const EMPTY = new Uint8Array();

  const byId = (id) => document.getElementById(id);
  const [form, files, text, trusted, check] = ['form', 'files', 'text', 'trusted', 'check'].map(byId);
  const [chosen, verdict, details, drop] = ['chosen', 'verdict', 'details', 'drop'].map(byId);

  let ready = false;
  // Whether files are being read: until then there is nothing to verify.
  let reading = false;
  let input = EMPTY;
  let spec = EMPTY;
  // What was chosen last counts, whichever file is read first.
  let generation = 0;

  const element = (name, content, className) => {
    const made = document.createElement(name);
    if (typeof content === 'string') made.textContent = content;
    else if (content) made.append(...content);
    if (className) made.className = className;
    return made;
  };

  const setVerdict = (state, ...content) => {
    verdict.className = `verdict ${state}`;
    verdict.replaceChildren(...content);
    details.replaceChildren();
  };

  const allow = () => {
    check.disabled = !ready || reading || (input.length === 0 && text.value.trim() === '');
  };

  const idle = () => {
    allow();
    setVerdict('empty', element('p', 'Nothing was verified yet. Choose a file, type the id that you trust, and press Verify.'));
  };

  const show = (report) => {
    const lines = [element('strong', HEADS[report.verdict]), element('p', `${report.what}. ${report.summary}`)];
    if (report.fault) {
      const { rule, field, why } = report.fault;
      lines.push(element('p', rule ? `Rule ${rule}, ${field}: ${why}` : `${field}: ${why}`));
    }
    setVerdict(report.verdict, ...lines);
    const parts = [];
    if (report.facts.length > 0) {
      parts.push(element('h3', report.verdict === 'holds' ? 'What it shows' : 'What it contains'));
      parts.push(element('dl', report.facts.flatMap(([name, value]) => [element('dt', name), element('dd', value)])));
    }
    if (report.checks.length > 0) {
      parts.push(element('h3', 'What was checked'));
      const rows = report.checks.map(({ title, meaning, holds }) => {
        const [className, mark] = MARKS[holds];
        return element('li', [element('strong', `${title}: `), element('em', mark, className), element('span', meaning)]);
      });
      parts.push(element('ul', rows, 'checks'));
    }
    if (report.trust.length > 0) {
      parts.push(element('h3', 'Taken on trust'));
      parts.push(element('ul', report.trust.map((line) => element('li', line))));
    }
    details.replaceChildren(...parts);
  };

  const failed = (why) => setVerdict('unreadable', element('strong', HEADS.unreadable), element('p', why));

  // The files with what they are, or in one sentence why they are not taken.
  const read = async (list) => {
    const found = [];
    for (const file of list) {
      if (file.size > LONGEST) throw new Error(`${file.name} has ${file.size} bytes, at most ${LONGEST} are read.`);
      let bytes;
      try {
        bytes = new Uint8Array(await file.arrayBuffer());
      } catch (error) {
        throw new Error(`${file.name} could not be read: ${error.message}`);
      }
      found.push({ name: file.name, bytes, kind: wasm_bindgen.kind(bytes) });
    }
    // A verdict is about one thing; of two, none but the page would know about which.
    for (const group of [found.filter(({ kind }) => kind === 'spec'), found.filter(({ kind }) => kind !== 'spec')]) {
      if (group.length > 1) {
        const names = group.map(({ name, kind }) => `${name} (${NAMES[kind]})`).join(', ');
        throw new Error(`Choose one thing to verify, with at most one chain spec beside it. These are too many: ${names}.`);
      }
    }
    return found;
  };

  const take = async (list) => {
    const mine = ++generation;
    reading = true;
    [input, spec] = [EMPTY, EMPTY];
    chosen.replaceChildren();
    allow();
    setVerdict('empty', element('p', 'Reading…'));
    let found;
    let wrong;
    try {
      await prepared;
      found = await read(list);
    } catch (error) {
      wrong = error;
    }
    // Something else was chosen meanwhile: what this came to, good or bad, is not about that.
    if (mine !== generation) return;
    reading = false;
    if (wrong) {
      allow();
      return failed(wrong.message);
    }
    for (const { name, bytes, kind } of found) {
      if (kind === 'spec') spec = bytes;
      else input = bytes;
      chosen.append(element('li', `${name}: ${NAMES[kind]}, ${bytes.length} bytes`));
    }
    idle();
  };

  files.addEventListener('change', () => take([...files.files]));
  for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
    // A file that is dropped beside the field would take the page's place.
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle('over', name === 'dragenter' || name === 'dragover');
      if (name === 'drop' && event.dataTransfer.files.length > 0) take([...event.dataTransfer.files]);
    });
  }
  // A verdict is about what was there when it was given.
  for (const field of [text, trusted]) field.addEventListener('input', () => ready && idle());

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (check.disabled) return;
    if (input.length > 0 && text.value.trim() !== '') {
      return failed('There are a file and a pasted text: begin anew, and give one of the two.');
    }
    setVerdict('empty', element('p', 'Verifying…'));
    const mine = ++generation;
    // After the page was drawn: a long proof takes a moment.
    setTimeout(() => {
      if (mine !== generation) return;
      const bytes = text.value.trim() === '' ? input : new TextEncoder().encode(text.value);
      try {
        const now = Math.min(Math.floor(Date.now() / 1000), 0xffffffff);
        show(JSON.parse(wasm_bindgen.verify(bytes, spec, trusted.value, now)));
      } catch (error) {
        check.disabled = true;
        failed(`The verifier ended: ${error.message}. Load this page again.`);
      }
    }, 30);
  });

  byId('anew').addEventListener('click', () => {
    generation += 1;
    reading = false;
    form.reset();
    chosen.replaceChildren();
    [input, spec] = [EMPTY, EMPTY];
    idle();
    files.focus();
  });

  const module = Uint8Array.from(atob(byId('module').textContent), (c) => c.charCodeAt(0));
  // What is chosen before the verifier can run waits for it.
  const prepared = WebAssembly.compile(module).then(
    (module) => {
      wasm_bindgen.initSync({ module });
      ready = true;
      if (!reading) idle();
    },
    (error) => {
      throw new Error(`This browser cannot run the verifier: ${error.message}`);
    },
  );
  prepared.catch((error) => reading || failed(error.message));
})();
