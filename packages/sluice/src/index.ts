export type { Body, TextOptions, WholeBodyOptions } from "./body/body.js";
export type { ContentCoding } from "./body/content-coding.js";
export type { ServerSentEvent } from "./body/event-stream/event-stream-parser.js";
export type { MultipartLimits } from "./body/multipart/multipart-limits.js";
export type { MultipartPart } from "./body/multipart/multipart-part.js";
export type { BodyInput, BodyPiece, Payload, PayloadTrailers, PlainBodyInput } from "./body/payload.js";
export type { Progress, ProgressListener } from "./body/progress.js";
export type { ByteReader, ReadUntilOptions } from "./body/reading/byte-reader.js";
export type { JsonLinesOptions } from "./body/reading/json-lines.js";
export type { LinesOptions } from "./body/reading/lines.js";
export type { FileHandleLike, NodeReadableLike } from "./body/sending/file-like.js";
export type { FormDataLike } from "./body/sending/form-data.js";
export type { MultipartInput, MultipartPartInput, MultipartValue } from "./body/sending/multipart-parts.js";
export type { CacheStatus } from "./client/cache-status.js";
export { Connector, type ConnectorOptions } from "./client/connector.js";
export type { ConnectorStats } from "./client/connector-stats.js";
export {
  type CookieContext,
  type CookieFilter,
  CookieJar,
  type CookieJarOptions,
  type CookieSaveOptions,
  type CookieUrl,
  type StoredCookie,
} from "./client/cookie-jar.js";
export { del, get, head, patch, post, put, query, request } from "./client/default-session.js";
export type {
  EventStream,
  EventStreamOptions,
  EventStreamState,
  Reconnect,
  ReconnectOptions,
  TextEventStreamOptions,
  TypedEventStreamOptions,
} from "./client/event-stream.js";
export { type MadeResponse, makeResponse } from "./client/local-response.js";
export { type BasicOptions, basicAuth } from "./client/middleware/auth/basic.js";
export { type BearerSource, bearerAuth } from "./client/middleware/auth/bearer.js";
export type { CredentialOrigins } from "./client/middleware/auth/credential-rule.js";
export type { CredentialCharset } from "./client/middleware/auth/credentials.js";
export { type DigestOptions, digestAuth } from "./client/middleware/auth/digest.js";
export type { DigestAlgorithm } from "./client/middleware/auth/digest-challenge.js";
export { type NetrcOptions, netrcAuth } from "./client/middleware/auth/netrc.js";
export type { BearerToken, RefreshOptions, RefreshRequest } from "./client/middleware/auth/token-keeper.js";
export { type CacheLimits, type CacheOptions, cache } from "./client/middleware/cache/cache.js";
export type { CacheEntry, CacheStore } from "./client/middleware/cache/store/cache-store.js";
export { MemoryCacheStore, type MemoryCacheStoreLimits } from "./client/middleware/cache/store/memory-store.js";
export { type DedupeOptions, dedupe } from "./client/middleware/dedupe.js";
export {
  type LogEntry,
  type LogEvent,
  type LoggerOptions,
  type LogLevel,
  type LogSink,
  logger,
} from "./client/middleware/logger.js";
export { retry } from "./client/middleware/retry.js";
export type { RetryBudgetOptions } from "./client/middleware/retrying/retry-budget.js";
export type { RetryFailure, RetryOptions } from "./client/middleware/retrying/retry-options.js";
export { throttle } from "./client/middleware/throttle.js";
export type { AdaptiveOptions, ThrottleOptions } from "./client/middleware/throttling/throttle-options.js";
export {
  MemoryThrottleStore,
  type ThrottleState,
  type ThrottleStore,
} from "./client/middleware/throttling/throttle-store.js";
export type { TraceparentInput, TraceparentOption } from "./client/middleware/trace-context.js";
export type { ClientMiddleware, Next } from "./client/middleware.js";
export type {
  AuthOptions,
  CompressInput,
  CompressOptions,
  HeadersInput,
  OmittableHeader,
  ParamsInput,
  ParamValue,
  RequestOptions,
  ResolvedTimeouts,
  SessionOptions,
  ThrottleChoice,
  TimeoutOptions,
  TrailersInput,
} from "./client/options.js";
export type {
  ByCursor,
  ByFunction,
  ByNumber,
  ByOffset,
  ItemOf,
  NextRequest,
  Page,
  PageOrder,
  Pages,
  PaginateOptions,
  TypedPaginateOptions,
} from "./client/paginate.js";
export type { ProxyChoice, ProxyOptions, ProxySetting } from "./client/proxy/proxy-options.js";
export type { ClientRequest, RequestChanges, RequestSettings, RequestTrust } from "./client/request.js";
export type { RequestCookies } from "./client/request-cookies.js";
export type { RequestPromise } from "./client/request-promise.js";
export type { RequestUrl } from "./client/request-url.js";
export type { ClientResponse, Events, JsonOptions } from "./client/response.js";
export { ResponseError, type ResponseErrorDetails } from "./client/response-error.js";
export type { EventsOptions, TextEventsOptions, TypedEventsOptions } from "./client/response-events.js";
export type { ResponseTimings } from "./client/response-timings.js";
export type { ResumingSave, SaveOptions } from "./client/save-body.js";
export { ClientSession, type ExtendOptions } from "./client/session.js";
export type {
  ClientTrace,
  ClientTraceDetails,
  ClientTraceName,
  Ended,
  SessionTrace,
  TraceEvent,
} from "./client/tracing.js";
export type { Clock } from "./concurrency/clock.js";
export {
  type Gather,
  type Gatherable,
  type GatheredResults,
  type GatherOptions,
  gather,
  type SettledResults,
} from "./concurrency/gather.js";
export {
  type ConcurrentMapper,
  type MapConcurrentOptions,
  type MapConcurrentResult,
  mapConcurrent,
} from "./concurrency/map-concurrent.js";
export { closeWorkers, type RunInWorkerOptions, runInWorker } from "./concurrency/run-in-worker.js";
export { type Permit, Semaphore } from "./concurrency/semaphore.js";
export { type SleepOptions, sleep } from "./concurrency/sleep.js";
export type { Task } from "./concurrency/task.js";
export { TaskGroup, type TaskGroupOptions } from "./concurrency/task-group.js";
export {
  AuthenticationError,
  ConnectError,
  type ConnectErrorDetails,
  ConnectionLostError,
  ContentTypeError,
  DnsError,
  type ErrorDetails,
  InvalidUrlError,
  isSluiceError,
  PayloadError,
  ProtocolError,
  ProxyError,
  type ProxyErrorDetails,
  type RequestPhase,
  RequestTimeoutError,
  ResponseTooLargeError,
  SessionClosedError,
  SluiceError,
  TaskError,
  TlsError,
  TooManyRedirectsError,
  UsageError,
  ValidationError,
  type ValidationErrorDetails,
  type ValidationIssue,
  type WebSocketClosedDetails,
  WebSocketClosedError,
} from "./errors.js";
export { type FromFieldsOptions, HttpHeaders } from "./http/headers.js";
export { findLink, type Link } from "./http/link.js";
export type { Http1Limits } from "./http1/limits.js";
export type { FieldLines } from "./http1/sinks.js";
export type { DialTarget } from "./net/dial.js";
export type { DnsCacheOptions } from "./net/dns-cache.js";
export type { UserLookup } from "./net/dns-lookup.js";
export { denyPrivateNetworks, type PrivateNetworkOptions } from "./net/private-networks.js";
export type { OpenTunnel, ProxyHop, TunnelDone, TunnelOpening } from "./net/proxy-hop.js";
export { socketTransport } from "./net/socket-transport.js";
export type { TlsClientOptions } from "./net/tls-client.js";
export type { PeerInfo, TlsInfo, Transport, TransportHandler } from "./net/transport.js";
