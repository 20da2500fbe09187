//! Controls of the team's own: the functions that `[controls.<kind>]` of `readiness.toml` names, and what calling them
//! means.
//!
//! A function of the repository is still evaluated, so that whatever else it does is seen; a function of a package
//! becomes an entry of the library.

use std::borrow::Cow;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::config::{Config, ControlPart, NamedControl};
use crate::graph::{Graph, ModuleId, Symbol};
use crate::rule::{Api, Control, ControlLibrary, Meaning, nearest};
use crate::source::{RepoPath, Span};
use crate::syntax::{ExprId, Name};

use super::call::Use;
use super::evaluator::Evaluator;
use super::record::{Event, Failure};
use super::state::{Outcomes, State, value};
use super::value::{Bits, Native, Presence, Provenance, ResponseKind, Value};

/// What a function of the repository is, as the team says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Role {
    control: Control,
    part: ControlPart,
    /// Its name in evidence: an index into [`TeamControls::names`].
    name: usize,
}

/// What `[controls.<kind>]` names, found in the code.
#[derive(Debug, Default)]
pub struct TeamControls {
    names: Vec<String>,
    by_name: FxHashMap<(ModuleId, Name), Vec<Role>>,
    by_expr: FxHashMap<(ModuleId, ExprId), Vec<Role>>,
    packages: Vec<Api>,
    /// Names that are defined nowhere: where they stand in `readiness.toml`, and what to say of them.
    pub unknown: Vec<(Span, String)>,
}

impl TeamControls {
    /// Finds what the configuration names.
    #[must_use]
    pub fn find(config: &Config, graph: &Graph) -> Self {
        let mut found = Self::default();
        for named in &config.controls {
            found.add(named, graph);
        }
        found
    }

    /// The library with the entries for packages in front.
    #[must_use]
    pub fn library<'a>(&self, library: &'a ControlLibrary) -> Cow<'a, ControlLibrary> {
        if self.packages.is_empty() {
            return Cow::Borrowed(library);
        }
        let mut library = library.clone();
        library.api.splice(0..0, self.packages.iter().cloned());
        Cow::Owned(library)
    }

    /// What the team says of a name at the top level of a module.
    pub(super) fn of_name(&self, module: ModuleId, name: Name) -> &[Role] {
        // Most repositories name none.
        if self.by_name.is_empty() {
            return &[];
        }
        self.by_name.get(&(module, name)).map_or(&[], |roles| roles)
    }

    /// What the team says of a default export.
    pub(super) fn of_expr(&self, module: ModuleId, expr: ExprId) -> &[Role] {
        if self.by_expr.is_empty() {
            return &[];
        }
        self.by_expr.get(&(module, expr)).map_or(&[], |roles| roles)
    }

    fn add(&mut self, named: &NamedControl, graph: &Graph) {
        let (place, name) = match named.text.rsplit_once('#') {
            Some((place, name)) => (Some(place), name),
            None => (None, named.text.as_str()),
        };
        let role = Role {
            control: named.control,
            part: named.part,
            name: self.names.len(),
        };
        self.names.push(name.to_owned());
        let mut hit = false;
        for (module, record) in graph.modules() {
            if place.is_none_or(|place| is_module(&record.path, place)) {
                match graph.export(module, name) {
                    Symbol::Local { module, name } => {
                        add(self.by_name.entry((module, name)).or_default(), role);
                        hit = true;
                    }
                    Symbol::Expr { module, expr } => {
                        add(self.by_expr.entry((module, expr)).or_default(), role);
                        hit = true;
                    }
                    _ => {}
                }
            }
            // Imported from a package, under whatever name.
            for import in &record.imports {
                if let Some(Symbol::External {
                    package,
                    subpath,
                    name: exported,
                }) = graph.binding(module, import.local)
                    && *exported == *name
                    && place.is_none_or(|place| place == &*import.specifier)
                {
                    hit = true;
                    let subpath = if subpath.is_empty() {
                        String::new()
                    } else {
                        format!("/{subpath}")
                    };
                    self.package(named, format!("{package}{subpath}#{name}"));
                }
            }
        }
        if !hit {
            self.unknown
                .push((named.span, unknown(named, place, name, graph)));
        }
    }

    fn package(&mut self, named: &NamedControl, call: String) {
        let Some(is) = meaning(named.control, named.part) else {
            return;
        };
        if self.packages.iter().any(|api| api.call.contains(&call)) {
            return;
        }
        let mut calls = vec![call];
        if named.control == Control::Logging {
            // `log.info(…)`
            calls.push(format!("{}.*", calls[0]));
        }
        self.packages.push(Api {
            call: calls,
            is,
            status: None,
            limit: None,
            gives: None,
            secrets: Vec::new(),
            context: Vec::new(),
            provider: None,
            own_limit: None,
            from: Vec::new(),
            effect: None,
            contract: None,
        });
    }
}

fn add(roles: &mut Vec<Role>, role: Role) {
    if !roles.contains(&role) {
        roles.push(role);
    }
}

