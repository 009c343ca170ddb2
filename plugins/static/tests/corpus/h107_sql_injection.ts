import Database from "better-sqlite3";
const db = new Database("notes.db");
export function search(term: string) {
  return db.prepare(`SELECT * FROM notes WHERE body LIKE '%${term}%'`).all();
}
