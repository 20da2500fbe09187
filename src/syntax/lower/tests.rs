use crate::source::{RepoPath, SourceFile};
use crate::syntax::{
    ExportTarget, Imported, ModuleRecord, ParseOptions, Parsed, PatternSet, parse_module,
};

use super::show::Show;

fn parse_as(path: &str, text: &str) -> ModuleRecord {
    let patterns = PatternSet::default();
    let file = SourceFile::new(RepoPath::new(path), text);
    let record = parse_module(
        &file,
        ParseOptions {
            patterns: &patterns,
        },
    );
    assert_eq!(record.parsed, Parsed::Full, "{path}: {text}");
    assert_eq!(record.exprs.len(), record.spans.len());
    record
}

fn parse(text: &str) -> ModuleRecord {
    parse_as("a.tsx", text)
}

#[track_caller]
fn body(text: &str, expected: &str) {
    assert_eq!(Show(&parse(text)).body(), expected, "{text}");
}

/// `local=imported@specifier` for every import.
fn imports(record: &ModuleRecord) -> String {
    let mut out = Vec::new();
    for import in &record.imports {
        let imported = match &import.imported {
            Imported::Named(name) => record.name(*name),
            Imported::Default => "default",
            Imported::Namespace => "*",
        };
        let type_only = if import.type_only { "type " } else { "" };
        let local = record.name(import.local);
        out.push(format!(
            "{type_only}{local}={imported}@{}",
            import.specifier
        ));
    }
    out.join(" ")
}

/// `name=target` for every export.
fn exports(record: &ModuleRecord) -> String {
    let mut out = Vec::new();
    for export in &record.exports {
        let target = match &export.target {
            ExportTarget::Local(name) => record.name(*name).to_string(),
            ExportTarget::Expr(value) => format!("<{}>", Show(record).expr(*value)),
            ExportTarget::From {
                specifier,
                imported,
            } => match imported {
                Imported::Named(name) => format!("{}@{specifier}", record.name(*name)),
                Imported::Default => format!("default@{specifier}"),
                Imported::Namespace => format!("*@{specifier}"),
            },
            ExportTarget::Type => "type".to_string(),
        };
        out.push(format!("{}={target}", export.name));
    }
    out.join(" ")
}

/// `type? specifier` for every request.
fn requests(record: &ModuleRecord) -> String {
    let mut out = Vec::new();
    for request in &record.requests {
        let type_only = if request.type_only { "type " } else { "" };
        out.push(format!("{type_only}{}", request.specifier));
    }
    out.join(" ")
}

#[test]
fn imports_of_every_shape() {
    let record = parse(
        "import a, { b, c as d, default as e, type T } from 'x';
         import * as ns from 'y';
         import type { U } from 'z';
         import { type V } from 'v';
         import 'side';
         import old = require('old');
         const r = require('r');
         const { p, q: s } = require('pq');
         const t = require('t').member;
         const lazy = () => import('lazy');
         type W = import('w').W;",
    );
    assert_eq!(
        imports(&record),
        "a=default@x b=b@x d=c@x e=default@x type T=T@x ns=*@y type U=U@z type V=V@v old=*@old r=*@r p=p@pq s=q@pq t=member@t"
    );
    assert_eq!(
        requests(&record),
        "x y type z type v side old r pq t lazy type w"
    );
}

#[test]
fn a_specifier_asked_for_twice_is_type_only_when_both_are() {
    assert_eq!(
        requests(&parse("import type { A } from 'x'; import { b } from 'x'")),
        "x"
    );
}

#[test]
fn exports_of_every_shape() {
    let record = parse(
        "export const GET = 1, POST = 2;
         export async function PUT() {}
         export class K {}
         export enum E { A }
         export interface I {}
         export type T = I;
         export const { a, b: c, ...rest } = handlers, [d] = list;
         const local = 1; interface Shape {}
         export { local as DELETE, Shape, type Other };
         export { x as y, default as z, default } from './m';
         export * from './star';
         export * as ns from './ns';
         export type * from './types';
         export type { Q } from './q';
         export declare function ambient(): void;",
    );
    assert_eq!(
        exports(&record),
        "GET=GET POST=POST PUT=PUT K=K E=E I=type T=type a=a c=c rest=rest d=d DELETE=local Shape=type Other=type \
         y=x@./m z=default@./m default=default@./m ns=*@./ns Q=type ambient=type"
    );
    assert_eq!(&*record.star_exports, ["./star".into()]);
    assert_eq!(requests(&record), "./m ./star ./ns type ./types type ./q");
}

