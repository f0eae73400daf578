// Saves an answer so that it can be gone on with, as a user's program would; prints the code of what went wrong, or the size.
import { ClientSession } from "../../../dist/index.js";
import { resuming } from "../../../dist/transfer.js";

const [url, path] = process.argv.slice(2);
const session = new ClientSession();
try {
  const response = await session.get(url);
  console.log(await response.save(path, { resume: resuming() }));
} catch (error) {
  console.log(error.code ?? error.message);
  process.exitCode = 1;
} finally {
  await session.close();
}
