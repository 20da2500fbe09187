//! Facts that rules need without the IR.

use oxc_ast::ast::{Argument, CallExpression, ChainElement, Expression, TemplateLiteral};
use oxc_span::GetSpan;

use crate::syntax::meant::is_open;
use crate::syntax::{Key, Pattern};

use super::expression::cooked;
use super::{Lowering, here};

/// Words behind `it` and `test` that still declare one test case.
const CASE_WORDS: [&str; 9] = [
    "only",
    "skip",
    "concurrent",
    "sequential",
    "failing",
    "fails",
    "todo",
    "fixme",
    "slow",
];

impl<'a> Lowering<'a> {
    /// Notes what a call says by its callee alone: `console.log(…)`, `require('x')`, `it(…)`.
    pub(super) fn note_call(&mut self, node: &CallExpression<'a>) {
        match &node.callee {
            Expression::StaticMemberExpression(member) => {
                if let Expression::Identifier(object) = &member.object
                    && object.name.as_str() == "console"
                {
                    let method = Box::from(member.property.name.as_str());
                    self.facts.console_calls.push((method, here(node.span)));
                }
            }
            Expression::Identifier(callee) if callee.name.as_str() == "require" => {
                if let Some(source) = required(node) {
                    self.add_request(source.0, false, source.1);
                }
            }
            _ => {}
        }
        let sends = match &node.callee {
            Expression::Identifier(callee) => callee.name.as_str() == "fetch",
            Expression::StaticMemberExpression(member) => {
                let name = member.property.name.as_str();
                matches!(name, "fetch" | "post" | "put" | "patch")
            }
            _ => false,
        };
        if sends
            && let Some(Argument::StringLiteral(path)) = node.arguments.first()
            && path.value.starts_with('/')
        {
            self.facts.requested.push(path.value.as_str().into());
        }
        if is_test_case(&node.callee) && node.arguments.first().is_some_and(is_title) {
            self.facts.test_cases += 1;
            if let Some(Argument::StringLiteral(title)) = node.arguments.first() {
                self.facts.tests_open |= is_open(&title.value);
            }
        }
    }

    /// Notes `process.env.NAME` and `import.meta.env.NAME`.
    pub(super) fn note_env_read(
        &mut self,
        object: &Expression<'a>,
        name: &'a str,
        span: oxc_span::Span,
    ) {
        if is_env(object) || (self.is_env_alias(object) && is_variable(name)) {
            self.facts.env_reads.push((Box::from(name), here(span)));
        }
    }

    /// Notes `const env = process.env` at the top of a module.
    pub(super) fn note_env_alias(&mut self, name: &'a str, value: &Expression<'a>) {
        if is_env(value) {
            self.env_aliases.push(name);
        }
    }

    fn is_env_alias(&self, node: &Expression<'a>) -> bool {
        matches!(node, Expression::Identifier(id) if self.env_aliases.contains(&id.name.as_str()))
    }

    /// Notes `const { NAME } = process.env`.
    pub(super) fn note_env_destructuring(
        &mut self,
        pattern: &Pattern,
        value: &Expression<'a>,
        span: oxc_span::Span,
    ) {
        let Pattern::Object { properties, .. } = pattern else {
            return;
        };
        if !is_env(value) && !self.is_env_alias(value) {
            return;
        }
        for (key, _) in properties {
            if let Key::Name(name) = key
                && let Some(text) = self.names.get(name.0 as usize)
            {
                self.facts.env_reads.push((text.clone(), here(span)));
            }
        }
    }

    /// Notes a string of a test file that looks like a URL.
    pub(super) fn note_url(&mut self, text: &str, span: oxc_span::Span) {
        if self.is_test && looks_like_url(text) {
            self.facts.urls.push((Box::from(text), here(span)));
        }
    }

    /// Notes the beginning of a template of a test file; the path may stand behind a base address (`${base}/api/x`).
    pub(super) fn note_template_url(&mut self, node: &TemplateLiteral<'a>) {
        if !self.is_test {
            return;
        }
        let mut texts = node.quasis.iter().map(cooked);
        let text = match texts.next() {
            Some("") => texts.next(),
            first => first,
        };
        if let Some(text) = text {
            self.note_url(text, node.span);
        }
    }
}