#[test]
fn default_exports() {
    let export = |text: &str| exports(&parse(text));
    assert_eq!(export("export default function f() {}"), "default=f");
    assert_eq!(
        export("export default async () => 1"),
        "default=<async arrow () {return 1}>"
    );
    assert_eq!(export("export default class {}"), "default=<class  { }>");
    assert_eq!(export("const a = 1; export default a as any"), "default=a");
    assert_eq!(
        export("export default withAuth(h)"),
        "default=<withAuth(h)>"
    );
    assert_eq!(export("export default interface A {}"), "default=type");
    assert_eq!(export("const x = 1; export = x"), "default=x");
}

#[test]
fn overloads_and_merged_types_export_the_value() {
    assert_eq!(
        exports(&parse(
            "export function f(a: string): void; export function f(a: number): void; export function f(a: any) {}"
        )),
        "f=f"
    );
    assert_eq!(
        exports(&parse(
            "export type Schema = {}; export const Schema = z.object({})"
        )),
        "Schema=Schema"
    );
}

#[test]
fn commonjs_exports() {
    let export = |text: &str| exports(&parse_as("a.js", text));
    assert_eq!(export("function h() {} module.exports = h"), "default=h");
    assert_eq!(
        export("const a = 1; module.exports = { a, b: f() }"),
        "default=<{a: a, b: f()}> a=a b=<f()>"
    );
    assert_eq!(
        export("exports.a = void 0; exports.a = exports.b = handler; module.exports.c = () => 1"),
        "a=handler b=handler c=<arrow c() {return 1}>"
    );
    assert_eq!(
        export(
            "Object.defineProperty(exports, '__esModule', { value: true }); exports.__esModule = true"
        ),
        ""
    );
}

#[test]
fn an_export_begins_at_its_keyword() {
    let text = "// c\n\nexport async function GET() {}\n@dec\nclass A {}\nexport const POST = 1";
    let record = parse(text);
    let lines: Vec<u32> = record
        .exports
        .iter()
        .map(|export| record.line(export.span))
        .collect();
    assert_eq!(lines, [3, 6]);
    assert!(text[record.exports[0].span.start as usize..].starts_with("export async"));
}

#[test]
fn types_are_looked_through() {
    body(
        "const a = (f<T>(x as any) satisfies B)!; const b = <T,>(y: T) => y; const g = h<string>;",
        "let a = f(x); let b = arrow b(y) {return y}; let g = h",
    );
    assert_eq!(
        Show(&parse_as("a.ts", "const a = <any>b")).body(),
        "let a = b"
    );
    body(
        "declare const x: number; interface A {} type B = A; declare module 'm' {} abstract class C { abstract m(): void; declare f: 1 }",
        "class C { }",
    );
}

#[test]
fn the_calls_that_another_grammar_misreads() {
    body(
        "const rows = await prisma.$queryRaw<Row[]>`select ${id}`; const s = await get<T>(x)",
        "let rows = await prisma.$queryRaw`select ${id}`; let s = await get(x)",
    );
}

#[test]
fn functions_take_the_name_they_are_assigned_to() {
    body(
        "const a = async function () {}; const o = { b() {}, c: () => 1, 'd-e': function* () {}, get f() { return 1 } }; x.g = () => 2; const { h = () => 3 } = o",
        "let a = async fn a() {}; let o = {b: fn b() {}, c: arrow c() {return 1}, d-e: fn* d-e() {}, get f fn f() {return 1}}; x.g = arrow g() {return 2}; let {h: h = arrow h() {return 3}} = o",
    );
}

#[test]
fn classes() {
    body(
        "@injectable() class A<T> extends B<T> implements C { constructor(private db: Db, x = 1) { super(db) } static s = 1; #p = () => 2; @guard('x') async m(@arg() a) { return this.#p } get g() { return 1 } set g(v) {} static { init() } [k]() {} }",
        "@injectable() class A extends B { fn constructor(db, x = 1) {this.db = db; super(db)}; static s = 1; #p = arrow #p() {return 2}; \
         @guard(\"x\") m: async fn m(a) {return this.#p}; g: get fn g() {return 1}; static static = arrow () {init()}(); [k]: fn () {}; }",
    );
}