/// What a call of a package's function means.
fn meaning(control: Control, part: ControlPart) -> Option<Meaning> {
    use ControlPart::{Guard, Source, Wrapper};
    Some(match (control, part) {
        (Control::Auth, Guard) => Meaning::RequireIdentity,
        (Control::Auth, Wrapper) => Meaning::AuthWrapper,
        (Control::Auth, Source) => Meaning::Identity,
        (Control::RateLimit, Guard) => Meaning::RequireLimit,
        (Control::RateLimit, Wrapper) => Meaning::LimitMiddleware,
        (Control::RateLimit, Source) => Meaning::LimitDecision,
        (Control::Validation, Guard) => Meaning::SchemaParse,
        (Control::Validation, Wrapper) => Meaning::SchemaMiddleware,
        (Control::Validation, Source) => Meaning::SchemaCheck,
        (Control::Logging, Source) => Meaning::Log,
        (Control::Logging, Wrapper) => Meaning::TransparentWrapper,
        (Control::ErrorHandling, Wrapper) => Meaning::CatchingWrapper,
        _ => return None,
    })
}

/// Whether a module is the one that `place` means: a path from the root with or without its ending, or as it is imported.
fn is_module(path: &RepoPath, place: &str) -> bool {
    let stem = |text: &str| {
        let text = text.strip_suffix("/index").unwrap_or(text);
        text.to_owned()
    };
    let path = path.as_str();
    let bare = path.rsplit_once('.').map_or(path, |(bare, _)| bare);
    if path == place || stem(bare) == stem(place) {
        return true;
    }
    ["@/", "~/", "./"]
        .iter()
        .find_map(|alias| place.strip_prefix(alias))
        .is_some_and(|rest| {
            let bare = stem(bare);
            bare.strip_suffix(rest)
                .is_some_and(|front| front.is_empty() || front.ends_with('/'))
        })
}

fn unknown(named: &NamedControl, place: Option<&str>, name: &str, graph: &Graph) -> String {
    if let Some(place) = place {
        let here = graph
            .modules()
            .find(|(_, record)| is_module(&record.path, place));
        return match here {
            Some((module, record)) => {
                let names = graph.export_names(module);
                match nearest(name, names.iter().map(|known| &**known)) {
                    Some(near) => format!(
                        "{} exports no `{name}`, did you mean `{near}`?",
                        record.path
                    ),
                    None => format!("{} exports no `{name}`", record.path),
                }
            }
            None => format!("no module `{place}`, and nothing is imported from it"),
        };
    }
    let exports = graph
        .modules()
        .filter(|(_, record)| !record.path.is_test())
        .flat_map(|(_, record)| record.exports.iter().map(|export| &*export.name));
    match nearest(&named.text, exports) {
        Some(near) => format!("nothing exports `{name}`, did you mean `{near}`?"),
        None => format!("nothing exports `{name}`"),
    }
}

impl<'a> Evaluator<'a> {
    /// The value of something that the team names.
    pub(super) fn as_team_control(roles: &[Role], inner: Value) -> Value {
        roles.iter().fold(inner, |inner, &role| {
            Value::Native(Rc::new(Native::Team { role, inner }))
        })
    }

    /// A member of something that the team names: of a logger, its levels.
    pub(super) fn team_member(&mut self, role: Role, inner: &Value, name: &str) -> Value {
        if role.control == Control::Logging && role.part == ControlPart::Source {
            return Self::as_team_control(&[role], Value::Native(Rc::new(Native::Inert)));
        }
        self.member(inner, name, None)
    }

    /// Calls something that the team names.
    pub(super) fn call_team(
        &mut self,
        role: Role,
        inner: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        match role.part {
            ControlPart::Guard => self.call_team_guard(role, inner, args, state, id, used),
            ControlPart::Source => self.call_team_source(role, inner, args, state, id, used),
            ControlPart::Wrapper => self.call_team_wrapper(role, inner, args, state, id, used),
            ControlPart::Wrapped => self.call_team_handler(role, inner, args, state, id, used),
        }
    }

    fn team_provenance(&mut self, role: Role, state: &State, id: ExprId) -> (Provenance, u16) {
        let place = self.place(state, id);
        let note = format!("{}(), named in readiness.toml", self.team.names[role.name]);
        let origin = self.origin(place, &note, None, false);
        let (bits, status) = if role.control == Control::RateLimit {
            self.event(Event::Limiter { limit: None }, place);
            (Bits::LIMITER, 429)
        } else {
            self.event(Event::Identity, place);
            (Bits::IDENTITY, 401)
        };
        (Provenance::at(bits, origin), status)
    }

