/** The program ends when the command does, even if that was killed and could not say so. */
import { Socket } from "node:net";
import { LIFELINE_FD } from "./report.js";

/** Ends this process, in the way that it chose for itself if there is one, once nobody holds the other end of the lifeline. */
export function followCommand(graceMs: number): void {
  const lifeline = new Socket({ fd: LIFELINE_FD, readable: true, writable: false });
  // How a connection to a dead process breaks is all the same; that it is over is told by "close".
  lifeline.on("error", () => lifeline.destroy());
  lifeline.on("close", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.kill(process.pid, "SIGKILL"), graceMs).unref();
  });
  lifeline.resume();
  lifeline.unref();
}
