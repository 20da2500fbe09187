//! Values of modules, which outlive the handlers: what is done with one of them for one handler is done with the same for another.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::value::{External, Value};

/// How deep a value is looked into.
const DEPTH: u8 = 4;
/// Tables and lists with more entries than this are not looked into.
const MOST_ENTRIES: usize = 64;

/// Where values of modules lie, and what they are made of. They are never dropped, so nothing else comes to lie there.
#[derive(Default)]
pub(super) struct Lasting(FxHashSet<usize>);

impl Lasting {
    /// A value that is held for as long as this.
    pub fn note(&mut self, value: &Value) {
        self.note_within(value, DEPTH);
    }

    /// The address of a value, where it is one of these.
    pub fn address(&self, value: &Value) -> Option<usize> {
        address(value).filter(|address| self.0.contains(address))
    }

    /// The same for what a value of a package was read from.
    pub fn address_of(&self, external: &Rc<External>) -> Option<usize> {
        let address = Rc::as_ptr(external) as usize;
        self.0.contains(&address).then_some(address)
    }

    fn note_within(&mut self, value: &Value, depth: u8) {
        if let Some(address) = address(value)
            && !self.0.insert(address)
        {
            return;
        }
        if depth == 0 {
            return;
        }
        let inner = depth - 1;
        match value {
            Value::Object(object) if object.fields.len() <= MOST_ENTRIES => {
                for (_, field) in &object.fields {
                    self.note_within(field, inner);
                }
            }
            Value::Array(items) if items.len() <= MOST_ENTRIES => {
                for item in items.iter() {
                    self.note_within(item, inner);
                }
            }
            Value::Function(closure) => {
                if let Some(this) = &closure.this {
                    self.note_within(this, inner);
                }
            }
            Value::External(external) => {
                let mut part = external;
                loop {
                    for arg in &part.args {
                        self.note_within(arg, inner);
                    }
                    let Some(receiver) = &part.receiver else {
                        break;
                    };
                    self.0.insert(Rc::as_ptr(receiver) as usize);
                    part = receiver;
                }
            }
            Value::Choice(options) => {
                for option in options.iter() {
                    self.note_within(option, inner);
                }
            }
            Value::Promise(inside) => self.note_within(inside, inner),
            _ => {}
        }
    }
}

fn address(value: &Value) -> Option<usize> {
    Some(match value {
        Value::Function(closure) => Rc::as_ptr(closure) as usize,
        Value::Object(object) => Rc::as_ptr(object) as usize,
        Value::Array(items) => Rc::as_ptr(items) as usize,
        Value::External(external) => Rc::as_ptr(external) as usize,
        Value::Native(native) => Rc::as_ptr(native) as *const () as usize,
        _ => return None,
    })
}
