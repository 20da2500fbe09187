//! Which methods a Pages Router handler answers: the handler is run once per method, with `req.method` known and
//! everything else unknown, and what it answers on the way is looked at.

mod condition;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::syntax::{
    Argument, Block, Case, Expr, ExprId, FunctionId, ModuleRecord, Name, Pattern, Stmt, StmtKind,
};

use super::app_router::METHODS;
use super::dispatch::MAX_DEPTH;
use super::trace::{Place, Tracer, Value};

/// A method that no handler names: what happens to it happens to all others.
const OTHER: &str = "";

/// Expressions nested deeper than this are not looked into.
const MAX_NESTING: u32 = 200;

/// The methods that a handler function tells apart and answers.
pub(super) fn answered_by(
    tracer: Tracer<'_>,
    module: ModuleId,
    function: FunctionId,
) -> Vec<&'static str> {
    let mut run = Run {
        tracer,
        method: OTHER,
        named: Vec::new(),
        depth: 0,
        nesting: 0,
        known: FxHashMap::default(),
    };
    let others = run.run(module, function);
    let runs = METHODS.map(|method| {
        run.method = method;
        run.known.clear();
        (method, run.run(module, function))
    });
    // Names behind a branch that only one method takes are seen late: which ones there are is known after all runs.
    let answered = runs
        .into_iter()
        .filter(|(method, paths)| run.named.contains(method) && (paths.served || paths.handed));
    let mut methods: Vec<&'static str> = answered.map(|(method, _)| method).collect();
    if methods.is_empty() && !others.served {
        // Every method is refused, the named ones in a way of their own.
        methods = METHODS
            .into_iter()
            .filter(|method| run.named.contains(method))
            .collect();
    }
    if others.served {
        // Preflight requests that are answered apart make no route of their own.
        methods.retain(|method| !matches!(*method, "OPTIONS" | "HEAD"));
        if !methods.is_empty() {
            methods.push("ANY");
        }
    }
    methods
}

/// One run of a handler for one method.
struct Run<'a> {
    tracer: Tracer<'a>,
    method: &'static str,
    /// Methods that the handler compares with.
    named: Vec<&'static str>,
    /// Calls followed from the handler.
    depth: u32,
    /// Expressions looked into, one inside the other.
    nesting: u32,
    /// Functions already run for this method.
    known: FxHashMap<(ModuleId, FunctionId), Paths>,
}

/// What has been answered on the paths so far. The first answer of a path is the one that the client sees.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Paths {
    /// A path on which nothing was answered yet.
    silent: bool,
    /// A path on which an error was answered.
    refused: bool,
    /// A path on which something else was.
    served: bool,
    /// A path that was handed to code which cannot be seen.
    handed: bool,
}

impl Paths {
    const SILENT: Self = Self {
        silent: true,
        refused: false,
        served: false,
        handed: false,
    };
    const REFUSED: Self = Self {
        silent: false,
        refused: true,
        served: false,
        handed: false,
    };
    const SERVED: Self = Self {
        silent: false,
        refused: false,
        served: true,
        handed: false,
    };
    const HANDED: Self = Self {
        silent: false,
        refused: false,
        served: false,
        handed: true,
    };

    fn any(self) -> bool {
        self.silent || self.refused || self.served || self.handed
    }

    fn join(self, other: Self) -> Self {
        Self {
            silent: self.silent || other.silent,
            refused: self.refused || other.refused,
            served: self.served || other.served,
            handed: self.handed || other.handed,
        }
    }

    /// These paths, continued by something that answers as `next` does when nothing was answered before.
    fn then(self, next: Self) -> Self {
        let open = self.silent || self.handed;
        if !open {
            return self;
        }
        Self {
            silent: self.silent && next.silent,
            refused: self.refused || next.refused,
            served: self.served || next.served,
            handed: next.handed || (self.handed && next.silent),
        }
    }

