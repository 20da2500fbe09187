//! What all requests of the handler that is proved have in common, and what of it its code asked for.

use std::cell::Cell;
use std::rc::Rc;

use super::url_path::UrlPath;

/// The part of a request that the route table fixes: its method, its path and the names of its dynamic segments.
///
/// It notes which of them were asked for, because what comes of code that asked for none is the same for every route.
#[derive(Clone, Default, Debug)]
pub(super) struct Target {
    method: Option<Rc<str>>,
    path: Option<Rc<UrlPath>>,
    /// The path that was asked for, of which the other is a part where something is mounted.
    whole: Option<Rc<UrlPath>>,
    params: Rc<[String]>,
    asked: Cell<Asked>,
}

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Asked {
    pub method: bool,
    pub path: bool,
}

/// The path and the names of its segments.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct PathDifference {
    path: Option<Rc<UrlPath>>,
    whole: Option<Rc<UrlPath>>,
    params: Rc<[String]>,
}

/// What of a target made a difference; two handlers of which it is the same cannot be told apart by code that asked for no more.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Difference {
    method: Option<Option<Rc<str>>>,
    path: Option<PathDifference>,
}

impl Difference {
    /// The parts that it holds.
    pub fn asked(&self) -> Asked {
        Asked {
            method: self.method.is_some(),
            path: self.path.is_some(),
        }
    }
}

impl Target {
    pub fn new(method: Option<&str>, url: Option<&str>, params: &[String]) -> Self {
        let path = url.map(|url| Rc::new(UrlPath::new(url)));
        Self {
            method: method.map(Rc::from),
            whole: path.clone(),
            path,
            params: Rc::from(params),
            asked: Cell::default(),
        }
    }

    /// The same requests as they are shown to what is mounted so many segments below the root.
    pub fn below(&self, url: Option<&str>, mounted: Option<u8>) -> Self {
        let mut shown = self.unasked();
        if self.path.is_none() || mounted == Some(0) {
            return shown;
        }
        shown.path = url.zip(mounted).map(|(url, mounted)| {
            let segments = url.split('/').filter(|segment| !segment.is_empty());
            let rest: Vec<&str> = segments.skip(usize::from(mounted)).collect();
            Rc::new(UrlPath::new(&format!("/{}", rest.join("/"))))
        });
        shown
    }

    /// The whole path, of which [`Self::path`] is a part where something is mounted.
    pub fn whole_path(&self) -> Option<&Rc<UrlPath>> {
        self.note_path();
        self.whole.as_ref()
    }

    /// The request's method, when it is fixed.
    pub fn method(&self) -> Option<&Rc<str>> {
        self.note(Asked {
            method: true,
            path: false,
        });
        self.method.as_ref()
    }

    /// The path of the requests, when the handler has a URL.
    pub fn path(&self) -> Option<&Rc<UrlPath>> {
        self.note_path();
        self.path.as_ref()
    }

    /// Names of the dynamic segments of the handler's URL.
    pub fn params(&self) -> &Rc<[String]> {
        self.note_path();
        &self.params
    }

    fn note_path(&self) {
        self.note(Asked {
            method: false,
            path: true,
        });
    }

    /// These parts were asked for.
    pub fn note(&self, asked: Asked) {
        let before = self.asked.get();
        self.asked.set(Asked {
            method: before.method || asked.method,
            path: before.path || asked.path,
        });
    }

    /// What was asked for so far; from here on, nothing was.
    pub fn take_asked(&self) -> Asked {
        self.asked.take()
    }

    /// The same target, of which nothing was asked for.
    pub fn unasked(&self) -> Self {
        Self {
            asked: Cell::default(),
            ..self.clone()
        }
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Asked {
        self.asked.get()
    }

    /// The parts that `asked` names.
    pub fn difference(&self, asked: Asked) -> Difference {
        Difference {
            method: asked.method.then(|| self.method.clone()),
            path: asked.path.then(|| PathDifference {
                path: self.path.clone(),
                whole: self.whole.clone(),
                params: Rc::clone(&self.params),
            }),
        }
    }
}
