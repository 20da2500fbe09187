//! Paths as tests write them, and the tree in which they are looked up.

use rustc_hash::FxHashMap;

use crate::routes::trace::{Place, Tracer, Value};
use crate::syntax::{BinaryOp, Expr, ExprId, LogicalOp};

/// Stands for what is inserted into a text and not known.
pub(super) const HOLE: char = '\u{1}';

/// Texts longer than this are no paths.
const LONGEST: usize = 2_000;

/// The text of a path, with holes for what is not known.
pub(super) fn text(tracer: Tracer<'_>, place: Place, expr: ExprId, steps: u32) -> Option<String> {
    let steps = steps.checked_sub(1)?;
    let text_of = |expr: ExprId| text(tracer, place, expr, steps);
    let hole = || String::from(HOLE);
    let found = match tracer.expr(place, expr) {
        Expr::String(text) => text.to_string(),
        // A tag may write what it is given in another way, and leaves the path where it is.
        Expr::Template { texts, parts } | Expr::Tagged { texts, parts, .. } => {
            let mut out = String::new();
            for (at, text) in texts.iter().enumerate() {
                out += text;
                if let Some(part) = parts.get(at) {
                    out += &text_of(*part).unwrap_or_else(hole);
                }
            }
            out
        }
        Expr::Binary {
            op: BinaryOp::Add,
            left,
            right,
        } => match (text_of(*left), text_of(*right)) {
            (None, None) => return None,
            (left, right) => left.unwrap_or_else(hole) + &right.unwrap_or_else(hole),
        },
        // A setting with a default: the default is what the source says.
        Expr::Logical {
            op: LogicalOp::Or | LogicalOp::Coalesce,
            left,
            right,
        } => text_of(*left).or_else(|| text_of(*right))?,
        // `new URL("/api/x", base)`
        Expr::New { args, .. } => text_of(args.first()?.value)?,
        Expr::Call { callee, args, .. } => match tracer.follow(place, *callee) {
            // `linksUrl(id)`: what the function returns.
            Value::Function { module, function } => {
                let place = Place { module, function };
                text(tracer, place, tracer.result(place)?, steps)?
            }
            _ => match tracer.expr(place, *callee) {
                // `url.toString()`
                Expr::Member { object, .. } if args.is_empty() => text_of(*object)?,
                _ => return None,
            },
        },
        _ => match tracer.follow(place, expr) {
            Value::Expr {
                place: found,
                expr: inner,
            } if (found, inner) != (place, expr) => text(tracer, found, inner, steps)?,
            _ => return None,
        },
    };
    (found.len() <= LONGEST).then_some(found)
}

/// A path that a test writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Written {
    pub(super) segments: Vec<String>,
    /// A client may put its base address in front.
    pub(super) relative: bool,
}

/// The path of a text; what a template inserts is one segment of any text.
pub(super) fn written(text: &str) -> Option<Written> {
    let (path, relative) = match text.split_once("://") {
        Some((_, rest)) => (rest.split_once('/').map_or("", |(_, path)| path), false),
        None => {
            // A template that begins with a base address.
            let rest = text.strip_prefix(HOLE).unwrap_or(text);
            (rest.strip_prefix('/')?, true)
        }
    };
    if path.contains(char::is_whitespace) {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or("");
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let mut segments: Vec<String> = segments.map(str::to_owned).collect();
    // `/api/links${query}`
    if let Some(last) = segments.last_mut()
        && let Some(bare) = last.strip_suffix(HOLE).filter(|bare| !bare.is_empty())
    {
        *last = bare.to_owned();
    }
    (!segments.is_empty()).then_some(Written { segments, relative })
}

/// The path of a base address, where the address is one of ours as far as can be seen.
pub(super) fn base(text: &str) -> Option<Vec<String>> {
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or("");
        if !(host.starts_with("localhost") || host.starts_with("127.") || host.contains(HOLE)) {
            return None;
        }
    }
    let segments = written(text)?.segments;
    segments
        .iter()
        .all(|segment| !segment.contains(HOLE))
        .then_some(segments)
}

/// The URLs of an application, so that every path meets the one route that answers it.
#[derive(Debug)]
pub(super) struct Urls {
    nodes: Vec<Node>,
}

#[derive(Default, Debug)]
struct Node {
    fixed: FxHashMap<Box<str>, usize>,
    /// Below `[id]`.
    open: Option<usize>,
    /// At `[...rest]`.
    rest: Option<usize>,
    /// The methods that are answered here, and the URL as [`shape`] writes it.
    methods: Vec<Box<str>>,
    shape: Box<str>,
    /// The rest may be empty.
    may_be_empty: bool,
}

/// What a segment of a URL takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Segment<'s> {
    Fixed(&'s str),
    Open,
    Rest { may_be_empty: bool },
}

fn segments(url: &str) -> impl Iterator<Item = Segment<'_>> {
    let segments = url.split('/').filter(|segment| !segment.is_empty());
    segments.map(|segment| {
        if segment.starts_with("[[...") || segment.starts_with("[...") || segment == "*" {
            let may_be_empty = segment.starts_with("[[");
            Segment::Rest { may_be_empty }
        } else if segment.starts_with('[') || segment.starts_with(':') {
            Segment::Open
        } else {
            Segment::Fixed(segment)
        }
    })
}

/// A URL without the names of its parts: what is the same for `/api/[id]` and `/api/:key`.
pub(super) fn shape(url: &str) -> String {
    let mut shape = String::new();
    for segment in segments(url) {
        shape.push('/');
        match segment {
            Segment::Fixed(text) => shape.push_str(text),
            Segment::Open => shape.push(':'),
            Segment::Rest { may_be_empty } => {
                shape.push_str(if may_be_empty { "**" } else { "*" });
                break;
            }
        }
    }
    shape
}

