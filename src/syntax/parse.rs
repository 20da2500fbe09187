//! Reading one file, guarded against hostile input.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions as OxcOptions, Parser};
use oxc_span::SourceType;

use crate::source::SourceFile;

use super::fallback;
use super::grammar::Grammar;
use super::guard::{self, Nesting};
use super::lower::{self, Bodies, Lowered};
use super::{ModuleRecord, PatternSet};
use super::{meant, suppression};

/// What to look for beside the module's own structure.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions<'a> {
    /// The patterns of all rules.
    pub patterns: &'a PatternSet,
}

/// Stack of a thread that reads any file that the guard lets through. It is reserved, not used.
const LARGE_STACK: usize = 256 << 20;

thread_local! {
    /// The parser's arena, reused from file to file.
    static ARENA: RefCell<Allocator> = RefCell::new(Allocator::new());
}

/// Parses `file` and lowers it. Never panics: a file that no parser can read comes back with what could be seen.
///
/// Function bodies of `'use client'` modules and of declaration files are looked at for facts and left empty: no
/// handler runs them.
#[must_use]
pub fn parse_module(file: &SourceFile, options: ParseOptions<'_>) -> ModuleRecord {
    let nesting = match guard::is_harmless(&file.text) {
        true if on_ample_stack() => Nesting::Ordinary,
        true => Nesting::Deep,
        false => guard::nesting(
            &file.text,
            Grammar::of(file.path.extension()) == Grammar::Tsx,
        ),
    };
    let parsed = match nesting {
        Nesting::Ordinary => read(file),
        Nesting::Deep => on_large_stack(file),
        Nesting::Refused(reason) => Err(reason),
    };
    match parsed {
        Ok(Lowered {
            mut record,
            type_arguments,
            ..
        }) => {
            record.matches = options.patterns.scan_code(file, &type_arguments);
            record
        }
        Err(reason) => {
            let mut record = fallback::exports_only(file, reason);
            record.matches = options.patterns.scan_text(&file.text);
            record
        }
    }
}

/// What is left of this thread's stack holds whatever [`guard::is_harmless`] lets through.
fn on_ample_stack() -> bool {
    stacker::remaining_stack().is_some_and(|bytes| bytes >= LARGE_STACK / 8 * 7)
}

/// Parses on a thread of its own, because this thread's stack may be small.
fn on_large_stack(file: &SourceFile) -> Result<Lowered, String> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new()
            .stack_size(LARGE_STACK)
            .spawn_scoped(scope, || read(file));
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(parsed)) => parsed,
            Ok(Err(_)) => Err(String::from("the parser failed on it")),
            Err(error) => Err(format!("no memory to parse it: {error}")),
        }
    })
}

fn read(file: &SourceFile) -> Result<Lowered, String> {
    let attempt = AssertUnwindSafe(|| {
        let mut reason = String::new();
        for source_type in source_types(file).into_iter().flatten() {
            match read_as(file, source_type) {
                Ok(record) => return Ok(record),
                Err(error) if reason.is_empty() => reason = error,
                Err(_) => {}
            }
        }
        Err(reason)
    });
    catch_unwind(attempt).unwrap_or_else(|_| Err(String::from("the parser failed on it")))
}

/// The languages to try, in this order.
fn source_types(file: &SourceFile) -> [Option<SourceType>; 3] {
    let name = file.path.file_name();
    if is_declaration(name) {
        return [Some(SourceType::d_ts()), None, None];
    }
    match file.path.extension() {
        Some("ts" | "mts" | "cts") => [Some(SourceType::ts()), None, None],
        Some("tsx") => [Some(SourceType::tsx()), None, None],
        _ => [
            Some(SourceType::mjs().with_jsx(true)),
            Some(SourceType::script().with_jsx(true)),
            // Flow's annotations are mostly TypeScript's.
            Some(SourceType::tsx()),
        ],
    }
}

fn is_declaration(file_name: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"]
        .iter()
        .any(|ending| file_name.ends_with(ending))
}

fn read_as(file: &SourceFile, source_type: SourceType) -> Result<Lowered, String> {
    ARENA.with_borrow_mut(|arena| {
        arena.reset();
        let options = OxcOptions {
            allow_return_outside_function: true,
            preserve_parens: false,
            enable_ident_hashes: false,
            ..OxcOptions::default()
        };
        let parsed = Parser::new(arena, &file.text, source_type)
            .with_options(options)
            .parse();
        if parsed.panicked {
            let message = parsed.diagnostics.first().map(ToString::to_string);
            return Err(match message {
                Some(message) => format!("syntax error: {message}"),
                None => String::from("syntax error"),
            });
        }
        let program = parsed.program;
        let is_client = program
            .directives
            .iter()
            .any(|directive| directive.directive.as_str() == "use client");
        let bodies = if source_type.is_typescript_definition() {
            Bodies::Declarations
        } else if is_client {
            Bodies::Drop
        } else {
            Bodies::Keep
        };
        let mut lowered = lower::lower(file, &program, bodies, file.path.is_test())
            .map_err(|_| format!("nested deeper than {} levels", lower::MAX_DEPTH))?;
        let comments = lower::comment_spans(&program.comments);
        let record = &mut lowered.record;
        record.suppressions = suppression::in_comments(&file.text, &record.lines, &comments);
        let any_types = &lowered.any_types;
        let allowed = suppression::allowed_any(&file.text, &record.lines, &comments, any_types);
        record.facts.any_types = lower::count(any_types.len());
        record.facts.any_allowed = lower::count(allowed);
        record.facts.meant = meant::in_comments(&file.text, &record.lines, &comments);
        Ok(lowered)
    })
}

/// What a module of these lines comes to, for tests.
#[cfg(test)]
pub(crate) fn record_of(text: &str) -> ModuleRecord {
    let patterns = PatternSet::default();
    let file = SourceFile::new(crate::source::RepoPath::new("a.ts"), text);
    parse_module(
        &file,
        ParseOptions {
            patterns: &patterns,
        },
    )
}
