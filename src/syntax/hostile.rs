//! Input that is made to hurt: deep, long, unclosed, random. Every case is generated, read on the small stack that tests
//! have, and must come back in time.

use std::time::{Duration, Instant};

use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::{collection, sample};

use crate::source::{RepoPath, SourceFile};

use super::guard::{Nesting, nesting};
use super::{ModuleRecord, ParseOptions, Parsed, PatternSet, PatternSource, parse_module};

fn read(path: &str, text: &str) -> ModuleRecord {
    let mut patterns = PatternSet::default();
    for source in [
        PatternSource::Code("f($X)".into()),
        PatternSource::Text("needle\\d".into()),
    ] {
        patterns.add(&source).unwrap();
    }
    let file = SourceFile::new(RepoPath::new(path), text);
    let started = Instant::now();
    let record = parse_module(
        &file,
        ParseOptions {
            patterns: &patterns,
        },
    );
    let head: String = text.chars().take(40).collect();
    let elapsed = started.elapsed();
    assert!(
        elapsed < Duration::from_secs(20),
        "{head}… took {elapsed:?}"
    );
    assert!(!record.functions.is_empty());
    record
}

/// Beginning, repeated piece, middle, repeated end, end.
type Shape = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const SHAPES: &[Shape] = &[
    ("x = ", "(", "1", ")", ""),
    ("x = ", "[", "1", "]", ""),
    ("x = ", "{a:", "1", "}", ""),
    ("x = ", "{a(){return ", "1", "}}", ""),
    ("", "{", "", "}", ""),
    ("x = ", "<a>", "", "</a>", ""),
    ("x = ", "<a>;,", "", "</a>", ""),
    ("x = ", "<a>'", "", "'</a>", ""),
    ("x = ", "(<a>)", "", "</a>", ""),
    ("", "if(x)<a b={1}>", "", "</a>", ""),
    ("", "{}<a>", "", "</a>", ""),
    ("x = ", "<a b={", "1", "}/>", ""),
    ("x = ", "<a.b><", "", "", ""),
    ("x = <a", ".b", "", "", "/>"),
    ("x = ", "a=>", "1", "", ""),
    ("x = ", "async a=>", "1", "", ""),
    ("x = ", "a=>{", "1", "}", ""),
    ("x = ", "function(){return ", "1", "}", ""),
    ("x = ", "async(a=", "1", ")=>1", ""),
    ("x = ", "(a=", "1", ")=>1", ""),
    ("x = ", "async(a=", "", "", ""),
    ("x = ", "(a,", "", "", ""),
    ("x = ", "!", "1", "", ""),
    ("x = ", "-", "1", "", ""),
    ("x = ", "- ", "1", "", ""),
    ("x = ", "typeof ", "1", "", ""),
    ("x = ", "await ", "1", "", ""),
    ("x = ", "new ", "A", "", ""),
    ("x = ", "class extends ", "A", "{}", ""),
    ("x = ", "a?", "1", ":1", ""),
    ("x = ", "a?1:", "1", "", ""),
    ("x = ", "a=", "1", "", ""),
    ("x = ", "a+", "1", "", ""),
    ("x = ", "a&&", "1", "", ""),
    ("x = ", "a??", "1", "", ""),
    ("x = ", "a**", "1", "", ""),
    ("x = ", "a,", "1", "", ""),
    ("x = a", ".b", "", "", ""),
    ("x = a", "?.b", "", "", ""),
    ("x = a", "!", "", "", ""),
    ("x = a", "()", "", "", ""),
    ("x = a", "[0]", "", "", ""),
    ("x = a", ".b()", "", "", ""),
    ("x = a", "``", "", "", ""),
    ("x = a", " as b", "", "", ""),
    ("x = ", "`${", "1", "}`", ""),
    ("x = ", "`${", "", "", ""),
    ("", "if(a)", "x", "", ""),
    ("", "if(a){}else ", "x", "", ""),
    ("", "if(a)b;else ", "x", "", ""),
    ("", "for(;;)", "x", "", ""),
    ("", "while(a)", "x", "", ""),
    ("", "do ", "x", " while(a)", ""),
    ("", "a:", "x", "", ""),
    ("", "try{", "x", "}catch{}", ""),
    ("", "switch(a){case 1:", "x", "}", ""),
    ("", "namespace A{", "x", "}", ""),
    ("namespace A", ".A", "{}", "", ""),
    ("", "class A{static{", "x", "}}", ""),
    ("", "@a ", "class A{}", "", ""),
    ("x = ", "a<", "", "", ""),
    ("x = ", "a<", "1", "", ";"),
    ("", "a<a<a<a<a<a<a<a;\n", "", "", ""),
    ("x = ", "a<(", "", "", ""),
    ("x = ", "a<(", "1", ")", ""),
    ("x = ", "a<{b:", "", "", ""),
    ("type A = ", "A<", "1", ">", ""),
    ("type A = ", "A<", "", "", ""),
    ("type A = ", "A<B,", "", "", ""),
    ("type A = ", "(a:", "1", ")=>1", ""),
    ("type A = ", "()=>", "1", "", ""),
    ("type A = ", "B extends C?D:", "1", "", ""),
    ("type A = ", "B extends ", "1", "?D:E", ""),
    ("type A = ", "keyof ", "1", "", ""),
    ("type A = ", "1|", "1", "", ""),
    ("type A = 1", "[]", "", "", ""),
    ("type A = ", "{a:", "1", "}", ""),
    ("type A = ", "[", "1", "]", ""),
    ("type A = ", "typeof import('x').A<", "1", ">", ""),
    ("let ", "{a:", "b", "}", " = c"),
    ("let ", "[", "b", "]", " = c"),
    ("", "[", "b", "]", " = c"),
    ("let [", "a=", "1", "", "] = b"),
    ("import(", "import(", "1", ")", ")"),
    ("x = a++ /", "(", "1/", ")", ""),
    ("x = {} / '/' / 1 + ", "!", "1", "", ""),
    ("x = {}/'/'+", "!", "1", "", "'"),
    ("x = ", "{}/(", "1/1", ")", ""),
    ("let=", "let=", "1", "", ""),
    ("x = ", "'", "", "", ""),
    ("x = ", "'\\'", "", "", ""),
    ("x = ", "`", "", "", ""),
    ("", "/*", "", "", ""),
    ("x = ", "/[", "", "", ""),
    ("x = ", "=/[ ", "", "", ""),
    ("", "<!--", "", "", ""),
    ("", "#", "", "", ""),
    ("", "\\", "", "", ""),
    ("x = ", "yield ", "", "", ""),
    ("", "enum A{a=", "1", "}", ""),
    ("", "export default ", "", "", ""),
    ("", "declare module 'a'{", "", "}", ""),
];