    /// The function runs as it is written; whoever comes back from it has passed the guard.
    fn call_team_guard(
        &mut self,
        role: Role,
        inner: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        if role.control == Control::Validation {
            return self.call_team_source(role, inner, args, state, id, used);
        }
        let lost = used == Use::Detached
            && matches!(inner, Value::Function(closure) if self.function(closure).is_async);
        let outcomes = self.call(inner, None, args, state.clone(), id, used);
        if lost {
            return outcomes;
        }
        let (provenance, status) = self.team_provenance(role, &state, id);
        let site = self.site(state.scope.module, id);
        let refusal = self.response(Some(status), ResponseKind::Body, provenance.clone());
        let mut all: Outcomes = Outcomes::new();
        for (state, flow) in outcomes {
            let passes = flow
                .as_ref()
                .is_ok_and(|v| !matches!(v, Value::Response(_) | Value::Bool(false)));
            all.push((state.with_fact(site, passes, provenance.clone()), flow));
        }
        all.push((state.with_fact(site, false, provenance), Err(refusal)));
        all
    }

    fn call_team_source(
        &mut self,
        role: Role,
        inner: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let place = self.place(&state, id);
        match role.control {
            Control::Logging => {
                let own = self.own();
                self.event(
                    Event::Log {
                        structured: true,
                        own,
                        by_name: false,
                    },
                    place,
                );
                value(state, Value::Undefined)
            }
            Control::Validation => {
                self.event(Event::Schema(Bits::INPUT), place);
                let outcomes = self.call(inner, None, args, state, id, used);
                let valid = |v: Value| match v {
                    Value::Unknown(mut provenance, presence) => {
                        provenance.bits = provenance.bits.parsed();
                        Value::Unknown(provenance, presence)
                    }
                    v => v,
                };
                outcomes
                    .into_iter()
                    .map(|(state, flow)| (state, flow.map(valid)))
                    .collect()
            }
            _ => {
                let (mut provenance, _) = self.team_provenance(role, &state, id);
                if role.control == Control::Auth {
                    provenance.bits = provenance.bits.with(Bits::PENDING);
                }
                value(state, Value::Unknown(provenance, Presence::Maybe))
            }
        }
    }

    /// The wrapper runs as it is written; what it makes of a handler is guarded.
    fn call_team_wrapper(
        &mut self,
        role: Role,
        inner: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let is_handler = |v: &Value| matches!(v, Value::Function(_) | Value::Native(_));
        let handler = args.iter().find_map(|arg| match arg {
            Value::Object(options) => options
                .fields
                .iter()
                .find_map(|(_, v)| is_handler(v).then(|| v.clone())),
            v => is_handler(v).then(|| v.clone()),
        });
        let part = match handler {
            Some(_) => ControlPart::Wrapped,
            // `wrapper(options)(handler)`
            None => ControlPart::Wrapper,
        };
        let role = Role { part, ..role };
        let outcomes = self.call(inner, None, args, state, id, used);
        let wrapped = |v: Value| {
            let inner = match (&v, &handler) {
                (Value::Function(_) | Value::Native(_), _) | (_, None) => v,
                // What the wrapper gives cannot be seen; the handler can.
                (_, Some(handler)) => handler.clone(),
            };
            Self::as_team_control(&[role], inner)
        };
        outcomes
            .into_iter()
            .map(|(state, flow)| (state, flow.map(wrapped)))
            .collect()
    }

    fn call_team_handler(
        &mut self,
        role: Role,
        inner: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
        used: Use,
    ) -> Outcomes {
        let place = self.place(&state, id);
        match role.control {
            Control::Auth | Control::RateLimit => {
                let (provenance, status) = self.team_provenance(role, &state, id);
                let site = self.site(state.scope.module, id);
                let answer = self.response(Some(status), ResponseKind::Body, provenance.clone());
                let refused = state.clone().with_fact(site, false, provenance.clone());
                let passed = state.with_fact(site, true, provenance);
                let mut outcomes = self.call(inner, None, args, passed, id, used);
                outcomes.push((refused, Ok(answer)));
                outcomes
            }
            Control::ErrorHandling => {
                self.event(Event::Boundary, place);
                self.protection.push(Failure::Answered);
                let outcomes = self.call(inner, None, args, state, id, used);
                self.protection.pop();
                outcomes
            }
            Control::Logging => {
                self.event(
                    Event::Log {
                        structured: true,
                        own: true,
                        by_name: false,
                    },
                    place,
                );
                self.call(inner, None, args, state, id, used)
            }
            _ => {
                self.event(Event::Schema(Bits::INPUT), place);
                self.call(inner, None, args, state, id, used)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_module;
    use crate::source::RepoPath;

    #[test]
    fn modules_by_path_and_as_they_are_imported() {
        let is = |path: &str, place: &str| is_module(&RepoPath::new(path), place);
        assert!(is("apps/web/lib/auth.ts", "apps/web/lib/auth.ts"));
        assert!(is("apps/web/lib/auth.ts", "apps/web/lib/auth"));
        assert!(is("apps/web/lib/auth/index.ts", "@/lib/auth"));
        assert!(is("src/lib/auth.ts", "~/lib/auth"));
        assert!(!is("src/lib/oauth.ts", "@/auth"));
        assert!(!is("apps/web/lib/auth.ts", "lib/auth"));
    }
}