    /// As the last word: what was handed over is answered there.
    fn settled(self) -> Self {
        if !self.handed {
            return self;
        }
        Self {
            handed: false,
            served: true,
            ..self
        }
    }
}

/// The names that matter in one function.
struct Names {
    place: Place,
    request: Option<Name>,
    response: Option<Name>,
}

/// Where a block can end.
#[derive(Default)]
struct Flow {
    /// Behind its last statement.
    on: Paths,
    /// At a `break`.
    broken: Paths,
    /// At a `return`.
    done: Paths,
}

impl Run<'_> {
    /// What the paths through a function answer.
    fn run(&mut self, module: ModuleId, function: FunctionId) -> Paths {
        let own = self.tracer.function(module, function);
        let name = |position: usize| match own.params.get(position) {
            Some(Pattern::Name(name)) => Some(*name),
            _ => None,
        };
        let names = Names {
            place: Place { module, function },
            request: name(0),
            response: name(1),
        };
        if let Some(known) = self.known.get(&(module, function)) {
            return *known;
        }
        let flow = self.block(&names, &own.body, Paths::SILENT);
        let paths = flow.done.join(flow.on);
        self.known.insert((module, function), paths);
        paths
    }

    fn block(&mut self, names: &Names, block: &Block, start: Paths) -> Flow {
        let mut flow = Flow {
            on: start,
            ..Flow::default()
        };
        for stmt in block {
            if !flow.on.any() {
                break;
            }
            let next = self.stmt(names, stmt, flow.on);
            flow.on = next.on;
            flow.broken = flow.broken.join(next.broken);
            flow.done = flow.done.join(next.done);
        }
        flow
    }

    fn stmt(&mut self, names: &Names, stmt: &Stmt, start: Paths) -> Flow {
        let mut flow = Flow::default();
        match &stmt.kind {
            StmtKind::Expr(expr) => flow.on = start.then(self.answer(names, *expr)),
            // A result is wanted: `const session = await getSession(req, res)` reads, it does not answer.
            StmtKind::Let {
                init: Some(expr), ..
            } => {
                let answer = self.answer(names, *expr);
                flow.on = start.then(if answer.handed { Paths::SILENT } else { answer });
            }
            StmtKind::Return(value) => {
                let answer = match value {
                    Some(value) => self.answer(names, *value).settled(),
                    None => Paths::SILENT,
                };
                flow.done = start.then(answer);
            }
            StmtKind::Throw(_) => flow.done = start.then(Paths::REFUSED),
            StmtKind::If {
                test,
                then,
                otherwise,
            } => {
                let decided = self.test(names, *test);
                let start = start.then(self.answer(names, *test));
                if decided != Some(false) {
                    join_flow(&mut flow, self.block(names, then, start));
                }
                if decided != Some(true) {
                    join_flow(&mut flow, self.block(names, otherwise, start));
                }
            }
            StmtKind::Switch { value, cases } => {
                flow = self.switch(names, *value, cases, start);
            }
            StmtKind::Try {
                block, finalizer, ..
            } => {
                flow = self.block(names, block, start);
                let behind = self.block(names, finalizer, flow.on);
                flow.on = behind.on;
                flow.broken = flow.broken.join(behind.broken);
                flow.done = flow.done.join(behind.done);
            }
            StmtKind::Loop(each) => {
                let inside = self.block(names, &each.body, start);
                flow.on = start.join(inside.on).join(inside.broken);
                flow.done = inside.done;
            }
            StmtKind::Block(block) => flow = self.block(names, block, start),
            StmtKind::Break | StmtKind::Continue => flow.broken = start,
            StmtKind::Let { init: None, .. }
            | StmtKind::Function { .. }
            | StmtKind::Class { .. } => {
                flow.on = start;
            }
        }
        flow
    }

    fn switch(&mut self, names: &Names, value: ExprId, cases: &[Case], start: Paths) -> Flow {
        let by_method = self.is_method(names, value);
        let mut entries: Vec<usize> = Vec::new();
        let mut default = None;
        for (at, case) in cases.iter().enumerate() {
            match case.test {
                None => default = Some(at),
                Some(test) if by_method => {
                    if self.equals_method(names, test) == Some(true) {
                        entries.push(at);
                    }
                }
                Some(_) => entries.push(at),
            }
        }
        if by_method {
            entries.truncate(1);
        }
        if !by_method || entries.is_empty() {
            entries.extend(default);
        }
        let mut flow = Flow::default();
        if !by_method || (entries.is_empty() && default.is_none()) {
            flow.on = start;
        }
        for entry in entries {
            let mut on = start;
            for case in cases.iter().skip(entry) {
                let next = self.block(names, &case.body, on);
                flow.on = flow.on.join(next.broken);
                flow.done = flow.done.join(next.done);
                on = next.on;
            }
            flow.on = flow.on.join(on);
        }
        flow
    }

    /// What evaluating an expression answers: `res.status(405).end()` refuses, `res.json(…)` and `handle(req, res)` serve.
    fn answer(&mut self, names: &Names, expr: ExprId) -> Paths {
        if self.nesting > MAX_NESTING {
            return Paths::SILENT;
        }
        self.nesting += 1;
        let paths = self.answer_inside(names, expr);
        self.nesting -= 1;
        paths
    }

    fn answer_inside(&mut self, names: &Names, expr: ExprId) -> Paths {
        let record = self.tracer.record(names.place.module);
        match record.expr(expr) {
            Expr::Await(inner) => self.answer(names, *inner),
            Expr::Unary { operand, .. } => self.answer(names, *operand),
            Expr::Assign { value, .. } => self.answer(names, *value),
            Expr::Sequence(list) => list.iter().fold(Paths::SILENT, |paths, each| {
                paths.then(self.answer(names, *each))
            }),
            Expr::Conditional {
                test,
                then,
                otherwise,
            } => match self.test(names, *test) {
                Some(true) => self.answer(names, *then),
                Some(false) => self.answer(names, *otherwise),
                None => self
                    .answer(names, *then)
                    .join(self.answer(names, *otherwise)),
            },
            Expr::Logical { left, right, .. } => match self.test(names, *left) {
                Some(false) => Paths::SILENT,
                _ => {
                    let left = self.answer(names, *left);
                    left.then(self.answer(names, *right).join(Paths::SILENT))
                }
            },
            Expr::Call { callee, args, .. } => self.call(names, *callee, args),
            Expr::New { callee, args } if is_web_response(record, *callee) => {
                answer_of_init(record, args)
            }
            _ => Paths::SILENT,
        }
    }

    fn call(&mut self, names: &Names, callee: ExprId, args: &[Argument]) -> Paths {
        let record = self.tracer.record(names.place.module);
        if let Some(answer) = respond(record, names, callee, args, !self.named.is_empty()) {
            return answer;
        }
        if is_web_response(record, callee) {
            return answer_of_init(record, args);
        }
        let is = |expr: ExprId, wanted: Option<Name>| {
            wanted.is_some()
                && matches!(record.expr(expr), Expr::Name(name) if Some(*name) == wanted)
        };
        let hands_on = args
            .iter()
            .any(|argument| is(argument.value, names.response));
        if !hands_on {
            return Paths::SILENT;
        }
        // `handlers[req.method](req, res)`
        if let Expr::Index { object, index, .. } = record.expr(callee) {
            let (object, index) = (*object, *index);
            if self.is_method(names, index) && self.in_map(names, object) == Some(false) {
                return Paths::REFUSED;
            }
            return Paths::HANDED;
        }
        if self.test(names, callee) == Some(false) {
            return Paths::REFUSED;
        }
        if let Value::Function { module, function } = self.tracer.follow(names.place, callee)
            && self.depth < MAX_DEPTH
            && (module, function) != (names.place.module, names.place.function)
            && args
                .first()
                .is_some_and(|first| is(first.value, names.request))
        {
            self.depth += 1;
            let paths = self.run(module, function);
            self.depth -= 1;
            return paths;
        }
        if called_name(record, callee).is_some_and(refuses_by_name) {
            return Paths::REFUSED;
        }
        Paths::HANDED
    }
}

