/** Forms and JSON, as handlers read them. */
import { decodeText, parseJson } from "../../packages/sluice/dist/body/text.js";
import { encodeForm, parseForm } from "../../packages/sluice/dist/body/urlencoded.js";
import { SluiceError } from "../../packages/sluice/dist/errors.js";

const TEXTS = [
  "a=b&c=d",
  "a=%20+&b=%E4%F6&%zz=%",
  "=&&==&a",
  `{"a":[1,2,{"b":null}],"c":"\\u0000"}`,
  "[[[[[[]]]]]]",
  '"\\ud800"',
  "é=ü&漢=字",
  "1e400",
  "{}".repeat(3),
];
const CHARSETS = [undefined, "utf-8", "latin1", "utf-16le", "windows-1252", "nonsense", "", "utf-7"];
const MOST_FIELDS = 50;

export const corpus = TEXTS.map((text) => Buffer.from(text));
export const dictionary = [
  "&",
  "=",
  "%",
  "%00",
  "%C3%A9",
  "+",
  "[",
  "{",
  '"',
  "\\u",
  "null",
  "-0",
  "__proto__",
  '{"__proto__":1}',
  "&".repeat(60),
];

export function run(input, random) {
  const text = input.toString(random.chance(0.5) ? "utf8" : "latin1");
  // In front of a query string a "?" would be passed over.
  const expected = new URLSearchParams(text.startsWith("?") ? `&${text}` : text);
  const parsed = expecting(SluiceError, () => parseForm(text, MOST_FIELDS));
  if (parsed !== undefined && parsed.toString() !== expected.toString())
    throw new Error(`The form was read as ${parsed}`);
  if (parsed === undefined && [...text.matchAll(/&/g)].length < MOST_FIELDS)
    throw new Error("A form of few fields was refused");
  if (new URLSearchParams(encodeForm([...expected])).toString() !== expected.toString())
    throw new Error("The form changed on a round trip");
  expecting(SluiceError, () => parseJson(text));
  expecting(SluiceError, () => decodeText(input, random.pick(CHARSETS)));
}

function expecting(kind, work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    return undefined;
  }
}
