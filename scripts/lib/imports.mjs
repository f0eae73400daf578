/** Finds what a TypeScript file imports and which globals it uses, from its syntax tree; types are not resolved. */
import { dirname, posix } from "node:path";
import ts from "typescript";

/**
 * @typedef {object} Import
 * @property {string} specifier as written
 * @property {"value" | "type" | "dynamic"} kind `type` is erased by the compiler; `dynamic` is `import(…)` at run time
 * @property {number} line counting from 1
 */

export function parse(path, text) {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true, ts.ScriptKind.TS);
}

/** @returns {Import[]} */
export function importsOf(source) {
  const found = [];
  const add = (node, kind) => {
    if (node === undefined || !ts.isStringLiteralLike(node)) return;
    found.push({ specifier: node.text, kind, line: lineOf(source, node) });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node) ? "type" : "value");
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyExport(node) ? "type" : "value");
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, "type");
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], "dynamic");
    } else if (isRequire(node)) add(node.arguments[0], "value");
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** `import type …`, or named imports that are types one by one (an import for its effect alone is a value). */
function isTypeOnlyImport({ importClause }) {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}

function isTypeOnlyExport({ isTypeOnly, exportClause }) {
  if (isTypeOnly) return true;
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) return false;
  return exportClause.elements.length > 0 && exportClause.elements.every((element) => element.isTypeOnly);
}

/** `require(…)`, `process.getBuiltinModule(…)`: the ways round an import. */
function isRequire(node) {
  if (!ts.isCallExpression(node)) return false;
  const called = node.expression;
  if (ts.isIdentifier(called)) return called.text === "require";
  return ts.isPropertyAccessExpression(called) && called.name.text === "getBuiltinModule";
}

/**
 * Uses of the given globals: `"setTimeout"`, or with a member, `"Date.now"`. `"new Date"` is a construction without
 * arguments. Names that the file declares or imports itself are not globals.
 *
 * @param {readonly string[]} names
 * @returns {{ name: string, line: number }[]}
 */
export function globalsUsed(source, names) {
  const own = namesDeclared(source);
  const wanted = new Set(names);
  const found = [];
  const add = (name, node) => {
    if (wanted.has(name)) found.push({ name, line: lineOf(source, node) });
  };
  const visit = (node) => {
    if (ts.isTypeNode(node)) return;
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && (node.arguments?.length ?? 0) === 0) {
      if (!own.has(node.expression.text)) add(`new ${node.expression.text}`, node);
    }
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && !own.has(node.expression.text)) {
      add(`${node.expression.text}.${node.name.text}`, node);
      if (node.expression.text === "globalThis") add(node.name.text, node);
    }
    if (ts.isIdentifier(node) && !own.has(node.text) && isReference(node)) add(node.text, node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function namesDeclared(source) {
  const names = new Set();
  const visit = (node) => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node) ||
      ts.isNamespaceImport(node) ||
      ts.isBindingElement(node);
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/** Not the name of a property or member, and not a declaration. */
function isReference(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return parent.name !== node && parent.propertyName !== node;
}

/** The file that a relative specifier means, as a path like the importing one, with `.ts` in place of `.js`. */
export function resolveRelative(fromPath, specifier) {
  return posix.join(dirname(fromPath), specifier).replace(/\.js$/, ".ts");
}

export function lineOf(source, node) {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}
