//! `[check.units-tested]`: units of code against the tests that import them.

use rustc_hash::FxHashSet;

use crate::controls::Status;
use crate::finding::Related;
use crate::graph::{Link, ModuleId, Symbol};
use crate::model::{Count, Model, Part};
use crate::rule::{Confidence, Control, UnitsTested, wildcard};
use crate::source::{Location, Span};
use crate::syntax::{
    Argument, ExportTarget, Expr, ExprId, Function, Import, Imported, ModuleRecord, Name, Property,
    StmtKind,
};

use super::CheckResult;
use super::code::{calls, imported, initial_value, is_side_file, statements};
use super::decisions::decides;
use super::dependency::{is_of, of_package};
use super::subject::Subject;

/// So many units without a test are shown.
const SHOWN: usize = 10;

/// So many steps lead from a handler to a unit that is tested with it.
const NEAR: usize = 2;

/// A factory that hands out more than this makes the application rather than one thing of it.
const FEW: usize = 4;

/// What tests import: modules, and names of modules.
#[derive(Debug, Default)]
pub(super) struct Tested {
    modules: FxHashSet<ModuleId>,
    names: FxHashSet<(ModuleId, Box<str>)>,
    /// Modules in the place of which a test puts something else.
    replaced: FxHashSet<ModuleId>,
}

impl Tested {
    /// Reads the imports of all tests, and of what only tests use: fixtures, render functions, setups.
    pub(super) fn new(model: &Model) -> Self {
        let graph = &model.graph;
        let mut tested = Self::default();
        let mut open: Vec<ModuleId> = graph
            .modules()
            .filter(|(_, record)| record.path.is_test_by_name() || record.facts.test_cases > 0)
            .map(|(id, _)| id)
            .collect();
        let mut seen: FxHashSet<ModuleId> = open.iter().copied().collect();
        while let Some(test) = open.pop() {
            let record = graph.module(test);
            let replaced = graph.replaced_by(test);
            tested.replaced.extend(&replaced);
            for dependency in graph.dependencies(test) {
                if replaced.contains(&dependency) {
                    continue;
                }
                if is_side_file(&graph.module(dependency).path) && seen.insert(dependency) {
                    open.push(dependency);
                }
                // `await import("./x")` takes the module whole.
                let bound = record.imports.iter().any(|import| {
                    !import.type_only
                        && matches!(graph.link(test, &import.specifier), Link::Module(target) if target == dependency)
                });
                if !bound {
                    tested.modules.insert(dependency);
                }
            }
            let mut imports: Vec<&Import> = record.imports.iter().collect();
            imports.retain(|import| {
                let itself = || match graph.link(test, &import.specifier) {
                    Link::Module(module) => !replaced.contains(&module),
                    _ => true,
                };
                !import.type_only && (replaced.is_empty() || itself())
            });
            for import in imports {
                tested.note(
                    model,
                    test,
                    import.local,
                    &import.imported,
                    &import.specifier,
                );
            }
        }
        tested
    }

    fn note(
        &mut self,
        model: &Model,
        test: ModuleId,
        local: Name,
        imported: &Imported,
        specifier: &str,
    ) {
        let graph = &model.graph;
        match graph.binding(test, local) {
            Some(Symbol::Local { module, name }) => {
                let name = graph.module(module).name(name);
                self.names.insert((module, name.into()));
            }
            Some(Symbol::Expr { module, .. }) => {
                self.names.insert((module, "default".into()));
            }
            Some(Symbol::Namespace(module)) => {
                self.modules.insert(module);
            }
            Some(Symbol::External { .. } | Symbol::Type) => {}
            _ => {
                // What could not be followed counts for the module that was asked.
                if let Link::Module(module) = graph.link(test, specifier) {
                    let name = match imported {
                        Imported::Named(name) => graph.module(test).name(*name),
                        _ => "default",
                    };
                    self.names.insert((module, name.into()));
                }
            }
        }
    }

