//! tree-sitter's two TypeScript grammars, for patterns and for the fallback.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ast_grep_core::Language;
use ast_grep_core::matcher::PatternBuilder;
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};
use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// Parsing stops after this long.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Which grammar reads a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Grammar {
    /// `.ts`, where `<T>x` is a cast.
    TypeScript,
    /// Everything else, JavaScript too.
    Tsx,
}

impl Grammar {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::TypeScript, Self::Tsx];

    /// The grammar for a file with this extension.
    pub(super) fn of(extension: Option<&str>) -> Self {
        match extension {
            Some("ts" | "mts" | "cts") => Self::TypeScript,
            _ => Self::Tsx,
        }
    }

    /// Parses `text`, or gives up after a second.
    pub(super) fn parse(self, text: &str) -> Option<Tree> {
        let mut parser = Parser::new();
        parser.set_language(&self.get_ts_language()).ok()?;
        let started = Instant::now();
        let mut watch = |_: &ParseState| {
            if started.elapsed() > TIMEOUT {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let options = ParseOptions::new().progress_callback(&mut watch);
        let bytes = text.as_bytes();
        parser.parse_with_options(
            &mut |offset, _| bytes.get(offset..).unwrap_or_default(),
            None,
            Some(options),
        )
    }
}

impl Language for Grammar {
    fn kind_to_id(&self, kind: &str) -> u16 {
        self.get_ts_language().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.get_ts_language()
            .field_id_for_name(field)
            .map(std::num::NonZero::get)
    }

    fn build_pattern(
        &self,
        builder: &PatternBuilder<'_>,
    ) -> Result<ast_grep_core::Pattern, ast_grep_core::PatternError> {
        builder.build(|source| StrDoc::try_new(source, *self))
    }
}

impl LanguageExt for Grammar {
    fn get_ts_language(&self) -> TSLanguage {
        match self {
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        }
    }
}
