// Downloads as its arguments say, with a record every few milliseconds; prints the code of what went wrong.
import { ClientSession } from "../../../dist/index.js";
import { DownloadTask } from "../../../dist/transfer/download/download-task.js";

const [url, target, options] = process.argv.slice(2);
const session = new ClientSession();
const ground = { saveInterval: 20, bufferBytes: 64 * 1024 };
try {
  const settings = { segments: 4, minSegmentSize: 256 * 1024, ...JSON.parse(options) };
  await new DownloadTask(session, url, target, settings, ground).result;
} catch (error) {
  console.log(error.code ?? error.message);
  process.exitCode = 1;
} finally {
  await session.close();
}
