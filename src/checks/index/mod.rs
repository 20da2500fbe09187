//! What the code of a repository calls, gathered once for every check that asks by name; what its variables hold; and what the
//! path of a call is.

mod module;
mod paths;
mod reach;
mod waits;

use std::sync::OnceLock;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::graph::{Graph, ModuleId};
use crate::syntax::{Expr, ExprId, Name};

use super::code::{called_name, numbered, package_of};

pub(super) use module::{ModuleIndex, bound};
pub(super) use reach::{Mentioned, Reach, Unit, mentioned_as};
pub(super) use waits::Waits;

/// The longest text that is a word of the vocabulary.
const LONGEST_WORD: usize = 48;

/// So many words a module brings that no other has.
const WORDS: usize = 32;

/// A call or construction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Site {
    /// The module that it stands in.
    pub module: ModuleId,
    /// The whole call.
    pub expr: ExprId,
}

/// The calls of a repository by the last name of what is called, tests and examples left out.
#[derive(Debug)]
pub(super) struct Index {
    calls: FxHashMap<Box<str>, Vec<Site>>,
    /// What is taken from packages under names of the modules' own, by specifier.
    imports: FxHashMap<Box<str>, Vec<(ModuleId, Name)>>,
    modules: Vec<OnceLock<ModuleIndex>>,
}

impl Index {
    /// Looks through all modules of `graph` once, except those that `side` says to lie beside the code.
    pub(super) fn new(graph: &Graph, side: &[bool]) -> Self {
        let mut calls: FxHashMap<Box<str>, Vec<Site>> = FxHashMap::default();
        let mut imports: FxHashMap<Box<str>, Vec<(ModuleId, Name)>> = FxHashMap::default();
        for ((module, record), side) in graph.modules().zip(side) {
            if *side {
                continue;
            }
            for import in &record.imports {
                if import.type_only || package_of(&import.specifier).is_none() {
                    continue;
                }
                let known = match imports.get_mut(&import.specifier) {
                    Some(known) => known,
                    None => imports.entry(import.specifier.clone()).or_default(),
                };
                known.push((module, import.local));
            }
            for (expr, written) in numbered(record) {
                let (Expr::Call { callee, .. } | Expr::New { callee, .. }) = written else {
                    continue;
                };
                let Some(name) = called_name(record, *callee) else {
                    continue;
                };
                let sites = match calls.get_mut(name) {
                    Some(sites) => sites,
                    None => calls.entry(Box::from(name)).or_default(),
                };
                sites.push(Site { module, expr });
            }
        }
        Self {
            calls,
            imports,
            modules: (0..graph.len()).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The calls of functions and methods of this name, in the order of their places.
    pub(super) fn calls(&self, name: &str) -> &[Site] {
        self.calls.get(name).map_or(&[], |sites| sites)
    }

    /// What modules take from packages of this form, as module and local name.
    pub(super) fn imports(&self, form: &str) -> Vec<(ModuleId, Name)> {
        if !form.contains('*') {
            return self.imports.get(form).cloned().unwrap_or_default();
        }
        let fitting = self
            .imports
            .iter()
            .filter(|(specifier, _)| crate::rule::wildcard(form, specifier));
        fitting.flat_map(|(_, taken)| taken).copied().collect()
    }

    /// The names that are called anywhere.
    pub(super) fn called_names(&self) -> impl Iterator<Item = &str> {
        self.calls.keys().map(|name| &**name)
    }

    /// What is known of one module's variables.
    pub(super) fn module<'i>(&'i self, graph: &Graph, id: ModuleId) -> &'i ModuleIndex {
        self.modules[id.0 as usize].get_or_init(|| ModuleIndex::new(graph.module(id)))
    }
}

/// The names and short texts of some modules, in lower case.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Each on a line of its own, with an empty line before the first.
    lines: String,
}

impl Vocabulary {
    /// Of these modules.
    pub(super) fn of(graph: &Graph, modules: impl Iterator<Item = ModuleId>) -> Self {
        let room = modules.size_hint().0 * WORDS;
        let mut words: FxHashSet<&str> = FxHashSet::with_capacity_and_hasher(room, FxBuildHasher);
        for id in modules {
            let record = graph.module(id);
            let texts = record.exprs.iter().filter_map(|expr| match expr {
                Expr::String(text) => Some(&**text),
                _ => None,
            });
            let names = record.names.iter().map(|name| &**name);
            words.extend(names.chain(texts).filter(|word| word.len() <= LONGEST_WORD));
        }
        let mut lines = String::from("\n");
        for word in words {
            // Words stand in many modules, so their letters are looked at last.
            if memchr::memchr(b'\n', word.as_bytes()).is_none() {
                lines.push_str(word);
                lines.push('\n');
            }
        }
        lines.make_ascii_lowercase();
        Self { lines }
    }

    /// One of the words fits the pattern, in which `*` may stand at its ends for any text.
    pub(super) fn has(&self, pattern: &str) -> bool {
        let inner = pattern.trim_matches('*');
        if inner.contains('*') {
            return self
                .lines
                .lines()
                .any(|word| crate::rule::wildcard(pattern, word));
        }
        let begins = if pattern.starts_with('*') { "" } else { "\n" };
        let ends = if pattern.ends_with('*') { "" } else { "\n" };
        let wanted = format!("{begins}{inner}{ends}");
        memchr::memmem::find(self.lines.as_bytes(), wanted.as_bytes()).is_some()
    }
}
