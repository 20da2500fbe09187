//! Patterns that name routes: `GET /api/health`, `/api/public/**`, `signIn`.

use std::fmt;

/// Names routes by method and URL, or a server action by its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoutePattern {
    /// `GET`; any when absent.
    method: Option<String>,
    /// `/api/public/**`, or an action's name.
    path: String,
}

impl RoutePattern {
    /// Reads `GET /api/health`, `/api/public/**` or `signIn`. `*` stands for part of a segment, `**` for any number of
    /// segments; `[id]` in a URL is matched by `[id]`, `:id` and `*`.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let (first, second) = (words.next().unwrap_or(""), words.next());
        if words.next().is_some() {
            return Err(format!(
                "`{text}` is no route; write `GET /api/health` or `/api/public/**`"
            ));
        }
        let (method, path) = match second {
            Some(path) => (Some(first), path),
            None => (None, first),
        };
        let known = [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY",
        ];
        if let Some(method) = method {
            if !known.contains(&method) {
                let known = known.join(", ");
                return Err(format!("unknown method `{method}`; it is one of {known}"));
            }
            if !path.starts_with('/') {
                return Err(format!("the path `{path}` begins with `/`"));
            }
        }
        if path.is_empty() || (!path.starts_with('/') && path.contains('/')) {
            return Err(format!("`{text}` is no route; a path begins with `/`"));
        }
        Ok(Self {
            method: method.map(str::to_owned),
            path: path.to_owned(),
        })
    }

    /// True when it names this handler. `method` is an action's name when there is no URL.
    #[must_use]
    pub fn matches(&self, method: &str, url: Option<&str>) -> bool {
        let Some(url) = url else {
            return !self.path.starts_with('/') && segment_matches(&self.path, method);
        };
        let method_fits = match self.method.as_deref() {
            None | Some("ANY") => true,
            Some(wanted) => wanted == method || (method == "HEAD" && wanted == "GET"),
        };
        method_fits && url_matches(&self.path, url)
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.method {
            Some(method) => write!(f, "{method} {}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// True when `url` fits `pattern`; both begin with `/`.
fn url_matches(mut pattern: &str, mut url: &str) -> bool {
    // The pattern behind the last `**`, and the URL behind what that stands for.
    let mut open = None;
    loop {
        let fits = match next_segment(&mut pattern) {
            Some("**") => {
                open = Some((pattern, url));
                true
            }
            Some(part) => {
                next_segment(&mut url).is_some_and(|segment| segment_matches(part, segment))
            }
            None if next_segment(&mut url).is_none() => return true,
            None => false,
        };
        if fits {
            continue;
        }
        // The `**` stands for one segment more.
        let Some((behind, rest)) = &mut open else {
            return false;
        };
        if next_segment(rest).is_none() {
            return false;
        }
        (pattern, url) = (*behind, *rest);
    }
}

/// The first segment, which is taken off the path. Segments are short: looking at one byte after the other beats searching.
fn next_segment<'p>(path: &mut &'p str) -> Option<&'p str> {
    let rest = path.trim_start_matches('/');
    let end = rest.bytes().position(|byte| byte == b'/');
    let (segment, behind) = rest.split_at(end.unwrap_or(rest.len()));
    *path = behind;
    (!segment.is_empty()).then_some(segment)
}

/// `*` stands for any characters; a dynamic segment is the same under each framework's spelling.
fn segment_matches(pattern: &str, segment: &str) -> bool {
    fn dynamic(segment: &str) -> Option<&str> {
        segment
            .strip_prefix(':')
            .or_else(|| segment.strip_prefix('[')?.strip_suffix(']'))
    }
    if dynamic(pattern).is_some() && dynamic(pattern) == dynamic(segment) {
        return true;
    }
    if !pattern.as_bytes().contains(&b'*') {
        return pattern == segment;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| segment.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::RoutePattern;

    fn fits(pattern: &str, method: &str, url: &str) -> bool {
        RoutePattern::parse(pattern)
            .unwrap()
            .matches(method, Some(url))
    }

    #[test]
    fn stars_methods_and_dynamic_segments() {
        assert!(fits("GET /api/health", "GET", "/api/health"));
        assert!(!fits("GET /api/health", "POST", "/api/health"));
        assert!(fits("/api/public/**", "POST", "/api/public/a/b"));
        assert!(fits("/api/public/**", "POST", "/api/public"));
        assert!(!fits("/api/public/*", "POST", "/api/public/a/b"));
        assert!(fits("/api/*/hook", "POST", "/api/stripe/hook"));
        assert!(fits("/api/users/[id]", "GET", "/api/users/:id"));
        assert!(fits("/api/users/*", "GET", "/api/users/[id]"));
        assert!(fits("/api/v*x", "GET", "/api/v1x"));
        assert!(!fits("/api/**/x", "GET", "/api/a/b"));
        assert!(fits("/**/x/**/y", "GET", "/a/x/x/b/y"));
        assert!(!fits("/**/x/y", "GET", "/x/z/y"));
    }

    #[test]
    fn actions_go_by_name_and_mistakes_are_refused() {
        assert!(
            RoutePattern::parse("sign*")
                .unwrap()
                .matches("signIn", None)
        );
        assert!(
            !RoutePattern::parse("/sign*")
                .unwrap()
                .matches("signIn", None)
        );
        assert!(RoutePattern::parse("FETCH /x").is_err());
        assert!(RoutePattern::parse("GET x").is_err());
        assert!(RoutePattern::parse("api/x").is_err());
        assert!(RoutePattern::parse("").is_err());
    }
}