    fn has(&self, module: ModuleId, name: Option<&str>) -> bool {
        self.modules.contains(&module)
            || name.map_or_else(
                || self.names.iter().any(|(tested, _)| *tested == module),
                |name| self.names.contains(&(module, name.into())),
            )
    }
}

pub(super) fn run(subject: &Subject<'_>, check: &UnitsTested) -> CheckResult {
    let tested = subject
        .shared()
        .tested
        .get_or_init(|| Tested::new(subject.model));
    let mut result = CheckResult::default();
    let mut missing: Vec<(Location, String)> = Vec::new();
    let mut through_routes = false;
    let mut left_out = 0;
    let mut unused = 0;
    let makers = check
        .made_by
        .iter()
        .filter_map(|entry| entry.split_once('#'));
    let makers: Vec<Maker<'_>> = makers
        .filter(|(package, _)| {
            let mut imports = of_package(package, subject.all_imports());
            imports.next().is_some()
        })
        .collect();
    let accessors = Accessors::new(subject, &check.reads);
    let mut path = String::new();
    let wanted = |name: &str| check.exports.iter().any(|pattern| named(pattern, name));
    for (id, module) in subject.modules() {
        // Names are read before paths are searched: most modules hold no such unit.
        let may_hold = check.exports.is_empty()
            || module.exports.iter().any(|export| match &export.target {
                ExportTarget::Local(local) => wanted(module.name(*local)),
                _ => wanted(&export.name),
            });
        if !may_hold || !belongs(check, &makers, module, &mut path) {
            continue;
        }
        if check.exports.is_empty() {
            if module.functions.len() < 2 || is_barrel(module) {
                continue;
            }
            // A module that makes two stores holds two.
            let units = made(&makers, module).max(1);
            let by_import = tested.has(id, None) || is_made_for_tests(subject, tested, id);
            if !by_import && !subject.live().is_live(id) {
                unused += units;
                continue;
            }
            if !by_import && check.that_decide && !decides(module) {
                left_out += units;
                continue;
            }
            if by_import || check.that_decide && is_requested(subject, id) {
                through_routes |= !by_import;
                (0..units).for_each(|_| result.covered(1.0));
            } else {
                (0..units).for_each(|_| result.silent_gap(1.0));
                let note = if tested.replaced.contains(&id) {
                    "tests put a stand-in in its place"
                } else {
                    "no test imports it"
                };
                missing.push((Location::of_line(&module.path, 1), String::from(note)));
            }
            continue;
        }
        for (exported, name, span) in functions(module, check.jsx, wanted) {
            if accessors.has(id, name, 0) {
                continue;
            }
            if tested.has(id, Some(name)) || tested.has(id, Some(exported)) {
                result.covered(1.0);
            } else {
                result.silent_gap(1.0);
                let location = module.location(span);
                missing.push((location, format!("no test imports `{name}`")));
            }
        }
    }
    let counted = Some(Count {
        part: Part::Code,
        name: check.plural.clone(),
        value: result.total as u64,
    });
    if result.total < check.at_least {
        return CheckResult {
            counted,
            ..CheckResult::default()
        };
    }
    result.counted = counted;
    if !missing.is_empty() {
        let or_routes = if through_routes {
            ", or stand behind a handler that one runs"
        } else {
            ""
        };
        let mut message = format!(
            "{} of {} {} are imported by a test{or_routes}",
            result.covered, result.total, check.plural
        );
        let beside = [
            (left_out, "in which nothing is decided"),
            (unused, "that nothing loads"),
        ];
        let beside = beside.iter().filter(|(number, _)| *number > 0);
        let beside: Vec<String> = beside
            .map(|(number, which)| format!("{number} {which}"))
            .collect();
        if !beside.is_empty() {
            message.push_str(&format!(", beside {}", beside.join(" and ")));
        }
        // A single one is what the team makes nowhere else, and most often only calls what does the work.
        let single = result.total == 1;
        if single {
            message.push_str(": is there enough in it to test?");
        }
        let related = missing.into_iter().take(SHOWN);
        let related = related.map(|(location, note)| Related { location, note });
        let finding = subject.app_finding(message).with_related(related.collect());
        let finding = if single {
            finding.at_most(Confidence::Low)
        } else {
            finding
        };
        result.findings.push(finding);
    }
    result
}

