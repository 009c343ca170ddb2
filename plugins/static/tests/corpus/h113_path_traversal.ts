import { promises as fs } from "fs";
import path from "path";
export class Notes {
  constructor(private root: string) {}
  async save(title: string, body: string) {
    const p = path.join(this.root, title + ".md");
    await fs.writeFile(p, body);
  }
}
