// What makes the portal handier where scripts run. Nothing here is needed: every page works without.

// A filter is applied as soon as it is chosen; its button is for those without scripts.
for (const form of document.querySelectorAll("form[data-autosubmit]")) {
  form.classList.add("auto");
  for (const select of form.querySelectorAll("select")) {
    select.addEventListener("change", () => form.requestSubmit());
  }
}

// Empty fields stay out of the address.
for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) {
      if (value === "") formData.delete(name);
    }
  });
}

// <input type="checkbox" data-all="name">: ticks all boxes of that name in its form, and shows whether all are ticked.
for (const all of document.querySelectorAll("input[data-all]")) all.hidden = false;
document.addEventListener("change", ({ target }) => {
  const form = target instanceof HTMLInputElement && target.type === "checkbox" && target.form;
  const all = form && form.querySelector("input[data-all]");
  if (!all) return;
  const boxes = [...form.querySelectorAll(`input[name="${all.dataset.all}"]`)];
  if (target === all) for (const box of boxes) box.checked = all.checked;
  const ticked = boxes.filter((box) => box.checked).length;
  all.checked = ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
});

// Menus close when one goes elsewhere.
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});
document.addEventListener("keydown", ({ key, target }) => {
  const menu = key === "Escape" && target instanceof Element && target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// <button data-copy="text">: copies it, and says so.
document.addEventListener("click", async ({ target }) => {
  const button = target instanceof Element && target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = before), 1500);
});

// What is wrong with a form is read out first.
document.getElementById("faults")?.focus();

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A live page follows what happens while it is looked at: the server sends <div data-live> again whenever it changed, and only what
// differs is touched. Focus, ticks, what is unfolded and where one has scrolled to stay.
const region = document.querySelector("[data-live]");
if (region) follow(region, document.querySelector("[data-live-bar]"));

function follow(region, bar) {
  const [state, toggle, status] = ["state", "toggle", "said"].map((part) => bar.querySelector(`[data-live-${part}]`));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const address = new URL(location);
  address.searchParams.delete("done");
  address.hash = "";
  let source, again, latest, telling;
  let paused = false;
  let news = new Map();

  const show = (tone, text) => {
    state.className = `badge ${tone}`;
    state.lastElementChild.textContent = text;
    toggle.textContent = paused ? "Resume" : "Pause";
  };
  const stop = () => {
    source?.close();
    clearTimeout(again);
  };
  const start = () => {
    stop();
    if (paused || document.hidden) return show("idle", "Paused");
    show("idle", "Connecting");
    source = new EventSource(address);
    source.onopen = () => show("good", "Live");
    source.onmessage = ({ data }) => {
      latest = data;
      settle();
    };
    // The session has ended, or what the page is about is gone: reloading says which.
    source.addEventListener("over", () => {
      stop();
      toggle.hidden = true;
      show("warn", "Ended: reload the page");
    });
    source.onerror = ({ target }) => {
      show("idle", "Connecting");
      if (target.readyState === EventSource.CLOSED) again = setTimeout(start, 30_000);
    };
  };

  // Whoever marks something, or has a menu open, isn't disturbed.
  const isBusy = () => {
    const marked = getSelection();
    return (!marked.isCollapsed && marked.containsNode(region, true)) || region.querySelector("details.menu[open]");
  };
  const settle = () => {
    if (latest === undefined || isBusy()) return;
    const next = document.createElement("template");
    next.innerHTML = latest;
    latest = undefined;
    const [said, known] = [says(), new Set(rows().map(({ dataset }) => dataset.key))];
    matchChildren(region, next.content);
    for (const row of rows()) {
      if (known.has(row.dataset.key)) continue;
      const [one, many] = row.parentNode.dataset.news.split("|");
      news.set(many, [one, (news.get(many)?.[1] ?? 0) + 1]);
      if (!still.matches) row.animate({ backgroundColor: ["var(--accent-soft)", "transparent"] }, 2000);
    }
    if (says() !== said) news.set(says(), []);
    if (news.size > 0) telling ??= setTimeout(tell, 2000);
  };

  // What is read out: a sentence now and then, not each change.
  const rows = () => [...region.querySelectorAll("[data-news] > [data-key]")];
  const says = () => {
    const told = region.querySelector("[data-says]");
    return (told?.dataset.says || told?.textContent)?.replace(/\s+/g, " ").trim();
  };
  const tell = () => {
    const parts = [...news].map(([text, [one, count]]) => (count === undefined ? text : count === 1 ? `1 ${one}` : `${count} ${text}`));
    status.textContent = parts.join(". ");
    news = new Map();
    telling = undefined;
  };

  toggle.addEventListener("click", () => {
    paused = !paused;
    start();
  });
  document.addEventListener("selectionchange", settle);
  document.addEventListener("click", () => setTimeout(settle));
  document.addEventListener("visibilitychange", start);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  bar.hidden = false;
}

// Makes a node as another one is. What the reader changed is his: what he unfolded, and that he sent a form.
function match(node, next) {
  if (node.isEqualNode(next)) return;
  if (node.nodeType !== Node.ELEMENT_NODE) return (node.nodeValue = next.nodeValue);
  const own = node.hasAttribute("data-all") ? ["hidden"] : ["open", "data-sent"];
  for (const { name } of [...node.attributes]) {
    if (!next.hasAttribute(name) && !own.includes(name)) node.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (node.getAttribute(name) !== value && !own.includes(name)) node.setAttribute(name, value);
  }
  matchChildren(node, next);
}

// Children with a key are found again wherever they are; the others by their order.
function matchChildren(node, next) {
  const keyed = (of) => new Map([...of.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  const [known, wanted] = [keyed(node), keyed(next)];
  for (const [key, child] of known) if (!wanted.has(key)) child.remove();
  let at = node.firstChild;
  for (const child of [...next.childNodes]) {
    const key = child.dataset?.key;
    const kept = key ? known.get(key) : at?.nodeName === child.nodeName && !at.dataset?.key ? at : undefined;
    if (kept && kept === at) at = at.nextSibling;
    else node.insertBefore(kept ?? child, at);
    if (kept) match(kept, child);
  }
  while (at) {
    const left = at;
    at = at.nextSibling;
    left.remove();
  }
}
