/** Something the person at the keyboard has to change; said in one line, and the command ends with exit code 2. */
export class UsageProblem extends Error {
  override readonly name = "UsageProblem";
}