#[test]
fn statements() {
    body(
        "if (a) b(); else if (c) { d() } else e()",
        "if (a) {b()} else {if (c) {d()} else {e()}}",
    );
    body(
        "try { a() } catch (e) { b(e) } finally { c() }",
        "try {a()} catch (e) {b(e)} finally {c()}",
    );
    body(
        "try { a() } catch { b() }",
        "try {a()} catch () {b()} finally {}",
    );
    body(
        "switch (x) { case 1: case 2: a(); break; default: b() }",
        "switch (x) {case 1:  | case 2: a(); break | default: b()}",
    );
    body(
        "for (let i = 0, n = 2; i < n; i++) a(i); for (const [k, v] of m) b(); for (x.y in o) c(); for await (const z of s) d(); for (;;) e()",
        "loop (let i = 0; let n = 2; (i Less n); i ?= 1) {a(i)}; loop ([k, v] of m; ; ) {b()}; loop (x.y of o; ; ) {c()}; \
         loop await (z of s; ; ) {d()}; loop once (; ; ) {e()}",
    );
    body(
        "while (a) b(); while (true) { break } do { c() } while (d); out: for (;;) { continue out }",
        "loop (; a; ) {b()}; loop once (; true; ) {break}; loop once (; d; ) {c()}; {loop once (; ; ) {continue}}",
    );
}

#[test]
fn expressions() {
    body(
        "a?.b?.[c]?.(d); new E(...f); `x${y}z`; tag`p${q}`; [1,,...g]; ({ ...h, [i]: 1, 'k': void 0 }); a ? b : c; (a, b); import('m')",
        "a?.b?.[c]?.(d); new E(...f); `x${y}z`; tag`p${q}`; [1, undefined, ...g]; {...h, [i]: 1, k: undefined}; (a ? b : c); (a, b); import(\"m\")",
    );
    body(
        "a && b || c; a ?? b; !x; typeof y === 'z'; x != null; -1; a += 1; b ??= c; d.e++; delete f.g; /r/g; 10n; x instanceof Y; 'k' in o; a - b * c",
        "((a And b) Or c); (a Coalesce b); Not(x); (Typeof(y) Equal { loose: false } \"z\"); (x NotEqual { loose: true } null); Minus(1); a ?= 1; \
         b Coalesce= c; d.e ?= 1; Other(f.g); /r/; 10; (x Instanceof Y); (\"k\" In o); (a Subtract (b Multiply c))",
    );
    body(
        "[a.b, { c: d = 1, ...e }] = f; ({ g, h: [i] } = j); function* k() { const x = yield 1; yield* y }",
        "[a.b, {c: d = 1, ...e}] = f; {g: g, h: [i]} = j; fn* k() {let x = yield 1; yield* y}",
    );
    body(
        "function f({ a, b: { c = 1 } = {}, ...rest }: P, [d, , e]: Q, ...args: R[]) {}",
        "fn f({a: a, b: {c: c = 1} = {}, ...rest}, [d, , e], ...args) {}",
    );
}

#[test]
fn jsx_keeps_components_and_expressions() {
    let text = "const a = <Layout.Main title=\"t\" user={u} {...p}><div onClick={() => x()}>text {y} {/* c */}</div><><B /></></Layout.Main>";
    body(
        text,
        "let a = <Layout.Main u, p, < arrow () {return x()}, y>, < <B >>>",
    );
    assert!(parse(text).facts.has_jsx);
    assert!(!parse("const a = 1").facts.has_jsx);
}

#[test]
fn enums_and_namespaces_become_values() {
    body(
        "enum E { A, B = 4, C, D = 'd', 'x-y' = f() } const enum F { Z }",
        "let E = {A: 0, B: 4, C: 5, D: \"d\", x-y: f()}; let F = {Z: 0}",
    );
    body(
        "namespace N { const hidden = 1; export const a = hidden; export function g() {} export interface I {} }",
        "let N = arrow () {let hidden = 1; let a = hidden; fn g() {}; return {a: a, g: g}}()",
    );
    assert_eq!(
        exports(&parse("export namespace N { export const a = 1 }")),
        "N=N"
    );
    body("import A = B.C.D; use(A)", "let A = B.C.D; use(A)");
}