/// Tests run most of the handlers that lead to the module. What lies behind more than a function or two is asked for by too much to
/// be tested by it.
fn is_requested(subject: &Subject<'_>, id: ModuleId) -> bool {
    if !subject.reach().modules().contains(&id) {
        return false;
    }
    let parts = subject
        .index()
        .module(&subject.model.graph, id)
        .parts_count();
    let near = (0..parts).flat_map(|part| subject.reach().handlers_near((id, part), NEAR));
    let near: FxHashSet<usize> = near.collect();
    let routes = near.iter().filter_map(|at| subject.app.routes.get(*at));
    let tested = routes.filter(|route| route.status(Control::Tests) == Status::Tested);
    let tested = tested.count();
    tested > 0 && tested * 2 >= near.len()
}

/// A factory beside the module, which a test imports, makes what the module defines and hands it out:
/// `return new Orders(store)`.
fn is_made_for_tests(subject: &Subject<'_>, tested: &Tested, unit: ModuleId) -> bool {
    let graph = &subject.model.graph;
    let mut makers = graph.importers(unit).iter();
    makers.any(|&maker| {
        if subject.is_side(maker) || !tested.has(maker, None) {
            return false;
        }
        let record = graph.module(maker);
        let is_unit = |name: Name| {
            matches!(graph.binding(maker, name),
                Some(Symbol::Local { module, .. } | Symbol::Expr { module, .. }) if module == unit)
        };
        record.functions.iter().any(|function| {
            let name = function.name.map(|name| record.name(name));
            name.is_some_and(|name| tested.has(maker, Some(name)))
                && hands_out(record, function, is_unit)
        })
    })
}

/// The function returns something that it makes of what `is_unit`, by itself or in an object of few.
fn hands_out(
    record: &ModuleRecord,
    function: &Function,
    is_unit: impl Fn(Name) -> bool + Copy,
) -> bool {
    let makes = |value: ExprId| {
        let value = match record.expr(value) {
            Expr::Name(name) => initial_value(record, *name).unwrap_or(value),
            _ => value,
        };
        matches!(record.expr(value), Expr::New { callee, .. } | Expr::Call { callee, .. }
            if matches!(record.expr(*callee), Expr::Name(name) if is_unit(*name)))
    };
    statements(&function.body).any(|statement| {
        let StmtKind::Return(Some(value)) = statement.kind else {
            return false;
        };
        match record.expr(value) {
            Expr::Object(properties) if properties.len() <= FEW => properties
                .iter()
                .any(|property| matches!(property, Property::Value { value, .. } if makes(*value))),
            _ => makes(value),
        }
    })
}

/// The module lies where such units lie, or makes one. Its path is written over `path`.
fn belongs(
    check: &UnitsTested,
    makers: &[Maker<'_>],
    module: &ModuleRecord,
    path: &mut String,
) -> bool {
    if check.jsx && !module.facts.has_jsx {
        return false;
    }
    path.clear();
    path.push('/');
    path.push_str(module.path.as_str());
    path.make_ascii_lowercase();
    let name = path.len() - module.path.file_name().len();
    let name = path.get(name..).unwrap_or_default();
    let fits = |patterns: &[String]| {
        patterns.iter().any(|pattern| {
            let text = if pattern.contains('/') {
                path.as_str()
            } else {
                name
            };
            wildcard(pattern, text)
        })
    };
    let anywhere = check.files.is_empty() && check.made_by.is_empty();
    // Few modules are units, so these are told first.
    (anywhere || fits(&check.files) || made(makers, module) > 0)
        && !fits(&check.except)
        && speaks(module, &check.names)
}

/// The module speaks of one of these; of what, is asked nowhere where there are none.
fn speaks(module: &ModuleRecord, wanted: &[String]) -> bool {
    wanted.is_empty()
        || module.names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            wanted.iter().any(|pattern| wildcard(pattern, &name))
        })
}

