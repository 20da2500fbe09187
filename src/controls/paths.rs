//! Paths of external values: which package, which export, which members and calls lead to a value.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::rule::{Api, ControlLibrary, Meaning, wildcard};

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
    /// Calling it is expensive where it sends something to one of these hosts: by category.
    pub sends: bool,
    /// Its package does no work.
    pub light: bool,
    /// Calling it puts what it is given into what it is called on.
    pub collects: bool,
    /// It, or what was called for it, opens or closes a connection.
    pub connects: bool,
}

struct Path<'a> {
    text: Rc<str>,
    known: Known<'a>,
    /// Paths one step further, so that a step that was taken before costs no text.
    members: FxHashMap<Box<str>, PathId>,
    called: Option<PathId>,
    constructed: Option<PathId>,
    /// As evidence shows it, once it was shown.
    shown: Option<Rc<str>>,
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
    sends: Patterns<'a, ()>,
    collects: Patterns<'a, ()>,
    connects: Patterns<'a, ()>,
}

/// Patterns by their last step where that is fixed, else by the package that they name; earlier ones win.
struct Patterns<'a, T> {
    by_last_step: FxHashMap<&'a str, Vec<Entry<'a, T>>>,
    by_package: FxHashMap<&'a str, Vec<Entry<'a, T>>>,
    others: Vec<Entry<'a, T>>,
}

/// A pattern, its place among all of them, and what it means.
#[derive(Clone, Copy)]
struct Entry<'a, T> {
    order: usize,
    pattern: &'a str,
    meaning: T,
}

impl<'a, T: Copy> Patterns<'a, T> {
    fn new(patterns: impl Iterator<Item = (&'a str, T)>) -> Self {
        let mut sorted = Self {
            by_last_step: FxHashMap::default(),
            by_package: FxHashMap::default(),
            others: Vec::new(),
        };
        for (order, (pattern, meaning)) in patterns.enumerate() {
            let entry = Entry {
                order,
                pattern,
                meaning,
            };
            let step = last_step(pattern);
            let package = package(pattern);
            let same = if !step.contains('*') {
                sorted.by_last_step.entry(step).or_default()
            } else if !package.contains('*') {
                sorted.by_package.entry(package).or_default()
            } else {
                &mut sorted.others
            };
            same.push(entry);
        }
        sorted
    }

    fn first(&self, text: &str) -> Option<(&'a str, T)> {
        let candidates = [
            self.by_last_step.get(last_step(text)),
            self.by_package.get(package(text)),
            Some(&self.others),
        ];
        let hit = |entries: &Vec<Entry<'a, T>>| {
            entries
                .iter()
                .find(|entry| wildcard(entry.pattern, text))
                .copied()
        };
        let hits = candidates.into_iter().flatten().filter_map(hit);
        let first = hits.min_by_key(|entry| entry.order)?;
        Some((first.pattern, first.meaning))
    }
}

/// `@upstash/ratelimit` of `@upstash/ratelimit#Ratelimit!.limit`
fn package(path: &str) -> &str {
    path.split('#').next().unwrap_or("")
}

/// `limit` of `@upstash/ratelimit#Ratelimit!.limit`
fn last_step(path: &str) -> &str {
    let start = memchr::memrchr2(b'.', b'#', path.as_bytes()).map_or(0, |at| at + 1);
    path.get(start..).unwrap_or("")
}

