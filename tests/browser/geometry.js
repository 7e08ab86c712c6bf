// What is wrong with the geometry of this page, as sentences: what makes the document scroll sideways, and texts or controls that lie on
// one another. Looked at as the page is before anybody scrolls, with what is folded away unfolded.
const ACROSS = 2;
// Boxes of letters reach into the space between lines.
const DOWN = 4;
const faults = [];
const root = document.documentElement;
scrollTo(0, 0);
for (const folded of document.querySelectorAll("details:not(.menu)")) folded.open = true;

const styles = new Map();
const styleOf = (element) => {
  if (!styles.has(element)) styles.set(element, getComputedStyle(element));
  return styles.get(element);
};
const label = (element, text) =>
  `<${element.tagName.toLowerCase()} class="${element.getAttribute("class") ?? ""}"> ${JSON.stringify(plain(text ?? element.textContent).slice(0, 60))}`;

// What of a box is seen, inside everything around it that clips.
const seen = (element, rect) => {
  let { left, top, right, bottom } = rect;
  for (let around = element; around && around !== root; around = around.parentElement) {
    const style = styleOf(around);
    if (style.clipPath !== "none") return null;
    if (around !== document.body && style.overflowX !== "visible") {
      const edge = around.getBoundingClientRect();
      [left, top] = [Math.max(left, edge.left), Math.max(top, edge.top)];
      [right, bottom] = [Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
    }
  }
  return right - left > 1 && bottom - top > 1 && right > 0 && bottom > 0 ? { left, top, right, bottom } : null;
};
const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

if (root.scrollWidth > root.clientWidth) {
  faults.push(`the document is ${root.scrollWidth} px wide in ${root.clientWidth}`);
  for (const element of document.body.querySelectorAll("*")) {
    const box = visible(element) && seen(element, element.getBoundingClientRect());
    if (box && box.right > root.clientWidth + 1 && faults.length < 6) faults.push(`sticks out to ${box.right}: ${label(element)}`);
  }
}

const boxes = [];
const add = (element, rects, text) => {
  for (const rect of rects) {
    const box = seen(element, rect);
    if (box) boxes.push({ ...box, element, text });
  }
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const { currentNode: node } = texts;
  const parent = node.parentElement;
  if (!node.data.trim() || !visible(parent) || parent.closest("option, script, style, svg, meter")) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  add(parent, range.getClientRects(), node.data);
}
for (const element of document.querySelectorAll("input:not([type=hidden]), select, textarea, button, .button, meter, summary")) {
  if (visible(element)) add(element, [element.getBoundingClientRect()]);
}
boxes.sort((one, other) => one.top - other.top);
boxes.forEach((one, index) => {
  for (let next = index + 1; next < boxes.length && boxes[next].top < one.bottom - DOWN; next += 1) {
    const other = boxes[next];
    const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    if (across <= ACROSS || down <= DOWN) continue;
    if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
    if (faults.length < 12) faults.push(`${label(one.element, one.text)} lies on ${label(other.element, other.text)}`);
  }
});
return faults;
