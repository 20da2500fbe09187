//! Paths of external values: which package, which export, which members and calls lead to a value.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::rule::{Api, ControlLibrary, wildcard};

/// An interned path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct PathId(pub u32);

/// What the library data says of a path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known<'a> {
    /// What calling it means.
    pub api: Option<&'a Api>,
    /// The entry holds for any receiver, so it rests on names.
    pub by_name: bool,
    /// It is the start of this builder.
    pub builder: Option<usize>,
    /// Calling it is expensive: the category.
    pub expensive: Option<&'a str>,
    /// Its package does no work.
    pub light: bool,
}

struct Path<'a> {
    text: Rc<str>,
    known: Known<'a>,
    /// Paths one step further, so that a step that was taken before costs no text.
    members: Vec<(Rc<str>, PathId)>,
    called: Option<PathId>,
    constructed: Option<PathId>,
}

/// All paths seen so far, with what the library says of each, looked up once.
pub(super) struct Paths<'a> {
    library: &'a ControlLibrary,
    paths: Vec<Path<'a>>,
    by_text: FxHashMap<Rc<str>, PathId>,
    unknown: Option<PathId>,
    api: Patterns<'a, &'a Api>,
    builders: Patterns<'a, usize>,
    expensive: Patterns<'a, &'a str>,
}

/// Patterns by the package that they name, and those that name any; earlier ones win.
struct Patterns<'a, T> {
    by_package: FxHashMap<&'a str, Vec<(usize, &'a str, T)>>,
    any_package: Vec<(usize, &'a str, T)>,
}

impl<'a, T: Copy> Patterns<'a, T> {
    fn new(patterns: impl Iterator<Item = (&'a str, T)>) -> Self {
        let mut by_package: FxHashMap<&'a str, Vec<(usize, &'a str, T)>> = FxHashMap::default();
        let mut any_package = Vec::new();
        for (order, (pattern, meaning)) in patterns.enumerate() {
            let package = pattern.split('#').next().unwrap_or("");
            if package.contains('*') {
                any_package.push((order, pattern, meaning));
            } else {
                by_package
                    .entry(package)
                    .or_default()
                    .push((order, pattern, meaning));
            }
        }
        Self {
            by_package,
            any_package,
        }
    }

    fn first(&self, package: &str, text: &str) -> Option<(&'a str, T)> {
        let hit = |entries: &[(usize, &'a str, T)]| {
            entries
                .iter()
                .find(|(_, pattern, _)| wildcard(pattern, text))
                .copied()
        };
        let own = self
            .by_package
            .get(package)
            .and_then(|entries| hit(entries));
        let any = hit(&self.any_package);
        let (_, pattern, meaning) = match (own, any) {
            (Some(own), Some(any)) => {
                if own.0 < any.0 {
                    own
                } else {
                    any
                }
            }
            (own, any) => own.or(any)?,
        };
        Some((pattern, meaning))
    }
}

impl<'a> Paths<'a> {
    pub fn new(library: &'a ControlLibrary) -> Self {
        let api = library
            .api
            .iter()
            .flat_map(|api| api.call.iter().map(move |pattern| (pattern.as_str(), api)));
        let builders = library.builders.iter().enumerate();
        let builders = builders
            .flat_map(|(number, builder)| builder.start.iter().map(move |p| (p.as_str(), number)));
        let expensive = library.expensive.iter();
        let expensive = expensive.flat_map(|each| {
            each.call
                .iter()
                .map(|p| (p.as_str(), each.category.as_str()))
        });
        Self {
            library,
            paths: Vec::new(),
            by_text: FxHashMap::default(),
            unknown: None,
            api: Patterns::new(api),
            builders: Patterns::new(builders),
            expensive: Patterns::new(expensive),
        }
    }

    pub fn text(&self, path: PathId) -> Rc<str> {
        Rc::clone(&self.paths[path.0 as usize].text)
    }

    pub fn known(&self, path: PathId) -> Known<'a> {
        self.paths[path.0 as usize].known
    }

