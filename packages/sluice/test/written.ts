/** What a process has written so far. */
import type { ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";

export class Written {
  output = "";
  errors = "";

  constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
  }
}
