//! What the default export of an API route comes down to: a chain, a method map, a list of methods, or a function.

use crate::graph::ModuleId;
use crate::syntax::{
    Argument, Expr, ExprId, FunctionId, MODULE_BODY, ModuleRecord, Name, Pattern, StmtKind,
};

use super::app_router::METHODS;
use super::declared::find_in;
use super::methods::answered_by;
use super::trace::{Place, Tracer, Value};

/// Handlers that hand the request on to another function are followed this far.
pub(super) const MAX_DEPTH: u32 = 4;

/// The methods that `handler` answers, in the order of [`METHODS`]; empty when it does not tell them apart.
pub(super) fn answered(tracer: Tracer<'_>, handler: &Value) -> Vec<&'static str> {
    let mut found = Dispatch::default();
    read_handler(tracer, handler, &mut found, 0);
    if let Some(listed) = found.listed {
        return METHODS
            .into_iter()
            .filter(|method| listed.contains(method))
            .collect();
    }
    for (module, function) in found.functions {
        let named = answered_by(tracer, module, function);
        if !named.is_empty() {
            return named;
        }
    }
    Vec::new()
}

/// What a default export comes down to.
#[derive(Default)]
struct Dispatch {
    /// Methods that a chain, a method map or a list of a wrapper names.
    listed: Option<Vec<&'static str>>,
    /// Functions that may be the handler, outermost first.
    functions: Vec<(ModuleId, FunctionId)>,
}

impl Dispatch {
    fn list(&mut self, method: &'static str) {
        let listed = self.listed.get_or_insert_default();
        if !listed.contains(&method) {
            listed.push(method);
        }
    }
}

pub(super) fn method_named(text: &str) -> Option<&'static str> {
    METHODS
        .into_iter()
        .find(|method| text.eq_ignore_ascii_case(method))
}

fn read_handler(tracer: Tracer<'_>, handler: &Value, found: &mut Dispatch, depth: u32) {
    if depth > MAX_DEPTH {
        return;
    }
    match handler {
        Value::Function { module, function } => found.functions.push((*module, *function)),
        Value::Expr { place, expr } => match tracer.expr(*place, *expr) {
            Expr::Call { callee, args, .. } | Expr::New { callee, args } => {
                if read_chain(tracer, *place, *expr, found) {
                    return;
                }
                read_call(tracer, *place, *callee, args, found, depth);
            }
            Expr::Object(_) => read_map(tracer, *place, *expr, found),
            _ => {}
        },
        _ => {}
    }
}

/// A router chain: `nc().use(auth).get(h).post(h)`, or a variable of one on which methods were called, and its
/// `.handler()`.
fn read_chain(tracer: Tracer<'_>, place: Place, expr: ExprId, found: &mut Dispatch) -> bool {
    let record = tracer.record(place.module);
    let mut at = expr;
    let mut methods = Vec::new();
    let root = loop {
        match record.expr(at) {
            Expr::Call { callee, .. } => match record.expr(*callee) {
                Expr::Member {
                    object, property, ..
                } => {
                    methods.extend(chained_method(record.name(*property)));
                    at = *object;
                }
                _ => break at,
            },
            _ => break at,
        }
    };
    // Methods called on the variable that holds the router, anywhere at the top level.
    let variable = match record.expr(root) {
        Expr::Name(name) => {
            matches!(tracer.lookup(place, *name), Value::Expr { .. }).then_some(*name)
        }
        _ => find_in(
            &tracer.function(place.module, MODULE_BODY).body,
            &mut |stmt| match &stmt.kind {
                StmtKind::Let {
                    pattern: Pattern::Name(name),
                    init: Some(init),
                } if *init == expr => Some(*name),
                _ => None,
            },
        ),
    };
    if let Some(variable) = variable {
        let top = tracer.function(place.module, MODULE_BODY);
        find_in::<()>(&top.body, &mut |stmt| {
            if let StmtKind::Expr(statement) = stmt.kind {
                methods.extend(methods_called_on(record, statement, variable));
            }
            None
        });
    }
    for method in &methods {
        found.list(method);
    }
    !methods.is_empty()
}

