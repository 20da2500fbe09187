//! The IR as text, for tests.

use crate::syntax::{
    Argument, AssignOp, ClassId, Expr, ExprId, FunctionId, Key, MemberValue, ModuleRecord, Pattern,
    Property, Stmt, StmtKind,
};

/// Renders parts of a record.
pub struct Show<'r>(pub &'r ModuleRecord);

impl Show<'_> {
    /// The module's body.
    pub fn body(&self) -> String {
        self.block(&self.0.functions[0].body)
    }

    fn list<T>(&self, items: &[T], show: impl Fn(&T) -> String) -> String {
        items.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    fn exprs(&self, ids: &[ExprId]) -> String {
        self.list(ids, |&id| self.expr(id))
    }

    fn args(&self, args: &[Argument]) -> String {
        self.list(args, |argument| {
            let dots = if argument.spread { "..." } else { "" };
            format!("{dots}{}", self.expr(argument.value))
        })
    }

    fn key(&self, key: Key) -> String {
        match key {
            Key::Name(name) => self.0.name(name).to_string(),
            Key::Computed(id) => format!("[{}]", self.expr(id)),
        }
    }

    fn template(&self, texts: &[Box<str>], parts: &[ExprId]) -> String {
        let mut out = String::from("`");
        for (at, text) in texts.iter().enumerate() {
            out.push_str(text);
            if let Some(&part) = parts.get(at) {
                out.push_str(&format!("${{{}}}", self.expr(part)));
            }
        }
        out + "`"
    }

    pub fn expr(&self, id: ExprId) -> String {
        let dot = |optional: bool, plain: &'static str, chain: &'static str| {
            if optional { chain } else { plain }
        };
        match self.0.expr(id) {
            Expr::Undefined => "undefined".into(),
            Expr::Null => "null".into(),
            Expr::Bool(value) => value.to_string(),
            Expr::Number(value) => value.to_string(),
            Expr::String(text) => format!("{text:?}"),
            Expr::Template { texts, parts } => self.template(texts, parts),
            Expr::Regex(text) => format!("/{text}/"),
            Expr::Name(name) => self.0.name(*name).into(),
            Expr::This => "this".into(),
            Expr::Super => "super".into(),
            Expr::Member {
                object,
                property,
                optional,
            } => format!(
                "{}{}{}",
                self.expr(*object),
                dot(*optional, ".", "?."),
                self.0.name(*property)
            ),
            Expr::Index {
                object,
                index,
                optional,
            } => format!(
                "{}{}[{}]",
                self.expr(*object),
                dot(*optional, "", "?."),
                self.expr(*index)
            ),
            Expr::Call {
                callee,
                args,
                optional,
            } => format!(
                "{}{}({})",
                self.expr(*callee),
                dot(*optional, "", "?."),
                self.args(args)
            ),
            Expr::New { callee, args } => {
                format!("new {}({})", self.expr(*callee), self.args(args))
            }
            Expr::Tagged { tag, texts, parts } => {
                format!("{}{}", self.expr(*tag), self.template(texts, parts))
            }
            Expr::Import(source) => format!("import({})", self.expr(*source)),
            Expr::Await(value) => format!("await {}", self.expr(*value)),
            Expr::Yield { value, delegate } => format!(
                "yield{} {}",
                if *delegate { "*" } else { "" },
                value.map_or(String::new(), |value| self.expr(value))
            ),
            Expr::Object(properties) => format!(
                "{{{}}}",
                self.list(properties, |property| match property {
                    Property::Value { key, value } =>
                        format!("{}: {}", self.key(*key), self.expr(*value)),
                    Property::Getter { key, function } =>
                        format!("get {} {}", self.key(*key), self.function(*function)),
                    Property::Spread(value) => format!("...{}", self.expr(*value)),
                })
            ),
            Expr::Array(items) => format!("[{}]", self.args(items)),
            Expr::Function(function) => self.function(*function),
            Expr::Class(class) => self.class(*class),
            Expr::Unary { op, operand } => format!("{op:?}({})", self.expr(*operand)),
            Expr::Binary { op, left, right } => {
                format!("({} {op:?} {})", self.expr(*left), self.expr(*right))
            }
            Expr::Logical { op, left, right } => {
                format!("({} {op:?} {})", self.expr(*left), self.expr(*right))
            }
            Expr::Conditional {
                test,
                then,
                otherwise,
            } => format!(
                "({} ? {} : {})",
                self.expr(*test),
                self.expr(*then),
                self.expr(*otherwise)
            ),
            Expr::Assign { target, op, value } => {
                let op = match op {
                    AssignOp::Set => "=".into(),
                    AssignOp::Logical(op) => format!("{op:?}="),
                    AssignOp::Update => "?=".into(),
                };
                format!("{} {op} {}", self.pattern(target), self.expr(*value))
            }
            Expr::Sequence(parts) => format!("({})", self.exprs(parts)),
            Expr::Jsx { component, inner } => {
                let (tag, children) = inner.split_at(usize::from(*component));
                format!("<{} {}>", self.exprs(tag), self.exprs(children))
            }
            Expr::Opaque(parts) => format!("opaque({})", self.exprs(parts)),
        }
    }

    pub fn function(&self, id: FunctionId) -> String {
        let function = self.0.function(id);
        format!(
            "{}{}{}{} {}({}) {{{}}}",
            if function.is_async { "async " } else { "" },
            if function.is_arrow { "arrow" } else { "fn" },
            if function.is_generator { "*" } else { "" },
            if function.use_server { " server" } else { "" },
            function.name.map_or("", |name| self.0.name(name)),
            self.list(&function.params, |param| self.pattern(param)),
            self.block(&function.body)
        )
    }

    pub fn class(&self, id: ClassId) -> String {
        let class = self.0.class(id);
        let mut out = String::new();
        for &decorator in &class.decorators {
            out.push_str(&format!("@{} ", self.expr(decorator)));
        }
        out.push_str(&format!(
            "class {}",
            class.name.map_or("", |name| self.0.name(name))
        ));
        if let Some(superclass) = class.superclass {
            out.push_str(&format!(" extends {}", self.expr(superclass)));
        }
        out.push_str(" {");
        if let Some(constructor) = class.constructor {
            out.push_str(&format!(" {};", self.function(constructor)));
        }
        for member in &class.members {
            out.push(' ');
            for &decorator in &member.decorators {
                out.push_str(&format!("@{} ", self.expr(decorator)));
            }
            if member.is_static {
                out.push_str("static ");
            }
            out.push_str(&self.key(member.key));
            match member.value {
                MemberValue::Method(function) => {
                    out.push_str(&format!(": {};", self.function(function)));
                }
                MemberValue::Getter(function) => {
                    out.push_str(&format!(": get {};", self.function(function)));
                }
                MemberValue::Field(value) => out.push_str(&format!(
                    " = {};",
                    value.map_or(String::new(), |value| self.expr(value))
                )),
            }
        }
        out + " }"
    }

    pub fn pattern(&self, pattern: &Pattern) -> String {
        match pattern {
            Pattern::Name(name) => self.0.name(*name).into(),
            Pattern::Member(member) => self.expr(*member),
            Pattern::Object { properties, rest } => {
                let mut parts: Vec<String> = properties
                    .iter()
                    .map(|(key, inner)| format!("{}: {}", self.key(*key), self.pattern(inner)))
                    .collect();
                parts.extend(rest.iter().map(|rest| format!("...{}", self.pattern(rest))));
                format!("{{{}}}", parts.join(", "))
            }
            Pattern::Array { elements, rest } => {
                let mut parts: Vec<String> = elements
                    .iter()
                    .map(|element| {
                        element
                            .as_ref()
                            .map_or(String::new(), |inner| self.pattern(inner))
                    })
                    .collect();
                parts.extend(rest.iter().map(|rest| format!("...{}", self.pattern(rest))));
                format!("[{}]", parts.join(", "))
            }
            Pattern::Default { pattern, default } => {
                format!("{} = {}", self.pattern(pattern), self.expr(*default))
            }
            Pattern::Rest(inner) => format!("...{}", self.pattern(inner)),
        }
    }

    pub fn block(&self, block: &[Stmt]) -> String {
        self.list_with(block, "; ")
    }

    fn list_with(&self, block: &[Stmt], separator: &str) -> String {
        block
            .iter()
            .map(|stmt| self.stmt(stmt))
            .collect::<Vec<_>>()
            .join(separator)
    }

    fn stmt(&self, stmt: &Stmt) -> String {
        match &stmt.kind {
            StmtKind::Expr(value) => self.expr(*value),
            StmtKind::Let { pattern, init } => match init {
                Some(init) => format!("let {} = {}", self.pattern(pattern), self.expr(*init)),
                None => format!("let {}", self.pattern(pattern)),
            },
            StmtKind::Function { function, .. } => self.function(*function),
            StmtKind::Class { class, .. } => self.class(*class),
            StmtKind::Return(value) => match value {
                Some(value) => format!("return {}", self.expr(*value)),
                None => "return".into(),
            },
            StmtKind::Throw(value) => format!("throw {}", self.expr(*value)),
            StmtKind::If {
                test,
                then,
                otherwise,
            } => format!(
                "if ({}) {{{}}} else {{{}}}",
                self.expr(*test),
                self.block(then),
                self.block(otherwise)
            ),
            StmtKind::Switch { value, cases } => format!(
                "switch ({}) {{{}}}",
                self.expr(*value),
                cases
                    .iter()
                    .map(|case| format!(
                        "{}: {}",
                        case.test
                            .map_or("default".into(), |test| format!("case {}", self.expr(test))),
                        self.block(&case.body)
                    ))
                    .collect::<Vec<_>>()
                    .join(" | ")
            ),
            StmtKind::Try {
                block,
                handler,
                finalizer,
            } => format!(
                "try {{{}}} {}finally {{{}}}",
                self.block(block),
                handler.as_ref().map_or(String::new(), |handler| format!(
                    "catch ({}) {{{}}} ",
                    handler
                        .param
                        .as_ref()
                        .map_or(String::new(), |param| self.pattern(param)),
                    self.block(&handler.body)
                )),
                self.block(finalizer)
            ),
            StmtKind::Loop(it) => {
                let each = it.each.as_ref().map_or(String::new(), |(pattern, over)| {
                    format!("{} of {}", self.pattern(pattern), self.expr(*over))
                });
                format!(
                    "loop{}{} ({}{}; {}; {}) {{{}}}",
                    if it.awaits { " await" } else { "" },
                    if it.runs_at_least_once { " once" } else { "" },
                    self.block(&it.init),
                    each,
                    it.test.map_or(String::new(), |test| self.expr(test)),
                    it.update.map_or(String::new(), |update| self.expr(update)),
                    self.block(&it.body)
                )
            }
            StmtKind::Block(block) => format!("{{{}}}", self.block(block)),
            StmtKind::Break => "break".into(),
            StmtKind::Continue => "continue".into(),
        }
    }
}
