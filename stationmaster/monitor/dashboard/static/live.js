// Keep the page up to date: listen to what changed, fetch those parts anew, change only what differs.
"use strict";
(() => {
  const root = document.body.dataset.root || "";
  const light = document.getElementById("live");
  const parts = [...document.querySelectorAll("[data-part]")];
  const waiting = new Set();
  let busy = false;
  let heard = new Date();

  const clock = () => heard.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

  function say(on, words) {
    light.classList.toggle("on", on);
    light.classList.toggle("off", !on);
    if (light.textContent !== words) light.textContent = words;
    document.body.classList.toggle("stale", !on);
  }

  const keep = {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: {
      // The library's own drawing stays; an opened list of numbers stays open.
      beforeNodeMorphed: (old) => !(old.nodeType === 1 && old.hasAttribute("data-keep")),
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
    },
  };

  async function refresh(part) {
    const answer = await fetch(part.dataset.part, { headers: { Accept: "text/html" }, redirect: "error" });
    if (answer.status === 401) {
      say(false, "Logged out: load the page again");
      return;
    }
    if (answer.status === 404) return;
    if (!answer.ok) throw new Error(String(answer.status));
    const inside = part.querySelector(".inside");
    Idiomorph.morph(inside, await answer.text(), keep);
    window.drawCharts?.(inside);
  }

  async function work() {
    if (busy) return;
    busy = true;
    try {
      while (waiting.size) {
        const part = waiting.values().next().value;
        waiting.delete(part);
        await refresh(part);
      }
      heard = new Date();
      if (!light.textContent.startsWith("Logged out")) say(true, "Live");
    } catch {
      waiting.clear();
      say(false, `No answer since ${clock()}: what you see may be old`);
    } finally {
      busy = false;
    }
  }

  function changed(topics) {
    for (const part of parts) {
      const mine = part.dataset.topics.split(" ");
      if (topics.some((topic) => mine.includes(topic))) waiting.add(part);
    }
    work();
  }

  const stream = new EventSource(`${root}/live`);
  stream.addEventListener("changed", (event) => changed(JSON.parse(event.data)));
  // Every 15 seconds there is a word; a sleeping laptop or a broken line hears none.
  let last = Date.now();
  for (const name of ["changed", "still", "away"]) stream.addEventListener(name, () => (last = Date.now()));
  setInterval(() => {
    if (Date.now() - last > 45_000 && light.classList.contains("on")) say(false, `Nothing heard since ${clock()}: what you see may be old`);
  }, 5_000);
  stream.addEventListener("still", () => {
    heard = new Date();
    if (document.body.classList.contains("stale") && !light.textContent.startsWith("Logged out")) changed(["clock", "attempts", "findings", "incidents", "checks", "watcher", "outbox"]);
  });
  stream.addEventListener("away", () => say(false, `The ledger does not answer since ${clock()}`));
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) say(false, "Logged out: load the page again");
    else setTimeout(() => stream.readyState !== EventSource.OPEN && say(false, `Not connected since ${clock()}: what you see may be old`), 3000);
  });
  // Within Airflow's frame a link to Airflow's own pages leads there, not into the frame.
  if (window.parent !== window) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href]");
      if (!link || link.origin !== location.origin || link.pathname.startsWith(`${root}/`)) return;
      event.preventDefault();
      const outside = window.parent.document.createElement("a");
      outside.href = link.href;
      window.parent.document.body.append(outside);
      outside.click();
      outside.remove();
    });
  }
  addEventListener("pagehide", () => stream.close());
})();
