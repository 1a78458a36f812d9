// What a page in a browser is asked about itself; each function gives a list of faults, which should be empty.
({
  shown: (element) => element.checkVisibility({ visibilityProperty: true }),

  name(element) {
    const labelled = (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id));
    const labels = [...labelled, ...(element.labels || [])].filter(Boolean).map((each) => each.textContent);
    return (element.getAttribute("aria-label") || labels.join(" ") || (element.matches("input, select, textarea") ? "" : element.textContent)).trim();
  },

  unnamed() {
    const controls = document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a[href], summary, progress, meter, [role=region]");
    const named = [...controls].filter((each) => !each.closest("[aria-hidden=true]") && !this.name(each)).map((each) => each.outerHTML);
    const pictures = [...document.querySelectorAll("img:not([alt])")].map((each) => each.outerHTML);
    return [...named, ...pictures];
  },

  structure() {
    const found = { h1: document.querySelectorAll("h1").length, main: document.querySelectorAll("main").length };
    const faults = Object.entries(found).filter(([, count]) => count !== 1).map(([name, count]) => `${count} × ${name}`);
    const levels = [...document.querySelectorAll("main :is(h1, h2, h3, h4)")].map((each) => Number(each.tagName[1]));
    levels.forEach((level, place) => { if (place && level > levels[place - 1] + 1) faults.push(`h${level} after h${levels[place - 1]}`); });
    const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
    faults.push(...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => `id ${id} twice`));
    if (!document.documentElement.lang || !document.title.trim()) faults.push("no language or no title");
    return faults;
  },

  wide() {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const beyond = [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > width + 1);
    return [`${document.documentElement.scrollWidth} > ${width}`, ...beyond.map((each) => each.outerHTML.slice(0, 120))];
  },

  // Elements that Tab should reach, in order; of radio buttons one a group
  stops() {
    const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")];
    const reachable = all.filter((each) => this.shown(each) && !each.disabled && !each.closest("dialog:not([open])"));
    const groups = new Set();
    return reachable.filter((each) => {
      if (each.type !== "radio") return true;
      const group = [...each.form.querySelectorAll(`input[name=${each.name}]`)];
      const stop = group.find((radio) => radio.checked) || group[0];
      return each === stop && !groups.has(each.name) && groups.add(each.name);
    });
  },

  focusSeen(element) {
    if (element.matches("[type=date]")) return true; // the browser marks the day, the month, the year in turn
    const around = [element, element.nextElementSibling, ...(element.labels || [])].filter(Boolean);
    return around.some((each) => getComputedStyle(each).outlineStyle !== "none" && parseFloat(getComputedStyle(each).outlineWidth) >= 2);
  },

  focused() {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    return { place: this.stops().indexOf(element), seen: this.focusSeen(element), html: element.outerHTML.slice(0, 160) };
  },

  // Contrast of text with its ground (WCAG 2.2, 1.4.3): 4.5, or 3 where it is large
  rgb(color) {
    this.canvas ||= Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
    this.canvas.clearRect(0, 0, 1, 1);
    this.canvas.fillStyle = color;
    this.canvas.fillRect(0, 0, 1, 1);
    return [...this.canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
  },

  ground(element) {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const layer = this.rgb(getComputedStyle(each).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, [r, g, b, alpha]) => [r, g, b].map((value, i) => value * alpha + below[i] * (1 - alpha)), [1, 1, 1]);
  },

  luminance(color) {
    const [r, g, b] = color.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  },

  faint() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const faults = new Set();
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !this.shown(element) || element.closest("[aria-hidden=true], .unseen, .skip-link, :disabled")) continue;
      const style = getComputedStyle(element);
      const below = this.ground(element);
      const [r, g, b, alpha] = this.rgb(style.color);
      const opacity = alpha * Number(style.opacity);
      const above = [r, g, b].map((value, i) => value * opacity + below[i] * (1 - opacity));
      const [dark, light] = [this.luminance(above), this.luminance(below)].sort((one, other) => one - other);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = parseFloat(style.fontSize);
      const enough = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
      if (ratio < enough) faults.add(`${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
    }
    return [...faults];
  },
})
