// The page of newest traces: opens files of traces, and shows those that arrive while it is looked at.

const found = document.querySelector(".found");
const status = document.querySelector("[role=status]");
const file = document.querySelector(".tools input[type=file]");
const follow = document.querySelector("[data-do=follow]");
const show = document.querySelector("[data-do=show]");

// --- files

async function open(files) {
  const opened = [];
  for (const chosen of files) {
    status.textContent = `Opening ${chosen.name}\u2026`;
    try {
      if (chosen.size > Number(file.dataset.max)) throw new Error(`it is longer than ${file.dataset.max} bytes`);
      const answer = await fetch("/api/upload", { method: "POST", body: chosen });
      const { data, errors } = await answer.json();
      if (!answer.ok) throw new Error(errors[0].msg);
      opened.push(...data);
    } catch (error) {
      status.textContent = `Cannot open ${chosen.name}: ${error.message}.`;
      file.value = "";
      return;
    }
  }
  if (opened.length === 1) location.assign(`/trace/${opened[0].traceID}`);
  else if (opened.length > 1) location.assign("/");
}

file.addEventListener("change", () => open(file.files));
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  open(event.dataTransfer.files);
});

// --- new traces

const INTERVAL = 2000;
let next = null; // what the server has and the page does not show yet

const ids = (of) => [...of.querySelectorAll(".traces .id")].map((id) => id.textContent);

// Whether what is shown may change without taking it from under somebody's eyes or hands.
function isUnused() {
  const used = window.scrollY > 50 || found.matches(":hover") || found.contains(document.activeElement);
  return !used && document.getSelection().isCollapsed;
}

async function look() {
  if (document.hidden || !follow.checked) return;
  try {
    const page = await (await fetch(location.href)).text();
    // Written by the server as this page was, and put in its place as a whole.
    next = new DOMParser().parseFromString(page, "text/html").querySelector(".found");
    if (status.textContent.startsWith("The agent")) status.textContent = "";
  } catch {
    status.textContent = "The agent does not answer.";
    return;
  }
  if (next.textContent === found.textContent) return;
  if (isUnused()) return apply();
  const known = new Set(ids(found));
  const fresh = ids(next).filter((id) => !known.has(id)).length;
  show.hidden = fresh === 0;
  show.textContent = `Show ${fresh} new ${fresh === 1 ? "trace" : "traces"}`;
}

function apply() {
  found.replaceChildren(...next.childNodes);
  show.hidden = true;
}

show.addEventListener("click", () => {
  apply();
  window.scrollTo(0, 0);
});
follow.addEventListener("change", () => {
  if (!follow.checked) show.hidden = true;
  look();
});

document.querySelector(".tools").hidden = false;
setInterval(look, INTERVAL);
