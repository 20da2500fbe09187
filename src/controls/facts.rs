//! What a path has decided.

use std::ops::Deref;
use std::rc::Rc;

use super::value::{Bits, Provenance};

/// A place in the code that decides between paths, interned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Site(pub u32);

/// A condition that the path has decided: which one, which way, and what it was about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fact {
    pub site: Site,
    pub arm: bool,
    pub provenance: Provenance,
    /// How much work the path had done by then.
    pub work: u32,
    /// Something was done by then for its effect.
    pub late: bool,
}

impl Fact {
    /// The path knows who is calling: an identity was found to be there, a signature or secret to be
    /// right, something to be kept under the credential that was sent.
    pub fn establishes(&self) -> bool {
        self.provenance.bits.establishes(self.arm)
    }

    /// It was decided by a signature or a secret that was sent.
    pub fn signed(&self) -> bool {
        self.provenance.bits.signed()
    }

    /// It was decided by a limiter, or by a count.
    pub fn limits(&self) -> bool {
        self.provenance.bits.has(Bits::COUNT.with(Bits::LIMITER))
    }

    /// Both are the same decision.
    pub fn is(&self, other: &Self) -> bool {
        self.site == other.site && self.arm == other.arm
    }

    /// A number that equal decisions share, and no others.
    fn decision(&self) -> u32 {
        self.site.0 << 1 | u32::from(self.arm)
    }
}

/// Decisions in the order in which they were made, each once. Paths share them until one of them decides more.
#[derive(Clone, Default, Debug)]
pub(super) struct Facts {
    list: Option<Rc<List>>,
    /// The marks of all of them: most decisions are seen at once not to be among them.
    marks: u64,
}

#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct List {
    facts: Vec<Fact>,
    /// The numbers of the facts: paths are held against each other by these alone.
    decisions: Vec<u32>,
}

/// One of 64 bits that equal decisions share.
fn mark(decision: u32) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    1 << (u64::from(decision).wrapping_mul(SPREAD) >> 58)
}

/// Paths that decide something mostly decide more.
const ROOM: usize = 4;

impl Facts {
    /// Adds a decision, unless it is among them.
    pub fn add(&mut self, fact: Fact) {
        if !self.knows(fact.decision()) {
            self.push(fact, 1);
        }
    }

    /// Adds decisions as `made` gives them, but for those that are among them.
    pub fn extend(&mut self, facts: &[Fact], made: impl Fn(&Fact) -> Fact) {
        for (at, fact) in facts.iter().enumerate() {
            if !self.knows(fact.decision()) {
                self.push(made(fact), facts.len() - at);
            }
        }
    }

    /// Keeps those for which this holds.
    pub fn retain(&mut self, kept: impl Fn(&Fact) -> bool) {
        if self.iter().all(&kept) {
            return;
        }
        *self = self.iter().filter(|fact| kept(fact)).cloned().collect();
    }

    /// Both are shared by the same paths.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.list, &other.list) {
            (None, None) => true,
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Both decided the same, in the same order.
    pub fn alike(&self, other: &Self) -> bool {
        self.same(other) || self.marks == other.marks && self.decisions() == other.decisions()
    }

    /// What both have decided.
    pub fn common(&self, other: &Self) -> Self {
        let begun = self.begun_alike(other);
        if begun == self.len() {
            return self.clone();
        }
        let (first, rest) = self.split_at(begun);
        let common = rest.iter().filter(|fact| other.knows(fact.decision()));
        first.iter().chain(common).cloned().collect()
    }

    /// What either has decided.
    pub fn joined(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        let begun = self.begun_alike(other);
        let mut all = self.clone();
        all.extend(other.get(begun..).unwrap_or_default(), Fact::clone);
        all
    }

    fn decisions(&self) -> &[u32] {
        self.list.as_ref().map_or(&[], |list| &list.decisions)
    }

    fn knows(&self, decision: u32) -> bool {
        self.marks & mark(decision) != 0 && self.decisions().contains(&decision)
    }

    /// With how many equal decisions both begin: paths that part late have most in common.
    fn begun_alike(&self, other: &Self) -> usize {
        if self.same(other) {
            return self.len();
        }
        let pairs = self.decisions().iter().zip(other.decisions());
        pairs.take_while(|(a, b)| a == b).count()
    }

    /// Adds a decision to a list of this path's own; so many are still to come.
    fn push(&mut self, fact: Fact, more: usize) {
        let list = self.list.get_or_insert_default();
        if Rc::get_mut(list).is_none() {
            let room = list.facts.len() + more.max(ROOM);
            let mut own = List {
                facts: Vec::with_capacity(room),
                decisions: Vec::with_capacity(room),
            };
            own.facts.extend_from_slice(&list.facts);
            own.decisions.extend_from_slice(&list.decisions);
            *list = Rc::new(own);
        }
        let list = Rc::make_mut(list);
        self.marks |= mark(fact.decision());
        list.decisions.push(fact.decision());
        list.facts.push(fact);
    }
}

impl Deref for Facts {
    type Target = [Fact];

    fn deref(&self) -> &[Fact] {
        self.list.as_ref().map_or(&[], |list| &list.facts)
    }
}

impl FromIterator<Fact> for Facts {
    /// Of decisions that differ from one another.
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        let facts: Vec<Fact> = facts.into_iter().collect();
        if facts.is_empty() {
            return Self::default();
        }
        let decisions: Vec<u32> = facts.iter().map(Fact::decision).collect();
        Self {
            marks: decisions
                .iter()
                .fold(0, |marks, known| marks | mark(*known)),
            list: Some(Rc::new(List { facts, decisions })),
        }
    }
}

impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.same(other) || self.marks == other.marks && **self == **other
    }
}

impl Eq for Facts {}