fn build(shape: &Shape, times: usize) -> String {
    let (begin, piece, middle, close, end) = shape;
    format!(
        "{begin}{}{middle}{}{end}",
        piece.repeat(times),
        close.repeat(times)
    )
}

#[test]
fn every_shape_survives_every_depth() {
    for shape in SHAPES {
        for (times, path) in [
            (3, "a.js"),
            (60, "a.tsx"),
            (60, "a.ts"),
            (130, "a.tsx"),
            (250, "a.ts"),
            (505, "a.tsx"),
            (505, "a.ts"),
            (2_000, "a.tsx"),
        ] {
            read(path, &build(shape, times));
        }
    }
}

#[test]
fn every_shape_survives_any_length() {
    for shape in SHAPES {
        let times = 100_000 / (shape.1.len() + shape.3.len());
        read("a.tsx", &build(shape, times));
    }
}

#[test]
fn many_groups_at_the_limit_stay_bounded() {
    for shape in [
        ("x = ", "async(a=", "1", ")=>1", ";\n"),
        ("x = ", "a<", "1", "", ";\n"),
        ("x = ", "(a=", "1", ")=>1", ";\n"),
        ("x = ", "a?(b)=>", "1", ":1", ";\n"),
        ("x = ", "a<(", "1", ")", ";\n"),
    ] {
        for depth in [127, 500] {
            let group = build(&shape, depth);
            let text = group.repeat(200_000 / group.len());
            read("a.ts", &text);
        }
    }
}

#[test]
fn long_lines_and_large_literals_are_read_or_refused() {
    read("a.js", &"function f(a){return a?f(a-1):0}".repeat(300_000));
    read("a.js", &format!("x = [{}]", "1,".repeat(500_000)));
    read("a.js", &format!("x = '{}'", "x".repeat(5_000_000)));
    read("a.js", &format!("x = `{}`", "(".repeat(1_000_000)));
    read("a.tsx", &format!("x = <a>{}</a>", "& ".repeat(500_000)));
    read("a.ts", &"\0".repeat(100_000));
    read("a.ts", &"\u{2028}é\u{feff}".repeat(10_000));
}

