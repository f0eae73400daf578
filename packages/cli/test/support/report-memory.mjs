/** Given to a process by --import: writes the most memory it ever had to standard error, in kilobytes. */
process.on("exit", () => {
  process.stderr.write(`maxRSS ${process.resourceUsage().maxRSS}\n`);
});
