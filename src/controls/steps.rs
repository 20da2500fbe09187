//! What stands in front of handlers, run once for all of them.
//!
//! Hundreds of handlers share a few chains of middleware. So each middleware is run once, up to the point at which it hands
//! on; the next one, and in the end every handler, goes on from the paths that arrive there.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::graph::ModuleId;
use crate::syntax::ExprId;

use super::evaluator::Evaluator;
use super::lasting::Lasting;
use super::memo::ArgumentKey;
use super::merge::{excuse, merge_outcomes};
use super::record::{Event, FirstWork, Place};
use super::state::{Outcomes, State};
use super::target::{Asked, Difference, Target};
use super::value::{ResponseKind, Value};

/// With so many others a step is compared.
const MOST_COMPARED: usize = 8;

/// A step on the way to handlers: one middleware, or the handler that serves procedures.
#[derive(Debug)]
pub(super) struct Step {
    /// The step before.
    pub before: Option<usize>,
    /// The paths that go on, each with the options that it hands on.
    pub arrivals: Outcomes,
    /// The paths that were turned away.
    pub away: Outcomes,
    /// What was seen.
    pub events: Vec<(Event, Place)>,
    /// The first main work in it.
    pub work: Option<FirstWork>,
    /// What was kept in the request's context, in this step and those before it.
    pub context: Vec<(Rc<str>, Value)>,
    pub exhausted: bool,
    /// What the key of this step points to: held, so that the address stays its own.
    pub kept: Value,
}

impl Step {
    /// A step in which nothing runs.
    pub fn unseen(before: Option<usize>, arrivals: Outcomes, kept: Value) -> Self {
        Self {
            before,
            arrivals,
            away: Outcomes::new(),
            events: Vec::new(),
            work: None,
            context: Vec::new(),
            exhausted: false,
            kept,
        }
    }

    /// Both come to the same, for everything that stands behind them.
    fn is(&self, other: &Self) -> bool {
        // Equal tables of two modules are equal here.
        let nothing = Lasting::default();
        let same = |a: &Value, b: &Value| {
            let key = ArgumentKey::of(a, 3, &nothing);
            key.is_some() && key == ArgumentKey::of(b, 3, &nothing)
        };
        let same_paths = |a: &Outcomes, b: &Outcomes| {
            a.len() == b.len()
                && a.iter().zip(b).all(|((a, x), (b, y))| {
                    a.is(b)
                        && match (x, y) {
                            (Ok(x), Ok(y)) | (Err(x), Err(y)) => same(x, y),
                            _ => false,
                        }
                })
        };
        self.before == other.before
            && self.exhausted == other.exhausted
            && self.events == other.events
            && self.work == other.work
            && same_paths(&self.arrivals, &other.arrivals)
            && same_paths(&self.away, &other.away)
            && self.context.len() == other.context.len()
            && self
                .context
                .iter()
                .zip(&other.context)
                .all(|((a, x), (b, y))| a == b && same(x, y))
    }
}

/// Identifies a step.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) enum StepKey {
    /// A handler that serves procedures, by its address in the route table.
    Host(usize),
    /// What every middleware of a builder behind it is given: the verb, and what the builder was told.
    Given(usize, Box<str>, Vec<(Rc<str>, ArgumentKey)>),
    /// A middleware of a builder, by its address.
    Layer(usize, usize),
    /// A middleware of a router.
    Registered(Registered, Difference),
}

/// A middleware of a router behind another step, as far as it is the same for all routes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Registered {
    pub before: Option<usize>,
    /// Where it is registered, and which of the functions that are registered there.
    pub module: ModuleId,
    pub expr: ExprId,
    pub at: usize,
    /// The handlers' module, where the middleware belongs to it.
    pub home: Option<ModuleId>,
    /// The router answers failures.
    pub catches: bool,
}

/// How a middleware of a router ran for the routes behind it.
#[derive(Debug, Default)]
struct Runs {
    /// What it asked for, for one route or the other.
    asked: Vec<Asked>,
    /// What it came to.
    steps: Vec<usize>,
}

/// The steps that are known, in the order in which they were run.
#[derive(Debug, Default)]
pub(super) struct Steps {
    all: Vec<Step>,
    by_key: FxHashMap<StepKey, usize>,
    runs: FxHashMap<Registered, Runs>,
    /// What the expressions come to that register middleware with routers.
    pub registered: FxHashMap<(ModuleId, ExprId), Rc<[Value]>>,
}

