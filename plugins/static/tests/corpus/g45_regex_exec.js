const DATE = /(\d{4})-(\d{2})-(\d{2})/g;

export function dates(text) {
  const found = [];
  let match;
  while ((match = DATE.exec(text)) !== null) {
    found.push(match[0]);
  }
  return found;
}
