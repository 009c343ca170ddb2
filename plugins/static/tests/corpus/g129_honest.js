const compare = { asc: (a, b) => a - b, desc: (a, b) => b - a };
export const sort = ({ numbers, order }) => [...numbers].sort(compare[order] ?? compare.asc);
