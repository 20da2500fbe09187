//! Chains of middleware: each layer is called with what runs the rest, the handler comes last.

use std::rc::Rc;

use crate::rule::Calling;
use crate::syntax::ExprId;

use super::call::Use;
use super::evaluator::Evaluator;
use super::state::{Outcomes, State, value};
use super::value::{Chain, Native, Object, Provenance, Value};

impl Evaluator<'_> {
    /// Runs a chain from its current layer.
    pub fn run_chain(&mut self, chain: &Rc<Chain>, state: State, id: ExprId) -> Outcomes {
        let Some(key) = self.chain_key(chain, &state) else {
            return self.run_layer(chain, state, id);
        };
        // Chains that differ in nothing else are evaluated once, however many ways lead to them.
        let mut kept = chain.args.clone();
        kept.extend(chain.handler.clone());
        kept.push(Value::Array(Rc::clone(&chain.layers)));
        let chain = Rc::clone(chain);
        self.remembered(key, kept, state, |evaluator, fresh| {
            evaluator.run_layer(&chain, fresh, id)
        })
    }

    fn run_layer(&mut self, chain: &Rc<Chain>, state: State, id: ExprId) -> Outcomes {
        let Some(layer) = chain.layers.get(chain.at).cloned() else {
            return self.run_handler(chain, state, id);
        };
        let mut rest = Chain::clone(chain);
        rest.at += 1;
        let next = Value::Native(Rc::new(Native::Next(Rc::new(rest))));
        let args = match chain.calling {
            Calling::Options => {
                let mut options = match chain.args.first() {
                    Some(Value::Object(object)) => Object::clone(object),
                    _ => Object {
                        open: Some(Provenance::default()),
                        ..Object::default()
                    },
                };
                options.set(Rc::from("next"), next);
                vec![Value::Object(Rc::new(options))]
            }
            Calling::ContextNext => vec![
                chain.args.first().cloned().unwrap_or_else(Value::unknown),
                next,
            ],
            Calling::RequestResponseNext => {
                let mut args: Vec<Value> = chain.args.iter().take(2).cloned().collect();
                args.push(next);
                args
            }
        };
        if let Value::External(external) = &layer {
            let external = Rc::clone(external);
            return self.external_layer(&external, chain, state, id);
        }
        self.call_acting(&layer, args, state, id)
    }

    fn run_handler(&mut self, chain: &Rc<Chain>, state: State, id: ExprId) -> Outcomes {
        let Some(handler) = chain.handler.clone() else {
            return value(state, Value::unknown());
        };
        let args = match chain.calling {
            Calling::RequestResponseNext => {
                let mut args = chain.args.clone();
                args.push(Value::Native(Rc::new(Native::Inert)));
                args
            }
            _ => chain.args.clone(),
        };
        self.call_acting(&handler, args, state, id)
    }

    /// Calls what acts for the handler, whoever made it: a layer in front of it, or the handler itself, `withAudit(async (…) => …)`.
    pub fn call_acting(
        &mut self,
        function: &Value,
        args: Vec<Value>,
        state: State,
        id: ExprId,
    ) -> Outcomes {
        self.acting = matches!(function, Value::Function(_));
        self.call(function, None, args, state, id, Use::Awaited)
    }

    /// Goes on with a chain behind a layer that was dealt with.
    pub fn skip_layer(&mut self, chain: &Rc<Chain>, state: State, id: ExprId) -> Outcomes {
        let mut rest = Chain::clone(chain);
        rest.at += 1;
        self.run_chain(&Rc::new(rest), state, id)
    }
}
