/** Path parameters at the level of types: `"/users/:id"` has `{ id: string }`. What is a pattern is decided in `route-pattern.ts`. */

type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type LowerLetter =
  | ("a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m")
  | ("n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z");
type NameCharacter = LowerLetter | Uppercase<LowerLetter> | Digit | "_";

/** The longest start of `Text` that is a name: `"name.json"` gives `"name"`. */
type TakeName<Text extends string, Taken extends string = ""> = Text extends `${infer First}${infer Rest}`
  ? First extends NameCharacter
    ? TakeName<Rest, `${Taken}${First}`>
    : Taken
  : Taken;

type NameInSegment<Segment extends string> = Segment extends `${string}:${infer Rest}`
  ? TakeName<Rest>
  : Segment extends "*"
    ? "*"
    : Segment extends `*${infer Name}`
      ? Name
      : never;

/** The names of a route pattern's parameters. */
export type NamesIn<Pattern extends string> = Pattern extends `${infer Segment}/${infer Rest}`
  ? NameInSegment<Segment> | NamesIn<Rest>
  : NameInSegment<Pattern>;

/** The parameters of a route by its pattern; of a pattern that is only known at run time, any. */
export type PathParams<Pattern extends string> = string extends Pattern
  ? Readonly<Record<string, string>>
  : { readonly [Name in NamesIn<Pattern>]: string };
