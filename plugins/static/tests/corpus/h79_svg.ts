export function badge(label: string, colour: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg"><rect fill="${colour}"/><text>${label}</text></svg>`;
}