/// A package and the export of it that makes units.
type Maker<'c> = (&'c str, &'c str);

/// How many units the module makes by calls.
fn made(makers: &[Maker<'_>], module: &ModuleRecord) -> usize {
    let used: Vec<&Maker<'_>> = makers
        .iter()
        .filter(|(package, _)| {
            let mut requests = module.requests.iter();
            requests.any(|request| !request.type_only && is_of(package, &request.specifier))
        })
        .collect();
    if used.is_empty() {
        return 0;
    }
    let makes = |specifier: &str, name: &str| {
        let mut used = used.iter();
        used.any(|(package, export)| is_of(package, specifier) && *export == name)
    };
    let seen = calls(module)
        .filter(|call| {
            imported(module, call.callee).is_some_and(|(specifier, name)| makes(specifier, name))
        })
        .count();
    // Of what runs in browsers the code is not kept: who takes a maker there makes one in a function of theirs.
    let takes = || {
        module.imports.iter().any(|import| {
            matches!(import.imported, Imported::Named(name)
                if !import.type_only && makes(&import.specifier, module.name(name)))
        })
    };
    match seen {
        0 if module.use_client && takes() => 1,
        seen => seen,
    }
}

/// A hook that reads through more hooks than this is none of those that only read.
const MOST_READS: u8 = 4;

/// Hooks that only hand on what a store or a context holds: they call hooks that read, and no hook beside them.
struct Accessors<'a> {
    subject: &'a Subject<'a>,
    reads: Vec<Maker<'a>>,
}

impl<'a> Accessors<'a> {
    fn new(subject: &'a Subject<'a>, reads: &'a [String]) -> Self {
        let reads = reads.iter().filter_map(|entry| entry.split_once('#'));
        Self {
            subject,
            reads: reads.collect(),
        }
    }

    fn has(&self, id: ModuleId, name: &str, depth: u8) -> bool {
        if self.reads.is_empty() || depth > MOST_READS {
            return false;
        }
        let graph = &self.subject.model.graph;
        let record = graph.module(id);
        let Some(function) = self.function(id, record, name) else {
            return false;
        };
        let mut reads = false;
        for call in calls(record) {
            let span = record.span(call.expr);
            if span.start < function.span.start || span.end > function.span.end {
                continue;
            }
            match self.reading(id, call.callee, depth) {
                Some(true) => reads = true,
                Some(false) => return false,
                None => {}
            }
        }
        reads
    }