fn join_flow(flow: &mut Flow, other: Flow) {
    flow.on = flow.on.join(other.on);
    flow.broken = flow.broken.join(other.broken);
    flow.done = flow.done.join(other.done);
}

/// `methodNotAllowed(res)`, `notFound(res)`, `errorhandler(e, res)`.
fn refuses_by_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "");
    [
        "notallowed",
        "notfound",
        "error",
        "unauthorized",
        "forbidden",
    ]
    .iter()
    .any(|part| name.contains(part))
}

fn called_name(record: &ModuleRecord, callee: ExprId) -> Option<&str> {
    match record.expr(callee) {
        Expr::Name(name) => Some(record.name(*name)),
        Expr::Member { property, .. } => Some(record.name(*property)),
        _ => None,
    }
}

/// What a chain on the response answers, `res.status(405).json(…)`; `None` when it is no such chain. Before methods are
/// `told_apart`, a status that is computed is the error of a check that all of them pass.
fn respond(
    record: &ModuleRecord,
    names: &Names,
    callee: ExprId,
    args: &[Argument],
    told_apart: bool,
) -> Option<Paths> {
    let mut status = None;
    let mut computed = false;
    let mut answers = false;
    let (mut callee, mut args) = (callee, args);
    loop {
        let Expr::Member {
            object, property, ..
        } = record.expr(callee)
        else {
            return None;
        };
        match record.name(*property) {
            "status" | "sendStatus" | "writeHead" => {
                answers |= record.name(*property) != "status";
                match args.first().map(|first| record.expr(first.value)) {
                    Some(Expr::Number(code)) => status = Some(*code),
                    Some(_) => computed = true,
                    None => {}
                }
            }
            "json" | "send" | "end" | "redirect" | "write" | "revalidate" | "pipe" => {
                answers = true
            }
            _ => {}
        }
        match record.expr(*object) {
            Expr::Name(name)
                if Some(*name) == names.response
                    || matches!(record.name(*name), "res" | "response") =>
            {
                break;
            }
            Expr::Call {
                callee: inner,
                args: inner_args,
                ..
            } => {
                callee = *inner;
                args = inner_args;
            }
            _ => return None,
        }
    }
    Some(match status {
        Some(code) if code >= 400.0 => Paths::REFUSED,
        None if computed && !told_apart => Paths::REFUSED,
        _ if answers => Paths::SERVED,
        _ => Paths::SILENT,
    })
}

