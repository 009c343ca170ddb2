const escapeHtml = (s) => s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
exports.card = ({ title }) => `<div class="card">${escapeHtml(title)}</div>`;