/// `f.g()`, without the package, for evidence.
pub(super) fn shown(text: &str) -> String {
    let (package, path) = text.split_once('#').unwrap_or(("", text));
    let path = path
        .replace('!', "")
        .replace("default", package.rsplit('/').next().unwrap_or(package));
    match package {
        "global" | "unknown" => format!("{}()", path.trim_start_matches("value.")),
        _ if path.is_empty() => package.to_owned(),
        _ => format!("{path}() of {package}"),
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
        let to_hosts = library
            .expensive
            .iter()
            .filter(|each| !each.hosts.is_empty());
        let sends = to_hosts.flat_map(|each| each.call.iter().map(|p| (p.as_str(), ())));
        let expensive = library
            .expensive
            .iter()
            .filter(|each| each.hosts.is_empty());
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
            sends: Patterns::new(sends),
            collects: Patterns::new(library.collects.iter().map(|p| (p.as_str(), ()))),
            connects: Patterns::new(library.connects.iter().map(|p| (p.as_str(), ()))),
        }
    }

    /// The category of what is sent to an address of the host that the text begins with.
    pub fn sent_to(&self, url: &str) -> Option<&'a str> {
        let (_, rest) = url.split_once("://")?;
        let host = rest.split(['/', ':', '?']).next().unwrap_or(rest);
        let fits = |form: &String| wildcard(form, host);
        let mut all = self.library.expensive.iter();
        let found = all.find(|each| each.hosts.iter().any(fits))?;
        Some(&found.category)
    }

    pub fn text(&self, path: PathId) -> Rc<str> {
        Rc::clone(&self.paths[path.0 as usize].text)
    }

    /// A path as evidence shows it: `f.g()`, with the package named behind it.
    pub fn shown(&mut self, path: PathId) -> Rc<str> {
        let path = &mut self.paths[path.0 as usize];
        let shown = path
            .shown
            .get_or_insert_with(|| Rc::from(shown(&path.text)));
        Rc::clone(shown)
    }

    pub fn known(&self, path: PathId) -> Known<'a> {
        self.paths[path.0 as usize].known
    }

    /// What calling the path that is written so means.
    pub fn meaning(&self, text: &str) -> Option<Meaning> {
        let path = self.by_text.get(text)?;
        self.known(*path).api.map(|api| api.is)
    }

    /// What is called by the path that is written so tells of its failures in its answer, and throws none.
    pub fn tells_failures(&self, text: &str) -> bool {
        let fits = |forms: &[String]| forms.iter().any(|form| wildcard(form, text));
        fits(&self.library.telling) && !fits(&self.library.throwing)
    }

    /// What is called by the path that is written so is an identity provider.
    pub fn is_of_provider(&self, text: &str) -> bool {
        let mut providers = self.library.providers.iter();
        providers.any(|form| wildcard(form, text))
    }

    /// What is called by the path that is written so makes one thing of another, and asks nobody for it.
    pub fn only_makes(&self, text: &str) -> bool {
        let package = package(text);
        let mut makes = self.library.makes.iter();
        makes.any(|form| wildcard(form, package))
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
        if let Some(&member) = known.members.get(name) {
            return member;
        }
        let text = &known.text;
        let longer = if text.ends_with('#') {
            format!("{text}{name}")
        } else {
            format!("{text}.{name}")
        };
        let member = self.longer(longer, path);
        self.paths[path.0 as usize]
            .members
            .insert(Box::from(name), member);
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

    /// It is read off something of which nothing is known.
    pub fn is_of_unknown(&self, path: PathId) -> bool {
        package(&self.text(path)) == "unknown"
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
            self.longer(format!("{}()", known.text), path)
        };
        self.paths[path.0 as usize].called = Some(called);
        called
    }

    pub fn constructed(&mut self, path: PathId) -> PathId {
        let known = &self.paths[path.0 as usize];
        if let Some(constructed) = known.constructed {
            return constructed;
        }
        let constructed = self.longer(format!("{}!", known.text), path);
        self.paths[path.0 as usize].constructed = Some(constructed);
        constructed
    }

    /// The path that is written so.
    pub fn intern(&mut self, text: String) -> PathId {
        if let Some(&id) = self.by_text.get(text.as_str()) {
            return id;
        }
        let package = package(&text);
        let mut light = self.library.light.iter();
        let light = light.any(|pattern| wildcard(pattern, package));
        self.add(text, light)
    }

    /// A path that goes on from another one, and so is of the same package.
    fn longer(&mut self, text: String, from: PathId) -> PathId {
        if let Some(&id) = self.by_text.get(text.as_str()) {
            return id;
        }
        let light = self.known(from).light;
        self.add(text, light)
    }

    fn add(&mut self, text: String, light: bool) -> PathId {
        let text: Rc<str> = Rc::from(text);
        let api = self.api.first(&text);
        let known = Known {
            api: api.map(|(_, api)| api),
            by_name: api.is_some_and(|(pattern, _)| pattern.starts_with("*#")),
            builder: self.builders.first(&text).map(|(_, kind)| kind),
            expensive: self.expensive.first(&text).map(|(_, category)| category),
            sends: self.sends.first(&text).is_some(),
            light,
            collects: self.collects.first(&text).is_some(),
            connects: self
                .connects
                .first(text.strip_suffix("()").unwrap_or(&text))
                .is_some(),
        };
        let id = PathId(u32::try_from(self.paths.len()).unwrap_or(u32::MAX));
        self.paths.push(Path {
            text: Rc::clone(&text),
            known,
            members: FxHashMap::default(),
            called: None,
            constructed: None,
            shown: None,
        });
        self.by_text.insert(text, id);
        id
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
