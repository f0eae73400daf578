/** `sluice/transfer`: downloads that survive whatever happens to them. */

export type { Progress } from "./body/progress.js";
export type { HeadersInput } from "./client/options.js";
export type { ExpectedChecksums } from "./transfer/download/checksums.js";
export type { DownloadEvent, RestartReason } from "./transfer/download/download-events.js";
export type { DownloadOptions } from "./transfer/download/download-options.js";
export type { DownloadProgress, SegmentProgress } from "./transfer/download/download-progress.js";
export type { DownloadResult } from "./transfer/download/download-result.js";
export { DownloadTask, download, startDownload } from "./transfer/download/download-task.js";
export type { DownloadUrl } from "./transfer/download/source.js";
export { RateLimiter } from "./transfer/rate-limiter.js";