/// The method that a router's member names; routers write it in lower case.
fn chained_method(name: &str) -> Option<&'static str> {
    (name.chars().all(|c| c.is_ascii_lowercase()))
        .then(|| method_named(name))
        .flatten()
}

fn methods_called_on(record: &ModuleRecord, expr: ExprId, variable: Name) -> Vec<&'static str> {
    let mut methods = Vec::new();
    let mut at = expr;
    while let Expr::Call { callee, .. } = record.expr(at) {
        let Expr::Member {
            object, property, ..
        } = record.expr(*callee)
        else {
            return Vec::new();
        };
        methods.extend(chained_method(record.name(*property)));
        at = *object;
    }
    if matches!(record.expr(at), Expr::Name(name) if *name == variable) {
        methods
    } else {
        Vec::new()
    }
}

/// A wrapper: the handler is among its arguments, or among those of the call that made the wrapper.
fn read_call(
    tracer: Tracer<'_>,
    place: Place,
    callee: ExprId,
    args: &[Argument],
    found: &mut Dispatch,
    depth: u32,
) {
    if let Expr::Call { args, .. } = tracer.expr(place, callee) {
        read_options(tracer, place, args, found);
    }
    read_options(tracer, place, args, found);
    for argument in args {
        let value = tracer.follow(place, argument.value);
        if let Value::Expr { place, expr } = value
            && matches!(tracer.expr(place, expr), Expr::Object(_))
        {
            read_map(tracer, place, expr, found);
        } else {
            read_handler(tracer, &value, found, depth + 1);
        }
    }
    if found.functions.is_empty() && found.listed.is_none() {
        // A factory without arguments that count: what the local function returns.
        if let Value::Function { module, function } = tracer.follow(place, callee) {
            let returned = find_in(
                &tracer.function(module, function).body,
                &mut |stmt| match stmt.kind {
                    StmtKind::Return(Some(value)) => Some(value),
                    _ => None,
                },
            );
            if let Some(returned) = returned {
                let value = tracer.follow(Place { module, function }, returned);
                read_handler(tracer, &value, found, depth + 1);
            }
        }
    }
}

/// `withMethods(["GET", "POST"], handler)`, `wrap(handler, { methods: ["GET"] })`, `wrap(handler, { method: "POST" })`.
fn read_options(tracer: Tracer<'_>, place: Place, args: &[Argument], found: &mut Dispatch) {
    for argument in args {
        if let Some(texts) = tracer.texts(place, argument.value) {
            list_all(found, &texts);
        }
        for (key, value, place) in tracer.entries(place, argument.value).unwrap_or_default() {
            match key {
                "methods" | "allowedMethods" | "allowMethods" => {
                    if let Some(texts) = tracer.texts(place, value) {
                        list_all(found, &texts);
                    }
                }
                "method" => {
                    if let Some(text) = tracer.text(place, value) {
                        list_all(found, &[text]);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Lists the methods when every text is one, written in capitals.
fn list_all(found: &mut Dispatch, texts: &[String]) {
    let methods: Option<Vec<_>> = texts
        .iter()
        .map(|text| METHODS.into_iter().find(|method| text == method))
        .collect();
    for method in methods.unwrap_or_default() {
        found.list(method);
    }
}

/// `{ GET: list, POST: create }`, keys in any case.
fn read_map(tracer: Tracer<'_>, place: Place, expr: ExprId, found: &mut Dispatch) {
    for (key, value, place) in tracer.entries(place, expr).unwrap_or_default() {
        let Some(method) = method_named(key) else {
            continue;
        };
        let value = tracer.follow(place, value);
        let is_plain = matches!(&value, Value::Expr { place, expr } if matches!(
            tracer.expr(*place, *expr),
            Expr::String(_) | Expr::Bool(_) | Expr::Number(_) | Expr::Null | Expr::Undefined
        ));
        if !is_plain {
            found.list(method);
        }
    }
}