    /// The path of a package's export.
    pub fn root(&mut self, package: &str, subpath: &str, name: &str) -> PathId {
        let text = match (subpath, name) {
            ("", "*" | "") => format!("{package}#"),
            ("", name) => format!("{package}#{name}"),
            (subpath, "*" | "") => format!("{package}/{subpath}#"),
            (subpath, name) => format!("{package}/{subpath}#{name}"),
        };
        self.intern(text)
    }

    pub fn member(&mut self, path: PathId, name: &str) -> PathId {
        let known = &self.paths[path.0 as usize];
        if let Some((_, member)) = known.members.iter().find(|(known, _)| **known == *name) {
            return *member;
        }
        let text = &known.text;
        let longer = if text.ends_with('#') {
            format!("{text}{name}")
        } else {
            format!("{text}.{name}")
        };
        let member = self.intern(longer);
        self.paths[path.0 as usize]
            .members
            .push((Rc::from(name), member));
        member
    }

    /// A member of something of which only the member's name is known.
    pub fn unknown_member(&mut self, name: &str) -> PathId {
        let root = match self.unknown {
            Some(root) => root,
            None => self.root("unknown", "", "value"),
        };
        self.unknown = Some(root);
        self.member(root, name)
    }

    pub fn called(&mut self, path: PathId) -> PathId {
        let known = &self.paths[path.0 as usize];
        if let Some(called) = known.called {
            return called;
        }
        // A fluent chain that comes back to itself would grow without bound.
        let called = if known.text.len() > 400 {
            path
        } else {
            self.intern(format!("{}()", known.text))
        };
        self.paths[path.0 as usize].called = Some(called);
        called
    }

    pub fn constructed(&mut self, path: PathId) -> PathId {
        let known = &self.paths[path.0 as usize];
        if let Some(constructed) = known.constructed {
            return constructed;
        }
        let constructed = self.intern(format!("{}!", known.text));
        self.paths[path.0 as usize].constructed = Some(constructed);
        constructed
    }

    pub fn intern(&mut self, text: String) -> PathId {
        if let Some(&id) = self.by_text.get(text.as_str()) {
            return id;
        }
        let text: Rc<str> = Rc::from(text);
        let known = self.look_up(&text);
        let id = PathId(u32::try_from(self.paths.len()).unwrap_or(u32::MAX));
        self.paths.push(Path {
            text: Rc::clone(&text),
            known,
            members: Vec::new(),
            called: None,
            constructed: None,
        });
        self.by_text.insert(text, id);
        id
    }

    fn look_up(&self, text: &str) -> Known<'a> {
        let package = text.split('#').next().unwrap_or("");
        let api = self.api.first(package, text);
        Known {
            api: api.map(|(_, api)| api),
            by_name: api.is_some_and(|(pattern, _)| pattern.starts_with("*#")),
            builder: self.builders.first(package, text).map(|(_, kind)| kind),
            expensive: self
                .expensive
                .first(package, text)
                .map(|(_, category)| category),
            light: self
                .library
                .light
                .iter()
                .any(|pattern| wildcard(pattern, package)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Paths;
    use crate::rule::{ControlFile, ControlLibrary, Meaning};

    #[test]
    fn a_path_is_looked_up_once_and_keeps_its_meaning() {
        let mut library = ControlLibrary::default();
        let file: ControlFile = toml::from_str(
            "[[api]]\ncall = ['@upstash/ratelimit#Ratelimit!.limit']\nis = 'limit-decision'\n",
        )
        .unwrap();
        library.add(file);
        let mut paths = Paths::new(&library);
        let class = paths.root("@upstash/ratelimit", "", "Ratelimit");
        let instance = paths.constructed(class);
        let method = paths.member(instance, "limit");
        assert_eq!(&*paths.text(method), "@upstash/ratelimit#Ratelimit!.limit");
        assert_eq!(
            paths.known(method).api.map(|api| api.is),
            Some(Meaning::LimitDecision)
        );
        assert_eq!(paths.member(instance, "limit"), method);
        let namespace = paths.root("zod", "", "*");
        let member = paths.member(namespace, "z");
        assert_eq!(&*paths.text(member), "zod#z");
    }
}