impl Steps {
    pub fn add(&mut self, key: Option<StepKey>, step: Step) -> usize {
        let at = self.all.len();
        self.all.push(step);
        if let Some(key) = key {
            self.by_key.insert(key, at);
        }
        at
    }

    /// Adds what a middleware of a router came to for the routes that have `difference` in common. Where that is what it came
    /// to for others, the steps behind it are shared too: one that only logs the path asks for it, and goes on as ever.
    pub fn add_registered(
        &mut self,
        registered: Registered,
        difference: Difference,
        step: Step,
    ) -> usize {
        let others = self.runs.get(&registered).into_iter();
        let alike = others
            .flat_map(|runs| runs.steps.iter().copied())
            .take(MOST_COMPARED)
            .find(|at| self.all[*at].is(&step));
        let asked = difference.asked();
        let key = StepKey::Registered(registered.clone(), difference);
        let at = match alike {
            Some(at) => {
                self.by_key.insert(key, at);
                at
            }
            None => self.add(Some(key), step),
        };
        let runs = self.runs.entry(registered).or_default();
        if !runs.asked.contains(&asked) {
            runs.asked.push(asked);
        }
        if alike.is_none() {
            runs.steps.push(at);
        }
        at
    }

    pub fn get(&self, at: usize) -> &Step {
        &self.all[at]
    }

    pub fn known(&self, key: &StepKey) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// What a middleware of a router came to for a target: it may have run for another one that it cannot tell from it.
    pub fn known_registered(&self, registered: &Registered, target: &Target) -> Option<usize> {
        let asked = &self.runs.get(registered)?.asked;
        asked.iter().find_map(|asked| {
            let difference = target.difference(*asked);
            self.known(&StepKey::Registered(registered.clone(), difference))
        })
    }

    /// A step and those before it, the first one first.
    pub fn up_to(&self, at: usize) -> Vec<usize> {
        let mut steps: Vec<usize> =
            std::iter::successors(Some(at), |&at| self.all[at].before).collect();
        steps.reverse();
        steps
    }
}

impl Evaluator<'_> {
    /// What came of running something up to the point at which it hands on. `gone` are the paths that end there.
    pub(super) fn step(
        &mut self,
        before: Option<usize>,
        arrivals: Outcomes,
        gone: Outcomes,
    ) -> Step {
        Step {
            before,
            arrivals,
            away: merge_outcomes(gone),
            events: std::mem::take(&mut self.record.events),
            work: self.first_work.take(),
            context: std::mem::take(&mut self.kept),
            exhausted: self.exhausted,
            kept: Value::Undefined,
        }
    }

    /// The paths that came to where a step hands on.
    pub(super) fn handed_on(&mut self) -> Outcomes {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        excuse(&mut arrivals, None);
        gathered(arrivals)
    }
}

/// Whether a path is one of those that went on behind the step.
pub(super) fn passed_on(state: &State) -> bool {
    let answer = state.answered.as_ref();
    answer.is_some_and(|answer| answer.kind == ResponseKind::PassOn)
}

/// Paths that go on to the same place as few paths: what is known of the caller and of limits tells them apart. Every one of
/// them would be gone on with for every procedure.
fn gathered(arrivals: Outcomes) -> Outcomes {
    let limited = arrivals.iter().any(|(state, _)| state.counted.is_some());
    let mut few = Outcomes::new();
    'next: for (state, flow) in arrivals {
        let Ok(options) = flow else { continue };
        for (kept, kept_flow) in &mut few {
            let alike = kept.knows_as(&state)
                && kept.counted.is_some() == state.counted.is_some()
                && (!limited || kept.unconfigured.is_some() == state.unconfigured.is_some())
                && kept.switched_alike(&state)
                && kept.answered.is_some() == state.answered.is_some()
                && kept.blind == state.blind;
            if alike && let Ok(kept_options) = kept_flow {
                let joined = kept_options.join(&options);
                *kept = kept.join(&state);
                *kept_flow = Ok(joined);
                continue 'next;
            }
        }
        few.push((state, Ok(options)));
    }
    few
}
