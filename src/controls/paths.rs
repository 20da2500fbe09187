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
}

/// All paths seen so far, with what the library says of each, looked up once.
pub(super) struct Paths<'a> {
    library: &'a ControlLibrary,
    paths: Vec<Path<'a>>,
    by_text: FxHashMap<Rc<str>, PathId>,
    /// Entries by the package they begin with, and those for any receiver.
    index: Index<'a>,
}

#[derive(Default)]
struct Index<'a> {
    api: Vec<(&'a str, &'a Api)>,
    builders: Vec<(&'a str, usize)>,
    expensive: Vec<(&'a str, &'a str)>,
}

impl<'a> Paths<'a> {
    pub fn new(library: &'a ControlLibrary) -> Self {
        let mut index = Index::default();
        for api in &library.api {
            index
                .api
                .extend(api.call.iter().map(|pattern| (pattern.as_str(), api)));
        }
        for (number, builder) in library.builders.iter().enumerate() {
            index.builders.extend(
                builder
                    .start
                    .iter()
                    .map(|pattern| (pattern.as_str(), number)),
            );
        }
        for expensive in &library.expensive {
            index.expensive.extend(
                expensive
                    .call
                    .iter()
                    .map(|p| (p.as_str(), expensive.category.as_str())),
            );
        }
        Self {
            library,
            paths: Vec::new(),
            by_text: FxHashMap::default(),
            index,
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
        let text = self.text(path);
        let text = if text.ends_with('#') {
            format!("{text}{name}")
        } else {
            format!("{text}.{name}")
        };
        self.intern(text)
    }

    pub fn called(&mut self, path: PathId) -> PathId {
        let text = self.text(path);
        // A fluent chain that comes back to itself would grow without bound.
        if text.len() > 400 {
            path
        } else {
            self.intern(format!("{text}()"))
        }
    }

    pub fn constructed(&mut self, path: PathId) -> PathId {
        let text = self.text(path);
        self.intern(format!("{text}!"))
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
        });
        self.by_text.insert(text, id);
        id
    }

    fn look_up(&self, text: &str) -> Known<'a> {
        let hit = |pattern: &str| wildcard(pattern, text);
        let api = self.index.api.iter().find(|(pattern, _)| hit(pattern));
        let package = text.split('#').next().unwrap_or("");
        Known {
            api: api.map(|(_, api)| *api),
            by_name: api.is_some_and(|(pattern, _)| pattern.starts_with("*#")),
            builder: self
                .index
                .builders
                .iter()
                .find(|(pattern, _)| hit(pattern))
                .map(|(_, kind)| *kind),
            expensive: self
                .index
                .expensive
                .iter()
                .find(|(pattern, _)| hit(pattern))
                .map(|(_, category)| *category),
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