/// `Response`, `NextResponse` and their static members.
fn is_web_response(record: &ModuleRecord, callee: ExprId) -> bool {
    let named = |expr: ExprId| {
        matches!(record.expr(expr), Expr::Name(name)
            if matches!(record.name(*name), "Response" | "NextResponse"))
    };
    match record.expr(callee) {
        Expr::Member { object, .. } => named(*object),
        _ => named(callee),
    }
}

/// What a web response answers, by the status among its options: `new Response(body, { status: 405 })`.
fn answer_of_init(record: &ModuleRecord, args: &[Argument]) -> Paths {
    match status_of_init(record, args) {
        Some(status) if status >= 400 => Paths::REFUSED,
        _ => Paths::SERVED,
    }
}

/// `status` of `new Response(body, { status: 405 })`.
fn status_of_init(record: &ModuleRecord, args: &[Argument]) -> Option<u32> {
    let Expr::Object(properties) = record.expr(args.get(1)?.value) else {
        return None;
    };
    properties.iter().find_map(|property| match property {
        crate::syntax::Property::Value {
            key: crate::syntax::Key::Name(key),
            value,
        } if record.name(*key) == "status" => match record.expr(*value) {
            Expr::Number(code) if (100.0..600.0).contains(code) => Some(*code as u32),
            _ => None,
        },
        _ => None,
    })
}
