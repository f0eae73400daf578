/** What the command line decides for `sluice serve`. */
export interface ServeSettings {
  /** The folder as it was named. */
  readonly folder: string;
  /** The folder that takes uploads, at /uploads/; undefined for none. */
  readonly uploads: string | undefined;
  readonly port: number;
  readonly host: string;
  /** Whether folders without an index file show what is in them. */
  readonly listing: boolean;
  /** The file that answers a browser's visits to paths where nothing is, from the folder. */
  readonly fallback: string | undefined;
  /** Origins whose pages may read the answers. */
  readonly cors: string | undefined;
  readonly compress: boolean;
  /** Whether names that begin with a dot are there. */
  readonly dotfiles: boolean;
  /** Seconds for which clients need not ask again; undefined: they ask each time. */
  readonly maxAgeSeconds: number | undefined;
  /** Who may see it; undefined: everybody. */
  readonly user: { readonly username: string; readonly password: string } | undefined;
  /** How TLS is spoken, if it is. */
  readonly identity: IdentitySource | undefined;
  /** No line for each answer. */
  readonly quiet: boolean;
  /** Lines as JSON even on a terminal. */
  readonly json: boolean;
}

/** Where certificate and key come from: files, or made for the occasion. */
export type IdentitySource = { readonly cert: string; readonly key: string } | "self-signed";
