/**
 * Sizes and habits, measured on the sources of the published packages.
 *
 * What fails: a file over 400 lines, `any`, non-null `!`, `@ts-` comments, lint suppressions without a reason, TODO and
 * FIXME, an exported symbol without doc comment, an empty `catch`, and the smells that have hurt others (see SMELLS).
 * The rest is printed, to be looked at: CONTRIBUTING.md has the targets.
 */
import ts from "typescript";
import { lineOf, parse } from "../lib/imports.mjs";
import { filesBelow, read } from "../lib/project.mjs";

export const title = "gates";

const MOST_FILE_LINES = 400;
/** A module that browsers load as it is cannot be split (decisions/0028). */
const MOST_STANDALONE_LINES = 640;
const STANDALONE = JSON.parse(read("scripts/ok/layers.json")).standalone.map((path) => `packages/sluice/src/${path}`);
const AIM = { fileLines: 300, functionLines: 60, parameters: 4, depth: 3 };
const PROTOCOL_ROOMS = ["bytes", "http", "http1"];

/** Habits that are never right here, by their text outside comments and strings; `except` names the one place where there is a reason. */
const SMELLS = [
  { pattern: /\bparseInt\s*\(/, reason: 'parseInt accepts "12abc" and "+5": read digits strictly' },
  {
    pattern: /\bSymbol\(/,
    reason: "private state is #private, not a symbol",
    // A mark on Node's own socket, which has no place of ours to be private in.
    except: "packages/sluice/src/net/socket-transport.ts",
  },
];

export async function check() {
  const reports = filesBelow("packages", /^packages\/[^/]+\/src\/.*\.ts$/).map((path) => measure(path, read(path)));
  const tests = filesBelow("packages", /^packages\/[^/]+\/test\/.*\.ts$/).map((path) => [path, countLines(read(path))]);
  const problems = reports.flatMap((report) => report.problems);
  const sourceLines = sum(reports.map((report) => report.lineCount));
  const testLines = sum(tests.map(([, count]) => count));
  const lengths = reports.map((report) => report.lineCount);
  const functions = reports.flatMap((report) => report.functions);
  const notes = [
    `${reports.length} files of ${median(lengths)} lines in the median, ${Math.max(0, ...lengths)} at most (aims 160, 300)`,
    `${functions.length} functions, 90 % within ${percentile(
      functions.map((one) => one.lineCount),
      0.9,
    )} lines (aim 30)`,
    `${(testLines / Math.max(1, sourceLines)).toFixed(2)} lines of test for each of source (aim 1.0 to 2.0)`,
    ...commentNotes(reports),
    ...excessNotes(reports, functions, tests),
  ];
  return { problems, notes };
}

/** Everything about one file. */
export function measure(path, text) {
  const source = parse(path, text);
  const report = { path, lineCount: countLines(text), functions: [], problems: [], commentLines: 0, citations: 0 };
  const most = STANDALONE.includes(path) ? MOST_STANDALONE_LINES : MOST_FILE_LINES;
  if (report.lineCount > most) {
    report.problems.push(`${path}: ${report.lineCount} lines, ${most} is the most; split it by responsibility`);
  }
  const comments = commentsOf(source, text);
  checkComments(report, source, comments);
  const bare = blankOut(source, text, comments);
  for (const [index, line] of bare.split("\n").entries()) {
    for (const { pattern, reason, except } of SMELLS) {
      if (path !== except && pattern.test(line)) report.problems.push(`${path}:${index + 1}: ${reason}`);
    }
  }
  const visit = (node) => {
    checkNode(report, source, node);
    if (isFunctionWithBody(node)) report.functions.push(describeFunction(path, source, node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const statement of source.statements) checkExported(report, source, statement);
  return report;
}

function checkNode({ path, problems }, source, node) {
  const at = () => `${path}:${lineOf(source, node)}`;
  if (node.kind === ts.SyntaxKind.AnyKeyword) problems.push(`${at()}: any`);
  if (isTruncation(node)) problems.push(`${at()}: | 0 wraps at 2^31`);
  if (ts.isNonNullExpression(node)) problems.push(`${at()}: non-null assertion !`);
  if (ts.isCatchClause(node) && node.block.statements.length === 0) {
    problems.push(`${at()}: a catch that swallows: name what is expected and do something about the rest`);
  }
}

/** `x | 0`. */
function isTruncation(node) {
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.BarToken) return false;
  return ts.isNumericLiteral(node.right) && node.right.text === "0";
}

function checkComments(report, source, comments) {
  const { path, problems } = report;
  const commented = new Set();
  for (const { text, start, end } of comments) {
    const first = source.getLineAndCharacterOfPosition(start).line;
    const last = source.getLineAndCharacterOfPosition(end).line;
    for (let line = first; line <= last; line += 1) commented.add(line);
    report.citations += (text.match(/RFC \d{4}/g) ?? []).length;
    if (/@ts-(ignore|expect-error|nocheck)/.test(text)) problems.push(`${path}:${first + 1}: @ts- comment`);
    if (/\b(TODO|FIXME|XXX)\b/.test(text))
      problems.push(`${path}:${first + 1}: TODO; do it, or say in an issue what is missing`);
    if (/biome-ignore(?!\S* \S+: \S)/.test(text)) problems.push(`${path}:${first + 1}: suppression without a reason`);
  }
  report.commentLines = commented.size;
}

/** Declarations that other files can import must say what they promise. Re-exports are documented where they stand. */
function checkExported({ path, problems }, source, statement) {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  if (!modifiers.some((one) => one.kind === ts.SyntaxKind.ExportKeyword)) return;
  if (modifiers.some((one) => one.kind === ts.SyntaxKind.DefaultKeyword)) problems.push(`${path}: default export`);
  if (ts.getJSDocCommentsAndTags(statement).length > 0) return;
  const declared = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
  // The body of an overloaded function is documented at its signatures.
  if (ts.isFunctionDeclaration(statement) && isOverloaded(source, statement)) return;
  for (const { name } of declared) {
    problems.push(`${path}:${lineOf(source, statement)}: ${name?.getText(source)} is exported without a doc comment`);
  }
}

function isOverloaded(source, { name }) {
  const same = source.statements.filter((one) => ts.isFunctionDeclaration(one) && one.name?.text === name?.text);
  return same.length > 1 && ts.getJSDocCommentsAndTags(same[0]).length > 0;
}

function isFunctionWithBody(node) {
  return ts.isFunctionLike(node) && node.body !== undefined;
}

function describeFunction(path, source, node) {
  const first = lineOf(source, node);
  const last = source.getLineAndCharacterOfPosition(node.end).line + 1;
  const name = node.name?.getText(source) ?? (ts.isConstructorDeclaration(node) ? "constructor" : "(callback)");
  const parameterCount = node.parameters.filter((one) => one.name.getText(source) !== "this").length;
  return { path, line: first, name, lineCount: last - first + 1, parameterCount, depth: depthOf(node.body) };
}

/** How deep blocks of control flow stand in one another; functions within count for themselves. */
function depthOf(body) {
  let deepest = 0;
  const visit = (node, depth) => {
    if (ts.isFunctionLike(node)) return;
    const nests =
      ts.isIfStatement(node) ||
      ts.isIterationStatement(node, false) ||
      ts.isTryStatement(node) ||
      ts.isSwitchStatement(node);
    const isElseIf = ts.isIfStatement(node) && ts.isIfStatement(node.parent) && node.parent.elseStatement === node;
    const here = nests && !isElseIf ? depth + 1 : depth;
    deepest = Math.max(deepest, here);
    ts.forEachChild(node, (child) => visit(child, here));
  };
  ts.forEachChild(body, (child) => visit(child, 0));
  return deepest;
}

function commentsOf(source, text) {
  const found = new Map();
  const visit = (node) => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
    ];
    for (const { pos, end } of ranges) found.set(pos, { start: pos, end, text: text.slice(pos, end) });
    if (!ts.isJSDoc(node)) for (const child of node.getChildren(source)) visit(child);
  };
  visit(source);
  // A string with // in it is no comment.
  return [...found.values()].filter(({ text: comment }) => /^(\/\/|\/\*)/.test(comment));
}

/** The text with comments and literals replaced by spaces, line breaks kept. */
function blankOut(source, text, comments) {
  const ranges = comments.map(({ start, end }) => [start, end]);
  const visit = (node) => {
    if (ts.isStringLiteralLike(node) || ts.isRegularExpressionLiteral(node))
      ranges.push([node.getStart(source), node.end]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  let bare = text;
  for (const [start, end] of ranges) {
    bare = bare.slice(0, start) + bare.slice(start, end).replace(/[^\n]/g, " ") + bare.slice(end);
  }
  return bare;
}

function commentNotes(reports) {
  const rooms = new Map();
  for (const report of reports) {
    const [, name] = /^packages\/sluice\/src\/([^/]+)\//.exec(report.path) ?? [];
    if (name !== undefined) rooms.set(name, [...(rooms.get(name) ?? []), report]);
  }
  const shares = [...rooms].map(([name, inside]) => {
    const total = sum(inside.map((one) => one.lineCount));
    const share = Math.round((100 * sum(inside.map((one) => one.commentLines))) / total);
    const citations = ((1000 * sum(inside.map((one) => one.citations))) / total).toFixed(0);
    return `${name} ${share} %${PROTOCOL_ROOMS.includes(name) ? ` (${citations} citations in 1,000 lines)` : ""}`;
  });
  return [`comments: ${shares.join(", ")}`];
}

function excessNotes(reports, functions, tests) {
  const notes = [];
  for (const { path, lineCount } of reports) {
    if (lineCount > AIM.fileLines && lineCount <= MOST_FILE_LINES) notes.push(`long file: ${path}, ${lineCount} lines`);
  }
  for (const { path, line, name, lineCount, parameterCount, depth } of functions) {
    const at = `${path}:${line} ${name}`;
    if (lineCount > AIM.functionLines) notes.push(`long function: ${at}, ${lineCount} lines`);
    if (parameterCount > AIM.parameters && !/^on[A-Z]/.test(name))
      notes.push(`many parameters: ${at}, ${parameterCount}`);
    if (depth > AIM.depth) notes.push(`deep nesting: ${at}, ${depth}`);
  }
  for (const [path, lineCount] of tests) if (lineCount > 800) notes.push(`long test: ${path}, ${lineCount} lines`);
  return notes;
}

function countLines(text) {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function sum(numbers) {
  return numbers.reduce((total, one) => total + one, 0);
}

function median(numbers) {
  return percentile(numbers, 0.5);
}

function percentile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
