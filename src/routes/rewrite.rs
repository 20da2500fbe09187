//! Rewrites of the Next.js configuration: under which other paths they serve a route.

use crate::source::Location;

/// `source` → `destination` of one rewrite.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// The path pattern that is asked for, `/v1/:path*`.
    pub source: String,
    /// The path that is served, `/api/:path*`.
    pub destination: String,
    /// Where it is written.
    pub location: Location,
}

impl Rewrite {
    /// The path, as a route is written, under which this rewrite serves the route `url`; `None` when it does not.
    #[must_use]
    pub fn alias(&self, url: &str) -> Option<String> {
        let destination = self.destination.split(['?', '#']).next()?;
        if !destination.starts_with('/') {
            return None;
        }
        let bound = bind(&segments(destination), &segments(url))?;
        let mut path = String::new();
        for segment in segments(&self.source) {
            let Some((name, _)) = parameter(segment) else {
                path.push('/');
                path += segment;
                continue;
            };
            match bound.iter().find(|(known, _)| *known == name) {
                Some((_, values)) => {
                    for value in values {
                        path.push('/');
                        path += value;
                    }
                }
                // A parameter that the destination does not use: any value.
                None => {
                    path += "/[";
                    path += name;
                    path.push(']');
                }
            }
        }
        if path.is_empty() {
            path.push('/');
        }
        (path != url).then_some(path)
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .collect()
}

/// The name of `:name`, and whether it takes several segments (`:name*`, `:name+`, `:name(.*)`).
fn parameter(segment: &str) -> Option<(&str, bool)> {
    let rest = segment.strip_prefix(':')?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    Some((name, matches!(rest, "*" | "+" | "(.*)" | "(.+)")))
}

/// What a destination's parameters stand for when it names the route.
fn bind<'p>(pattern: &[&'p str], url: &[&'p str]) -> Option<Vec<(&'p str, Vec<&'p str>)>> {
    let mut bound = Vec::new();
    let mut rest = url;
    for segment in pattern {
        match parameter(segment) {
            Some((name, true)) => {
                bound.push((name, rest.to_vec()));
                return Some(bound);
            }
            Some((name, false)) => {
                let (first, others) = rest.split_first()?;
                bound.push((name, vec![*first]));
                rest = others;
            }
            None => {
                let (first, others) = rest.split_first()?;
                if first.starts_with("[...") || first.starts_with("[[...") {
                    return Some(bound);
                }
                // A fixed segment may be what a dynamic one of the route takes.
                if first != segment && !first.starts_with('[') {
                    return None;
                }
                rest = others;
            }
        }
    }
    (rest.is_empty() || rest.iter().all(|segment| segment.starts_with("[[..."))).then_some(bound)
}

#[cfg(test)]
mod tests {
    use super::Rewrite;
    use crate::source::{Location, RepoPath};

    fn alias(source: &str, destination: &str, url: &str) -> Option<String> {
        let rewrite = Rewrite {
            source: source.to_owned(),
            destination: destination.to_owned(),
            location: Location::of_line(&RepoPath::new("next.config.js"), 1),
        };
        rewrite.alias(url)
    }

    #[test]
    fn paths_that_a_rewrite_opens() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            alias("/v1/:path*", "/api/v1/:path*", "/api/v1/users/[id]"),
            some("/v1/users/[id]")
        );
        assert_eq!(alias("/open", "/api/secret", "/api/secret"), some("/open"));
        assert_eq!(
            alias("/u/:id", "/api/users/:id", "/api/users/[id]"),
            some("/u/[id]")
        );
        assert_eq!(
            alias("/u/:id/x", "/api/users", "/api/users"),
            some("/u/[id]/x")
        );
        assert_eq!(alias("/v1/:path*", "/api/v1/:path*", "/api/v2/users"), None);
        assert_eq!(
            alias("/ingest/:path*", "https://example.com/:path*", "/api/x"),
            None
        );
        assert_eq!(alias("/api/x", "/api/x", "/api/x"), None);
    }
}