#[test]
fn directives() {
    let server = parse("'use server'\nexport async function a() {}");
    assert!(server.use_server && !server.use_client);
    let inline = parse(
        "export default function P() { async function act() { 'use server'; go() } const b = async () => { 'use server' } }",
    );
    assert_eq!(inline.facts.inline_actions.len(), 2);
    let name = inline
        .function(inline.facts.inline_actions[0])
        .name
        .unwrap();
    assert_eq!(inline.name(name), "act");
    assert!(!parse("const x = 'use server'").use_server);
}

#[test]
fn client_modules_keep_facts_and_drop_bodies() {
    let record = parse(
        "'use client'\nimport { z } from 'zod'\nexport function Page() { console.log(process.env.KEY); const x: any = 1; import('./late'); return <div>{z}</div> }\nexport const T = z.object({ a: 1 })",
    );
    assert!(record.use_client);
    assert_eq!(
        Show(&record).body(),
        "fn Page() {}; let T = z.object({a: 1})"
    );
    assert_eq!(exports(&record), "Page=Page T=T");
    assert_eq!(requests(&record), "zod ./late");
    assert_eq!(record.facts.console_calls.len(), 1);
    assert_eq!(record.facts.env_reads.len(), 1);
    assert_eq!(record.facts.any_types, 1);
    assert!(record.facts.has_jsx);
    assert_eq!(record.functions.len(), 2);
}

#[test]
fn declaration_files_export_types() {
    let record = parse_as(
        "a.d.ts",
        "import { A } from 'a'; export const x: A; export function f(): any; declare const y: 1; export default y; export {};",
    );
    assert_eq!(exports(&record), "x=type f=type default=type");
    assert_eq!(imports(&record), "A=A@a");
    assert_eq!(record.facts.any_types, 1);
}

#[test]
fn environment_reads() {
    let record = parse(
        "process.env.A; process.env['B']; const { C, D: d = 1 } = process.env; import.meta.env.E; process?.env?.F; globalThis.process.env.G; \
         process.env.H = 'x'; env.I; process.env[dynamic]; (process.env as any).J; process.env!.K",
    );
    let names: Vec<&str> = record
        .facts
        .env_reads
        .iter()
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(names, ["A", "B", "C", "D", "E", "F", "G", "J", "K"]);
    let record = parse(
        "const env = process.env, other = make(); env.A; env['B']; env.toString; other.C; const { D } = env; \
         function f() { return env.E } function g() { const inner = process.env; return inner.F }",
    );
    let names: Vec<&str> = record
        .facts
        .env_reads
        .iter()
        .map(|(name, _)| &**name)
        .collect();
    assert_eq!(names, ["A", "B", "D", "E"]);
}

#[test]
fn console_any_and_test_facts() {
    let record = parse_as(
        "src/a.test.ts",
        "console.error(e); logger.error(e); let a: any[] = f<any>(b as any);
         it('a', () => {}); test.only('b', () => {}); it.each([1])('c %s', () => {}); test.each`x`('d', () => {}); /x/.test(y); describe('e', () => {}); test.skip(mobile === 1);
         fetch('/api/x'); fetch(`/api/${id}/y`); fetch(`${base}/api/z`); get('http://localhost:3000/api/w'); say('not / a path'); div('/');",
    );
    assert_eq!(&*record.facts.console_calls[0].0, "error");
    assert_eq!(record.facts.console_calls.len(), 1);
    assert_eq!(record.facts.any_types, 3);
    assert_eq!(record.facts.test_cases, 4);
    let urls: Vec<&str> = record.facts.urls.iter().map(|(url, _)| &**url).collect();
    assert_eq!(
        urls,
        ["/api/x", "/api/", "/api/z", "http://localhost:3000/api/w"]
    );
    assert!(parse("fetch('/api/x')").facts.urls.is_empty());
}

#[test]
fn javascript_of_every_kind() {
    for (path, text) in [
        ("a.js", "import x from 'x'; const a = <div>{x}</div>"),
        ("a.cjs", "const a = require('a'); return"),
        ("a.js", "with (a) { b() }"),
        ("a.mjs", "await top(); export {}"),
        ("a.jsx", "export default () => <a.b c={d} />"),
        ("a.mts", "export const x: number = 1"),
        (
            "a.js",
            "// @flow\ntype A = { b: string }; export const f = (a: A): string => a.b",
        ),
    ] {
        parse_as(path, text);
    }
}