#[test]
fn moderate_depth_is_read_wholly() {
    for (shape, times) in [
        (&("x = ", "(", "1", ")", ""), 500),
        (&("x = ", "[", "1", "]", ""), 500),
        (&("x = ", "<a>", "", "</a>", ""), 300),
        (&("x = ", "a+", "1", "", ""), 5_000),
        (&("", "if(a)b;else ", "x", "", ""), 300),
        (&("x = a", ".b()", "", "", ""), 400),
        (&("x = ", "f(() => {", "1", "})", ""), 200),
    ] {
        let record = read("a.tsx", &build(shape, times));
        assert_eq!(record.parsed, Parsed::Full, "{}", shape.1);
    }
}

#[test]
fn too_deep_is_said_and_exports_stay() {
    let text = format!(
        "export async function GET() {{}}\nconst x = {}1{};\nexport const POST = 1\n",
        "(".repeat(2_000),
        ")".repeat(2_000)
    );
    let record = read("a.ts", &text);
    let Parsed::ExportsOnly(reason) = &record.parsed else {
        panic!("2,000 levels are too deep");
    };
    assert_eq!(reason, "nested deeper than 512 levels");
    let names: Vec<&str> = record.exports.iter().map(|export| &*export.name).collect();
    assert_eq!(names, ["GET", "POST"]);
}

#[test]
fn ordinary_text_is_no_nesting() {
    let many = |piece: &str| piece.repeat(3_000);
    for piece in [
        "const a = '(';\n",
        "const re = /[({]/.test(a) ? a / b / c : '';\n",
        "const t = `( ${ f(`(${x}`) } [`;\n",
        "// ((( don't\n/* [[[ ' */\n",
        "const el = <p>it's :( and [ {x} <b>don't</b> <br/> https://x.y/(z <Foo<T> a=\"(\" b={c => d} /></p>\n",
        "if (a < b && c > d) { e() }\n",
        "if (x) /re(/.test(y)\n",
        "const m = new Map<string, Array<Set<number>>>()\n",
        "const g = <T,>(x: T) => x\n",
        "export function h<T extends U>(a: T): Promise<T> { return f<T>(a) }\n",
        "const v = a! / b; const w = i++ / 2; x.return / 3\n",
        "type F = { a: 1 } | { b: 2 }\n",
        "case1: for (;;) { break case1 }\n",
        "const s = \"it\\\"s (\" + 'a\\'('\n",
        "{/* comment */}\n",
    ] {
        // A few discarded brackets are fine; a real file has dozens of such lines, not thousands.
        let text = piece.repeat(400);
        assert_ne!(
            std::mem::discriminant(&nesting(&text, true)),
            std::mem::discriminant(&Nesting::Refused(String::new())),
            "{piece}: {:?}",
            nesting(&text, true)
        );
    }
    let text = many("const a = f(b[c], { d: `x${e}` }) // ((\n");
    assert_eq!(nesting(&text, true), Nesting::Ordinary);
}

const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "/",
    "'",
    "\"",
    "`",
    "${",
    "=>",
    "=",
    "?",
    ":",
    ";",
    ",",
    ".",
    "?.",
    "...",
    "!",
    "@",
    "#",
    "*",
    "a",
    "b",
    "1",
    "\n",
    " ",
    "\\",
    "async ",
    "await ",
    "function ",
    "class ",
    "if",
    "else ",
    "for",
    "import ",
    "export ",
    "default ",
    "from ",
    "const ",
    "type ",
    "enum ",
    "namespace ",
    "declare ",
    "extends ",
    "yield ",
    "<a>",
    "</a>",
    "/>",
    "//",
    "/*",
    "*/",
    "'x'",
    "require('x')",
    "process.env.A",
    "module.exports",
    "'use server'",
    "readiness-ignore a -- b",
    "é",
    "\u{1F600}",
    "\r\n",
    "case ",
    "switch",
    "try",
    "catch",
    "new ",
    "typeof ",
    "as ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read(bytes in collection::vec(any::<u8>(), 0..600)) {
        let text = String::from_utf8_lossy(&bytes);
        for path in ["a.tsx", "a.ts", "a.cjs", "a.d.ts"] {
            read(path, &text);
        }
    }

    #[test]
    fn any_words_are_read(words in collection::vec(sample::select(WORDS), 0..80)) {
        let text = words.concat();
        for path in ["a.tsx", "a.test.ts", "a.js"] {
            let record = read(path, &text);
            let end = u32::try_from(text.len()).unwrap();
            assert!(record.spans.iter().all(|span| span.start <= span.end && span.end <= end));
        }
    }
}