/// Whether a URL takes any path whatever.
pub(super) fn takes_all(shape: &str) -> bool {
    matches!(shape, "/*" | "/**")
}

impl Urls {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    pub(super) fn insert(&mut self, url: &str, method: &str) {
        self.insert_as(url, &shape(url), method);
    }

    /// A URL that is answered by the route of another `shape`, unless a route of its own answers it.
    pub(super) fn insert_as(&mut self, url: &str, answering: &str, method: &str) {
        let mut at = 0;
        for segment in segments(url) {
            let node = &self.nodes[at];
            let known = match segment {
                Segment::Fixed(text) => node.fixed.get(text).copied(),
                Segment::Open => node.open,
                Segment::Rest { .. } => node.rest,
            };
            let next = known.unwrap_or(self.nodes.len());
            if known.is_none() {
                let node = &mut self.nodes[at];
                match segment {
                    Segment::Fixed(text) => {
                        node.fixed.insert(text.into(), next);
                    }
                    Segment::Open => node.open = Some(next),
                    Segment::Rest { .. } => node.rest = Some(next),
                }
                self.nodes.push(Node::default());
            }
            at = next;
            if let Segment::Rest { may_be_empty } = segment {
                self.nodes[at].may_be_empty |= may_be_empty;
                break;
            }
        }
        let node = &mut self.nodes[at];
        if node.shape.is_empty() {
            node.shape = answering.into();
        }
        if !node.methods.iter().any(|known| **known == *method) {
            node.methods.push(method.into());
        }
    }

    /// The shape of the URL that answers a path: fixed segments before open ones.
    pub(super) fn answering(&self, path: &[&str], method: &str) -> Option<&str> {
        self.below(0, path, method)
    }

    fn below(&self, at: usize, path: &[&str], method: &str) -> Option<&str> {
        let node = &self.nodes[at];
        let rest = node.rest.map(|rest| &self.nodes[rest]);
        let Some((first, others)) = path.split_first() else {
            let rest = rest.filter(|rest| rest.may_be_empty);
            return node
                .serves(method)
                .or_else(|| rest.and_then(|rest| rest.serves(method)));
        };
        let fixed = node.fixed.get(*first).copied();
        let mut next = fixed.into_iter().chain(node.open);
        next.find_map(|next| self.below(next, others, method))
            .or_else(|| rest.and_then(|rest| rest.serves(method)))
    }
}

impl Node {
    fn serves(&self, method: &str) -> Option<&str> {
        let mut methods = self.methods.iter();
        methods
            .any(|served| **served == *method || &**served == "ANY")
            .then_some(&*self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::{HOLE, Urls, base, shape, takes_all, written};

    fn answers(urls: &[&str], path: &str) -> Option<String> {
        let mut tree = Urls::new();
        for url in urls {
            tree.insert(url, "GET");
        }
        let path = written(path)?.segments;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        tree.answering(&path, "GET").map(str::to_owned)
    }

    fn meets(url: &str, path: &str) -> bool {
        answers(&[url], path) == Some(shape(url))
    }

    #[test]
    fn requested_paths_match_dynamic_routes() {
        assert!(meets("/api/chats/[id]", "/api/chats/42"));
        assert!(meets("/api/chats/:id", "/api/chats/{id}"));
        assert!(!meets("/api/chats", "/api/chats/42"));
        assert!(!meets("/api/chats/[id]", "/api/chats"));
        assert!(meets("/api/[...all]", "/api/a/b"));
        assert!(!meets("/api/[...all]", "/api"));
        assert!(meets("/api/[[...all]]", "/api"));
        assert!(meets("/api/*", "/api/a"));
        assert!(takes_all(&shape("/*")) && !takes_all(&shape("/api/*")));
    }

    #[test]
    fn the_nearest_route_answers() {
        let urls = ["/api/links/[id]", "/api/links/bulk", "/api/[...rest]"];
        let shape_of = |path| answers(&urls, path);
        assert_eq!(
            shape_of("/api/links/bulk").as_deref(),
            Some("/api/links/bulk")
        );
        assert_eq!(shape_of("/api/links/42").as_deref(), Some("/api/links/:"));
        assert_eq!(shape_of("/api/tags").as_deref(), Some("/api/*"));
        assert_eq!(shape_of("/api/links/bulk/more").as_deref(), Some("/api/*"));
        let mut tree = Urls::new();
        tree.insert("/links/bulk", "POST");
        tree.insert("/links/:id", "GET");
        assert_eq!(tree.answering(&["links", "bulk"], "GET"), Some("/links/:"));
        assert_eq!(tree.answering(&["links", "bulk"], "PUT"), None);
    }

    #[test]
    fn what_is_inserted_is_one_segment_of_any_text() {
        let path = format!("http://localhost:{HOLE}/api/chats/{HOLE}?all=1");
        assert!(meets("/api/chats/[id]", &path));
        assert!(!meets("/api/chats/mine", &path));
        assert!(meets("/api/chats", &format!("{HOLE}/api/chats{HOLE}")));
        assert_eq!(written("api/chats"), None);
        assert_eq!(written("/ is a text"), None);
    }

    #[test]
    fn bases_lead_to_our_own_addresses() {
        assert_eq!(base(&format!("{HOLE}/api")), Some(vec!["api".to_owned()]));
        assert_eq!(
            base(&format!("http://localhost:{HOLE}/api/v1/")).map(|path| path.len()),
            Some(2)
        );
        assert_eq!(base("https://api.example.com/v1"), None);
        assert_eq!(base("http://localhost:3000"), None);
    }
}
