/** `sluice/transfer`: downloads and uploads that survive a broken connection, a closed program and a restarted server. */

export type { Progress } from "./body/progress.js";
export type { HeadersInput } from "./client/options.js";
export type { BackOffRange } from "./concurrency/back-off.js";
export type { DownloadEvent, RestartReason } from "./transfer/download/download-events.js";
export type { DownloadOptions } from "./transfer/download/download-options.js";
export type { DownloadProgress, SegmentProgress } from "./transfer/download/download-progress.js";
export type { DownloadResult } from "./transfer/download/download-result.js";
export { DownloadTask, download, startDownload } from "./transfer/download/download-task.js";
export { type ResumingOptions, resuming } from "./transfer/download/resuming.js";
export type { DownloadUrl } from "./transfer/download/source.js";
export type { ExpectedChecksums } from "./transfer/download/target/checksums.js";
export { RateLimiter } from "./transfer/rate-limiter.js";
export type {
  UploadEvent,
  UploadProgress,
  UploadRestartReason,
  UploadResult,
} from "./transfer/upload/upload-events.js";
export type { UploadChecksum, UploadOptions } from "./transfer/upload/upload-options.js";
export type { UploadInput } from "./transfer/upload/upload-source.js";
export { startUpload, terminateUpload, UploadTask, upload } from "./transfer/upload/upload-task.js";