/// The specifier of a call `require("x")` and where it stands.
pub(super) fn required<'a>(node: &CallExpression<'a>) -> Option<(&'a str, oxc_span::Span)> {
    match (&node.callee, node.arguments.as_slice()) {
        (Expression::Identifier(callee), [Argument::StringLiteral(source)])
            if callee.name.as_str() == "require" =>
        {
            Some((source.value.as_str(), source.span))
        }
        _ => None,
    }
}

fn looks_like_url(text: &str) -> bool {
    let path = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .or_else(|| text.strip_prefix('/'));
    path.is_some_and(|path| {
        path.bytes().next().is_some_and(|first| {
            first.is_ascii_alphanumeric() || matches!(first, b'_' | b'[' | b':' | b'$')
        }) && !path.bytes().any(|byte| byte.is_ascii_whitespace())
    })
}

/// A name as variables of the environment have them: what is read off a name like `env` may be anything.
fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `process.env`, `import.meta.env`, `globalThis.process.env`, with or without `?.` and `!`.
fn is_env(node: &Expression<'_>) -> bool {
    let (object, property) = match node {
        Expression::StaticMemberExpression(member) => (&member.object, &member.property),
        Expression::ChainExpression(chain) => match &chain.expression {
            ChainElement::StaticMemberExpression(member) => (&member.object, &member.property),
            _ => return false,
        },
        _ => match inner(node) {
            Some(inner) => return is_env(inner),
            None => return false,
        },
    };
    property.name.as_str() == "env"
        && (matches!(object, Expression::ImportMeta(_)) || is_process(object))
}

fn is_process(node: &Expression<'_>) -> bool {
    match node {
        Expression::Identifier(id) => id.name.as_str() == "process",
        Expression::StaticMemberExpression(member) => {
            member.property.name.as_str() == "process"
                && matches!(&member.object, Expression::Identifier(id) if id.name.as_str() == "globalThis")
        }
        _ => inner(node).is_some_and(is_process),
    }
}

/// What a TypeScript cast or assertion wraps.
fn inner<'n, 'a>(node: &'n Expression<'a>) -> Option<&'n Expression<'a>> {
    let wrapped = node.get_inner_expression();
    (wrapped.span() != node.span()).then_some(wrapped)
}

/// `it`, `test`, `it.only`, `test.each(…)`.
fn is_test_case(callee: &Expression<'_>) -> bool {
    match callee {
        Expression::Identifier(id) => matches!(id.name.as_str(), "it" | "test"),
        Expression::StaticMemberExpression(member) => {
            is_test_root(&member.object) && CASE_WORDS.contains(&member.property.name.as_str())
        }
        Expression::CallExpression(call) => is_each(&call.callee),
        Expression::TaggedTemplateExpression(tagged) => is_each(&tagged.tag),
        _ => false,
    }
}

fn is_each(callee: &Expression<'_>) -> bool {
    match callee {
        Expression::StaticMemberExpression(member) => {
            matches!(
                member.property.name.as_str(),
                "each" | "for" | "skipIf" | "runIf"
            ) && is_test_root(&member.object)
        }
        _ => false,
    }
}

/// `it`, `test` or one of them with a word: `it.only`.
fn is_test_root(node: &Expression<'_>) -> bool {
    match node {
        Expression::Identifier(id) => matches!(id.name.as_str(), "it" | "test"),
        Expression::StaticMemberExpression(member) => {
            matches!(&member.object, Expression::Identifier(id) if matches!(id.name.as_str(), "it" | "test"))
                && CASE_WORDS.contains(&member.property.name.as_str())
        }
        _ => false,
    }
}

/// A test's first argument is its title, which tells `test.skip('x', …)` from Playwright's `test.skip(isMobile)`.
fn is_title(argument: &Argument<'_>) -> bool {
    !matches!(
        argument,
        Argument::ArrowFunctionExpression(_)
            | Argument::FunctionExpression(_)
            | Argument::ObjectExpression(_)
            | Argument::BooleanLiteral(_)
            | Argument::UnaryExpression(_)
            | Argument::BinaryExpression(_)
            | Argument::LogicalExpression(_)
            | Argument::SpreadElement(_)
    )
}
