// Answers what TypeScript sees in files: arguments are the `typescript` package and a JSON list of paths.
const fs = require("node:fs");
const ts = require(process.argv[2]);

function outline(path) {
  const text = fs.readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports = [], exports = new Set(), stars = new Set(), requests = new Set();
  let functions = 0;

  const literal = (node) => node && ts.isStringLiteralLike(node) ? node.text : undefined;
  const has = (node, kind) => ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((each) => each.kind === kind);
  const add = (local, imported, from, type) => imports.push(`${type ? "type " : ""}${local}=${imported}@${from}`);
  const bound = (name, take) => {
    if (ts.isIdentifier(name)) take(name.text);
    else for (const element of name.elements) if (!ts.isOmittedExpression(element)) bound(element.name, take);
  };
  const inner = (node) => {
    while (node && (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isNonNullExpression(node)
      || ts.isParenthesizedExpression(node) || ts.isTypeAssertionExpression(node))) node = node.expression;
    return node;
  };
  const required = (node) => node && ts.isCallExpression(node) && ts.isIdentifier(node.expression)
    && node.expression.text === "require" && node.arguments.length === 1 && ts.isStringLiteral(node.arguments[0])
    ? node.arguments[0].text : undefined;

  // `const x = require("y")` outside of functions.
  const requiredImport = ({ name, initializer }) => {
    const value = inner(initializer);
    const direct = required(value);
    if (direct !== undefined && ts.isIdentifier(name)) add(name.text, "*", direct, false);
    else if (direct !== undefined && ts.isObjectBindingPattern(name)) {
      const simple = name.elements.every((each) => !each.dotDotDotToken && !each.initializer && ts.isIdentifier(each.name)
        && !(each.propertyName && ts.isComputedPropertyName(each.propertyName)));
      if (simple) for (const each of name.elements) add(each.name.text, (each.propertyName ?? each.name).text, direct, false);
    } else if (value && ts.isPropertyAccessExpression(value) && ts.isIdentifier(name)) {
      const from = required(inner(value.expression));
      if (from !== undefined) add(name.text, value.name.text, from, false);
    }
  };

  const statement = (node) => {
    if (ts.isImportDeclaration(node) && node.importClause) {
      const { name, namedBindings, isTypeOnly } = node.importClause;
      const from = node.moduleSpecifier.text;
      if (name) add(name.text, "default", from, isTypeOnly);
      if (namedBindings && ts.isNamespaceImport(namedBindings)) add(namedBindings.name.text, "*", from, isTypeOnly);
      if (namedBindings && ts.isNamedImports(namedBindings)) {
        for (const each of namedBindings.elements) {
          add(each.name.text, (each.propertyName ?? each.name).text, from, isTypeOnly || each.isTypeOnly);
        }
      }
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node.name.text, "*", node.moduleReference.expression.text, node.isTypeOnly);
    } else if (ts.isExportDeclaration(node)) {
      const clause = node.exportClause;
      if (!clause && !node.isTypeOnly) stars.add(node.moduleSpecifier.text);
      if (clause && ts.isNamespaceExport(clause)) exports.add(clause.name.text);
      if (clause && ts.isNamedExports(clause)) for (const each of clause.elements) exports.add(each.name.text);
    } else if (ts.isExportAssignment(node)) {
      exports.add("default");
    } else if (has(node, ts.SyntaxKind.ExportKeyword)) {
      if (has(node, ts.SyntaxKind.DefaultKeyword)) exports.add("default");
      else if (ts.isVariableStatement(node)) {
        for (const each of node.declarationList.declarations) bound(each.name, (name) => exports.add(name));
      } else if (node.name) {
        let name = node.name;
        exports.add(name.text);
      }
    }
  };
  file.statements.forEach(statement);

  const ambient = (node) => has(node, ts.SyntaxKind.DeclareKeyword);
  // Of what is only declared, the types may still ask for modules.
  const walkTypes = (node) => {
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) requests.add(node.argument.literal.text);
    ts.forEachChild(node, walkTypes);
  };
  const walk = (node, atTop) => {
    if (ambient(node)) return walkTypes(node);
    let inside = atTop;
    if (ts.isFunctionLike(node)) {
      inside = false;
      if (node.body) functions += 1;
    } else if (ts.isClassStaticBlockDeclaration(node)) {
      functions += 1;
      inside = false;
    } else if (ts.isModuleBlock(node)) {
      functions += 1;
      inside = false;
    }
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const from = literal(node.moduleSpecifier);
      if (from !== undefined) requests.add(from);
    } else if (ts.isExternalModuleReference(node)) requests.add(node.expression.text);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) requests.add(node.argument.literal.text);
    else if (ts.isCallExpression(node)) {
      const from = required(node);
      if (from !== undefined) requests.add(from);
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0] && ts.isStringLiteral(node.arguments[0])) {
        requests.add(node.arguments[0].text);
      }
    } else if (inside && ts.isVariableDeclaration(node)) requiredImport(node);
    ts.forEachChild(node, (child) => walk(child, inside));
  };
  walk(file, true);

  return {
    broken: file.parseDiagnostics.length > 0,
    imports: imports.sort(),
    exports: [...exports].sort(),
    stars: [...stars].sort(),
    requests: [...requests].sort(),
    functions,
  };
}

const paths = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
process.stdout.write(JSON.stringify(paths.map(outline)));
