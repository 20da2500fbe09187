//! Handlers that only see whether a store answers: health checks, whatever their addresses are.

use crate::source::Span;
use crate::syntax::{Block, Expr, ExprId, Key, ModuleRecord, Name, Pattern, Stmt, StmtKind};

/// Methods that look something up, or only see whether somebody is there.
const ASKING: [&str; 13] = [
    "$connect",
    "$queryRaw",
    "count",
    "execute",
    "findFirst",
    "findOne",
    "from",
    "limit",
    "maybeSingle",
    "ping",
    "query",
    "select",
    "single",
];

/// The code there waits for one thing: a query that is the same each time, and it tells nothing of what that found.
pub(super) fn sees_who_answers(record: &ModuleRecord, around: Span) -> bool {
    let inside = || {
        let exprs = (0..).map(ExprId).zip(&record.exprs);
        exprs.filter(|(id, _)| around.holds(record.span(*id)))
    };
    let waited = inside().filter_map(|(_, expr)| match expr {
        Expr::Await(inner) => Some(*inner),
        _ => None,
    });
    let waited: Vec<ExprId> = waited.take(3).collect();
    if !matches!(waited.len(), 1 | 2) {
        return false;
    }
    let functions = record.functions.iter();
    let functions = functions.filter(|each| around.holds(each.span));
    let statements: Vec<&Stmt> = functions.flat_map(|each| statements(&each.body)).collect();
    let held = |waited: ExprId| {
        statements
            .iter()
            .find_map(|statement| match &statement.kind {
                StmtKind::Let {
                    pattern,
                    init: Some(init),
                } if awaits(record, *init, waited) => Some(Some(pattern)),
                StmtKind::Expr(expr) if awaits(record, *expr, waited) => Some(None),
                _ => None,
            })
    };
    // `const client = await connect()` only gives what is asked.
    let (query, root) = match (&*waited, waited.first().and_then(|first| held(*first))) {
        ([query], _) => (*query, None),
        ([made, query], Some(Some(Pattern::Name(client)))) if is_made(record, *made) => {
            (*query, Some(*client))
        }
        _ => return false,
    };
    let Some(asked) = constant(record, query) else {
        return false;
    };
    if root.is_some_and(|client| asked.root != Some(client)) {
        return false;
    }
    let is_used = |name: Name| {
        let mut names = inside();
        names.any(|(_, expr)| matches!(expr, Expr::Name(used) if *used == name))
    };
    asked.of_nothing
        || match held(query) {
            Some(None) => true,
            Some(Some(Pattern::Name(name))) => !is_used(*name),
            Some(Some(Pattern::Object {
                properties,
                rest: None,
            })) => properties.iter().all(|(key, bound)| {
                matches!((key, bound), (Key::Name(key), Pattern::Name(bound))
                    if record.name(*key) == "error" || !is_used(*bound))
            }),
            _ => false,
        }
}

/// A query that is the same each time.
struct Asked {
    /// What it is asked of.
    root: Option<Name>,
    /// It reads no table: `select 1`.
    of_nothing: bool,
}

/// `db.from("a").select("id").limit(1)`, `` db.$queryRaw`select 1` ``
fn constant(record: &ModuleRecord, query: ExprId) -> Option<Asked> {
    let mut asked = Asked {
        root: None,
        of_nothing: false,
    };
    let mut at = query;
    let mut asks = false;
    loop {
        match record.expr(at) {
            Expr::Call { callee, args, .. } => {
                if let Expr::Member { property, .. } = record.expr(*callee) {
                    asks |= ASKING.contains(&record.name(*property));
                    if !ASKING.contains(&record.name(*property)) {
                        return None;
                    }
                } else if !args.is_empty() {
                    return None;
                }
                for argument in args {
                    asked.of_nothing |= literal(record, argument.value)?;
                }
                at = *callee;
            }
            Expr::Tagged { tag, .. } => {
                asked.of_nothing |= literal(record, at)?;
                asks = true;
                at = *tag;
            }
            Expr::Member { object, .. } => at = *object,
            Expr::Name(name) => {
                asked.root = Some(*name);
                return asks.then_some(asked);
            }
            _ => return None,
        }
    }
}

