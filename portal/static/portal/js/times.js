// Keeps relative times true while a page is open. The words are the browser's own, in the page's language.
(() => {
  "use strict";
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  const MINUTE = 60, HOUR = 3600, DAY = 86400;

  const ago = (seconds) => {
    const away = Math.abs(seconds);
    const sign = seconds < 0 ? 1 : -1;
    if (away < MINUTE) return null; // the server's word stays for the first minute
    if (away < HOUR) return words.format(sign * Math.floor(away / MINUTE), "minute");
    if (away < 2 * DAY) return words.format(sign * Math.floor(away / HOUR), "hour");
    return words.format(sign * Math.floor(away / DAY), "day");
  };

  const pair = (whole, unit, mark, part, partMark, fineBelow) => {
    const parts = Math.floor((whole % unit) / part);
    return Math.floor(whole / unit) + mark + (parts && whole < fineBelow ? parts + partMark : "");
  };

  // The same short form as kubectl's AGE column.
  const age = (seconds) => {
    const whole = Math.max(seconds, 0);
    if (whole < 2 * MINUTE) return `${whole}s`;
    if (whole < 3 * HOUR) return pair(whole, MINUTE, "m", 1, "s", 10 * MINUTE);
    if (whole < 2 * DAY) return pair(whole, HOUR, "h", MINUTE, "m", 8 * HOUR);
    if (whole < 730 * DAY) return pair(whole, DAY, "d", HOUR, "h", 8 * DAY);
    return pair(whole, 365 * DAY, "y", DAY, "d", 2920 * DAY);
  };

  const tick = () => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-when]")) {
      const seconds = Math.floor((Date.now() - Date.parse(element.dateTime)) / 1000);
      const text = element.dataset.when === "age" ? age(seconds) : ago(seconds);
      if (text && element.textContent !== text) element.textContent = text;
    }
  };

  setInterval(tick, 20000);
  document.addEventListener("visibilitychange", tick);
})();
