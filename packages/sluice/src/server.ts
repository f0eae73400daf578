/** `sluice/server`: everything public of the server side. */

export type { ContentCoding } from "./body/content-coding.js";
export type { EventToSend } from "./body/event-stream/format-event.js";
export type { MultipartLimits } from "./body/multipart/multipart-limits.js";
export type { MultipartPart } from "./body/multipart/multipart-part.js";
export {
  ConnectionLostError,
  isSluiceError,
  PeerError,
  SluiceError,
  UsageError,
  WebSocketClosedError,
} from "./errors.js";
export {
  type Conditions,
  evaluateConditions,
  isRangeFresh,
  readConditions,
  type Validators,
  type Verdict,
} from "./http/conditional.js";
export type { CookieAttributes } from "./http/cookies.js";
export {
  formatEntityTag,
  isEntityTag,
  isWeakTag,
  matchesStrongly,
  matchesWeakly,
  readEntityTags,
} from "./http/entity-tag.js";
export type { LinkToSend } from "./http/format-link.js";
export { type HeadersSource, HttpHeaders } from "./http/headers.js";
export type { MediaType } from "./http/media-type.js";
export {
  type ByteRange,
  type ContentRange,
  formatContentRange,
  MAX_RANGES,
  parseByteRanges,
  parseContentRange,
} from "./http/range.js";
export type { FieldLines } from "./http1/sinks.js";
export type { ListenAddress, Listener } from "./net/listen.js";
export type { ServerTlsOptions, TlsIdentity, TlsMaterial } from "./net/tls-server.js";
export type { LinkPolicy } from "./platform/folder.js";
export type { AccessLogFormat, AccessLogOptions } from "./server/access-log/access-log.js";
export type { AccessLogEntry } from "./server/access-log/entry.js";
export { Application, type GetMethod } from "./server/application.js";
export { CONNECTION_DEFAULTS, type ConnectionOptions, type NumberOption } from "./server/connection-options.js";
export type { ConnectionStats } from "./server/connection-set.js";
export type { ErrorListener } from "./server/error-report.js";
export type { Responder, ServerExchange } from "./server/exchange.js";
export type { FetchContext, IncomingInfo } from "./server/fetch/fetch-context.js";
export type { FetchApplication, FetchHandler } from "./server/fetch/fetch-handler.js";
export { type FetchErrorListener, type ServeOptions, serve } from "./server/fetch/serve.js";
export { HttpError, type HttpErrorOptions } from "./server/http-error.js";
export type { Key } from "./server/keys.js";
export type { HealthOptions } from "./server/life/health.js";
export type { ReadinessCheck } from "./server/life/readiness.js";
export type { RequestEndMessage, RequestErrorMessage, RequestStartMessage } from "./server/life/request-channels.js";
export type { ResponseListener, ResponseSummary } from "./server/life/response-watch.js";
export type { Disposer, Starter } from "./server/lifecycle.js";
export { type ListenHost, type ListenOptions, type ServerOptions, startServer } from "./server/listen.js";
export {
  type BasicAuthOptions,
  type BasicVerifier,
  basicAuth,
} from "./server/middleware/auth/basic-auth.js";
export {
  type BearerAuthOptions,
  type BearerVerifier,
  bearerAuth,
} from "./server/middleware/auth/bearer-auth.js";
export type { AuthVerdict } from "./server/middleware/auth/credentials.js";
export { bodyLimit } from "./server/middleware/body-limit.js";
export type { CompressionOptions } from "./server/middleware/compressing/options.js";
export { compression } from "./server/middleware/compression.js";
export { type CorsDecision, type CorsOptions, type CorsOrigin, cors } from "./server/middleware/cors.js";
export { type EtagOptions, etag } from "./server/middleware/etag.js";
export { type IpRestrictionOptions, ipRestriction } from "./server/middleware/ip-restriction.js";
export { type NormalisePathOptions, normalisePath } from "./server/middleware/normalise-path.js";
export { type RateLimitOptions, rateLimit } from "./server/middleware/rate-limit.js";
export {
  type MemoryRateLimitOptions,
  MemoryRateLimitStore,
} from "./server/middleware/rate-limiting/memory-rate-limit-store.js";
export type {
  RateLimitOutcome,
  RateLimitQuota,
  RateLimitStore,
} from "./server/middleware/rate-limiting/rate-limit-store.js";
export { type RequestIdOptions, requestId } from "./server/middleware/request-id.js";
export { CSP_NONCE, type CspDirectives, cspNonce } from "./server/middleware/security/content-security-policy.js";
export {
  type CspOptions,
  type HstsOptions,
  type SecurityHeadersOptions,
  securityHeaders,
} from "./server/middleware/security-headers.js";
export {
  type RequestTimings,
  type ServerTimingOptions,
  serverTiming,
  timingsOf,
} from "./server/middleware/server-timing.js";
export { type TimeoutOptions, timeout } from "./server/middleware/timeout.js";
export type { Handler, Middleware, Next } from "./server/middleware-chain.js";
export type { ApplicationOptions } from "./server/options.js";
export type { ListedOrigin } from "./server/origin-list.js";
export type { NamesIn, PathParams } from "./server/path-params.js";
export { type AnsweredRequest, Reply, type ReplyPreparation, type SentListener } from "./server/reply.js";
export {
  type JsonReplyOptions,
  type RedirectOptions,
  type RedirectStatus,
  type ReplyOptions,
  reply,
  type StreamReplyOptions,
  type StreamSource,
  type TypedReplyOptions,
} from "./server/reply-kinds.js";
export type { ReplyTrailers, TrailerOptions } from "./server/reply-trailers.js";
export type { DecompressOptions } from "./server/request/decompression.js";
export type { FieldValuesOptions } from "./server/request/field-values.js";
export type {
  ReadFormDataOptions,
  ReadFormOptions,
  ReadJsonOptions,
  ReadMultipartOptions,
  ReadOptions,
  ReadValidFormOptions,
} from "./server/request/read-options.js";
export type { FormEntry, RequestForm } from "./server/request/request-form.js";
export type { ReplyListener } from "./server/request/request-parts.js";
export type { ServerRequest } from "./server/request/server-request.js";
export { UploadedFile } from "./server/request/uploaded-file.js";
export type { CheckedPart, InvalidPlace } from "./server/request/validation.js";
export type { CloseOptions, Server } from "./server/server.js";
export { SignedCookies } from "./server/signed-cookies.js";
export { EventFeed, type EventFeedOptions } from "./server/sse/event-feed.js";
export type { EventStreamReplyOptions } from "./server/sse/event-stream-reply.js";
export type {
  EventStreamContext,
  EventStreamSource,
  FormattedEvent,
  SentEvent,
} from "./server/sse/event-stream-source.js";
export type { FileReplyOptions } from "./server/static/reply-file.js";
export {
  type SiblingCoding,
  STATIC_MEMORY,
  type StaticMemory,
  type StaticOptions,
} from "./server/static/static-options.js";
export type { ApplicationOverview, RouteOverview } from "./server/structure/overview.js";
export type { RouteGroup } from "./server/structure/route-group.js";
export type { RouteMethod, RouteMethods, RouteOptions, RouteParams } from "./server/structure/route-methods.js";
export type { UrlArguments, UrlOptions, UrlParams, UrlValue } from "./server/structure/url-for.js";
export type { HandlerResult } from "./server/to-reply.js";
export type { ForwardingField, TrustProxyOptions } from "./server/trust-proxy.js";
export type { UploadInfo } from "./server/uploads/upload-info.js";
export type { StoredUpload, UploadRecord, UploadStore } from "./server/uploads/upload-store.js";
export { uploads } from "./server/uploads/uploads.js";
export type { UploadAction, UploadLimits, UploadsOptions } from "./server/uploads/uploads-options.js";
export type { WebSocketOriginDecision, WebSocketOrigins } from "./server/websocket/origin-policy.js";
export type {
  UpgradeData,
  UpgradeHook,
  UpgradeOffer,
  UpgradeResult,
  UpgradeTerms,
} from "./server/websocket/upgrade-hook.js";
export type { WebSocketRouteOptions } from "./server/websocket/websocket-options.js";
export type { WebSocketHandler } from "./server/websocket/websocket-route.js";
export type { SendOptions } from "./wire/websocket/call-options.js";
export type { MessageInput } from "./wire/websocket/message-input.js";
export type { WebSocketConnection } from "./wire/websocket/websocket-connection.js";
