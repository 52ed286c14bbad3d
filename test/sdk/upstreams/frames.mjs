/** A server-sent event, named if `event` is given. */
export const sse = (data, event) =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** Text cut in the middle, as arguments of a call come. */
export const halves = (text) => [text.slice(0, text.length / 2), text.slice(text.length / 2)];