    /// The function that is declared under a name.
    fn function(&self, id: ModuleId, record: &'a ModuleRecord, name: &str) -> Option<&'a Function> {
        let name = record.find_name(name)?;
        let written = match initial_value(record, name).map(|value| record.expr(value)) {
            Some(Expr::Function(function)) => *function,
            Some(_) => return None,
            None => {
                let index = self.subject.index();
                let index = index.module(&self.subject.model.graph, id);
                index.function(name)?
            }
        };
        Some(record.function(written))
    }

    /// A hook that is called here only reads; nothing where it is no hook, or not found.
    fn reading(&self, id: ModuleId, callee: ExprId, depth: u8) -> Option<bool> {
        let graph = &self.subject.model.graph;
        let record = graph.module(id);
        let local = match record.expr(callee) {
            Expr::Name(name) => *name,
            Expr::Member { property, .. } => {
                let hook = is_hook(record.name(*property));
                return (hook && imported(record, callee).is_some())
                    .then(|| self.is_read(record, callee));
            }
            _ => return None,
        };
        if !is_hook(record.name(local)) {
            return None;
        }
        let (module, name) = match graph.binding(id, local) {
            Some(Symbol::Local { module, name }) => (module, name),
            Some(Symbol::External { .. }) => return Some(self.is_read(record, callee)),
            Some(_) => return None,
            None => (id, local),
        };
        let record = graph.module(module);
        match initial_value(record, name).map(|value| record.expr(value)) {
            Some(Expr::Call { callee, .. }) => Some(self.is_made(record, *callee)),
            None | Some(Expr::Function(_)) => {
                let name = record.name(name);
                self.function(module, record, name)?;
                Some(self.has(module, name, depth + 1))
            }
            Some(_) => None,
        }
    }

    /// `create(…)`, `create<T>()(…)`
    fn is_made(&self, record: &ModuleRecord, callee: ExprId) -> bool {
        match record.expr(callee) {
            Expr::Call { callee, .. } => self.is_read(record, *callee),
            _ => self.is_read(record, callee),
        }
    }

    fn is_read(&self, record: &ModuleRecord, expr: ExprId) -> bool {
        imported(record, expr).is_some_and(|(specifier, name)| {
            let mut reads = self.reads.iter();
            reads.any(|(package, export)| is_of(package, specifier) && *export == name)
        })
    }
}

/// React's `use`, and `useChat`.
fn is_hook(name: &str) -> bool {
    name == "use" || named("use^*", name)
}

/// The module only hands on what others define.
fn is_barrel(module: &ModuleRecord) -> bool {
    let own = module.exports.iter().any(|export| {
        matches!(
            export.target,
            ExportTarget::Local(_) | ExportTarget::Expr(_)
        )
    });
    !own
}

/// `memo(Card)`, `forwardRef((props, ref) => …)`; not `createContext(null)`.
fn wraps(module: &ModuleRecord, args: &[Argument]) -> bool {
    args.first()
        .is_some_and(|first| match module.expr(first.value) {
            Expr::Function(_) | Expr::Class(_) | Expr::Call { .. } => true,
            Expr::Name(name) => named("^*", module.name(*name)),
            _ => false,
        })
}

/// Exported functions and classes with a name that is `wanted`, and what calls make of functions where `wrapped` ones count:
/// exported name, name in the module, place.
fn functions(
    module: &ModuleRecord,
    wrapped: bool,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(&str, &str, Span)> {
    let exports = module.exports.iter().filter_map(|export| {
        let place = export.span;
        match &export.target {
            ExportTarget::Local(local) => {
                let name = Some(module.name(*local)).filter(|name| wanted(name))?;
                // Declarations have no value; `memo(…)` and `forwardRef(…)` make components.
                let fits = match initial_value(module, *local).map(|value| module.expr(value)) {
                    None | Some(Expr::Function(_) | Expr::Class(_)) => true,
                    Some(Expr::Call { args, .. }) => wrapped && wraps(module, args),
                    Some(_) => false,
                };
                fits.then_some((&*export.name, name, place))
            }
            ExportTarget::Expr(expr) => {
                let is_function = matches!(module.expr(*expr), Expr::Function(_));
                (is_function && wanted(&export.name)).then_some((
                    &*export.name,
                    &*export.name,
                    place,
                ))
            }
            _ => None,
        }
    });
    let mut found: Vec<(&str, &str, Span)> = exports.collect();
    // `export { X, X as default }` is one.
    found.sort_by_key(|&(_, name, span)| (name, span));
    found.dedup_by(|later, earlier| later.1 == earlier.1);
    found.sort_by_key(|&(_, _, span)| span);
    found
}

/// `use^*` names `useChat`, not `user`; `^*` names `Button`, not `BUTTON`.
fn named(pattern: &str, name: &str) -> bool {
    let Some((begin, _)) = pattern.split_once('^') else {
        return wildcard(pattern, name);
    };
    let Some(rest) = name.strip_prefix(begin) else {
        return false;
    };
    let mut letters = rest.chars();
    letters.next().is_some_and(char::is_uppercase)
        && (!begin.is_empty() || letters.any(char::is_lowercase))
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn names_of_hooks_and_components() {
        assert!(named("use^*", "useChat"));
        assert!(!named("use^*", "user"));
        assert!(!named("use^*", "reuse"));
        assert!(named("^*", "Button"));
        assert!(!named("^*", "MAX_SIZE"));
        assert!(!named("^*", "button"));
    }
}
