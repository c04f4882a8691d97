// Rules of WCAG 2.2 that a page can be asked for; returns sentences about breaches.
(() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const say = (what, element) => wrong.push(what + ": " + element.outerHTML.slice(0, 120));
  if (!document.documentElement.lang) wrong.push("the page has no language");
  if (!document.title) wrong.push("the page has no title");
  if (all("main").length !== 1) wrong.push("the page has no single main part");
  if (all("h1").length !== 1) wrong.push("the page has no single first heading");
  let level = 0;
  for (const heading of all("h1,h2,h3,h4")) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) say("a heading skips a level", heading);
    level = here;
  }
  const ids = new Set();
  for (const element of all("[id]")) {
    if (ids.has(element.id)) say("an id is used twice", element);
    ids.add(element.id);
  }
  for (const field of all("input,select,textarea")) {
    if (!field.labels.length && !field.ariaLabel) say("a field has no label", field);
  }
  for (const button of all("button,a[href]")) {
    if (!button.textContent.trim() && !button.ariaLabel) say("a control has no name", button);
  }
  for (const link of all("a[href^='#']")) {
    if (!document.getElementById(link.getAttribute("href").slice(1))) say("a link leads nowhere", link);
  }
  for (const picture of all("svg")) {
    if (picture.getAttribute("role") !== "img" || !picture.getAttribute("aria-label")) say("a picture has no name", picture);
  }
  for (const table of all("table")) {
    if (!table.querySelector("th[scope=col]")) say("a table has no heads", table);
  }
  for (const box of all(".scroll")) {
    if (box.tabIndex !== 0) say("a part that scrolls cannot be reached by keyboard", box);
  }
  const channels = (color) => (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = channels(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || ["SCRIPT", "STYLE", "title"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const front = channels(element instanceof SVGElement ? style.fill : style.color);
    const back = element instanceof SVGElement ? channels(getComputedStyle(element.ownerSVGElement).backgroundColor) : ground(element);
    const key = front.join() + "/" + back.join();
    if (seen.has(key)) continue;
    seen.add(key);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) say("text is hard to read (" + key + ")", element);
  }
  return wrong;
})()