/// Whether it is SQL that reads no table; nothing where it is not written down wholly, or may change something.
fn literal(record: &ModuleRecord, value: ExprId) -> Option<bool> {
    let mut of_nothing = false;
    let mut open = vec![value];
    while let Some(next) = open.pop() {
        let text: &str = match record.expr(next) {
            Expr::String(text) => text,
            Expr::Tagged { texts, parts, .. } if parts.is_empty() => texts.first()?,
            other @ (Expr::Object(_) | Expr::Array(_)) => {
                other.for_each_child(&mut |child| open.push(child));
                continue;
            }
            Expr::Number(_) | Expr::Bool(_) | Expr::Null | Expr::Undefined => continue,
            _ => return None,
        };
        let text = text.trim().to_ascii_lowercase();
        let mut words = text.split_whitespace();
        // What is one word names a table or a column.
        if let (Some(first), Some(_)) = (words.next(), words.next()) {
            if first != "select" {
                return None;
            }
            of_nothing |= !words.any(|word| word == "from");
        }
    }
    Some(of_nothing)
}

fn awaits(record: &ModuleRecord, expr: ExprId, waited: ExprId) -> bool {
    matches!(record.expr(expr), Expr::Await(inner) if *inner == waited)
}

/// `connect()`
fn is_made(record: &ModuleRecord, made: ExprId) -> bool {
    matches!(record.expr(made), Expr::Call { callee, args, .. }
        if args.is_empty() && matches!(record.expr(*callee), Expr::Name(_)))
}

/// The statements of a block and of those in it that run without a condition.
fn statements(body: &Block) -> Vec<&Stmt> {
    let mut found = Vec::new();
    let mut open = vec![body];
    while let Some(block) = open.pop() {
        for statement in block {
            match &statement.kind {
                StmtKind::Try { block, .. } | StmtKind::Block(block) => open.push(block),
                _ => found.push(statement),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::sees_who_answers;
    use crate::source::Span;
    use crate::syntax::record_of;

    fn sees(body: &str) -> bool {
        let text = format!("export async function GET() {{\n{body}\n}}\n");
        let end = u32::try_from(text.len()).unwrap_or(0);
        sees_who_answers(&record_of(&text), Span::new(0, end))
    }

    #[test]
    fn who_answers_and_what_it_says() {
        assert!(sees(
            "try { const db = connect(); const { data, error } = await db.from('a').select('id').limit(1);\n\
             if (error) throw error; return Response.json({ up: true }); } catch (e) { return Response.json(e); }"
        ));
        assert!(!sees(
            "const { data } = await db.from('a').select('id').limit(1); return Response.json(data);"
        ));
        assert!(sees(
            "const { rows } = await pool.query('select now() as now'); return Response.json(rows[0]);"
        ));
        assert!(sees(
            "await db.execute(sql`select 1`); return Response.json({ ok: true });"
        ));
        assert!(sees(
            "const db = await connect(); await db.$queryRaw`SELECT 1`; return Response.json({ ok: true });"
        ));
        assert!(!sees(
            "await pool.query('delete from a'); return Response.json({ ok: true });"
        ));
        assert!(!sees(
            "await migrate(); return Response.json({ ok: true });"
        ));
        assert!(!sees(
            "await migrate(); await db.$queryRaw`SELECT 1`; return Response.json({ ok: true });"
        ));
        assert!(!sees(
            "return Response.json(await db.from('a').select('id'));"
        ));
        assert!(!sees(
            "await pool.query(`select pg_sleep(${n})`); return Response.json({});"
        ));
    }
}
