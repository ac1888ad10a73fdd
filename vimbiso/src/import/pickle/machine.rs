//! The machine of a pickle: a stack of places in a table of values, marks in it, and a memo.

use std::collections::HashMap;

use super::fault::Fault;
use super::input::Input;
use super::limits::VALUES_MAX;
use super::opcode::*;
use super::scalar::scalar;
use super::table::{Node, Place, Table};

struct Machine<'p> {
    input: Input<'p>,
    table: Table<'p>,
    stack: Vec<Place>,
    /// The heights of the stack at each MARK.
    marks: Vec<usize>,
    memo: HashMap<u32, Place>,
}

/// Runs a pickle; returns the table, and the place of the result.
pub(super) fn run(bytes: &[u8]) -> Result<(Table<'_>, Place), Fault> {
    let input = Input::new(bytes);
    let mut machine =
        Machine { input, table: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let at = machine.input.at();
        match machine.input.byte()? {
            STOP => return machine.stop(),
            opcode => {
                if let Some(node) = scalar(&mut machine.input, opcode)? {
                    machine.push(node)?;
                } else if !machine.container(opcode)? && !machine.other(opcode)? {
                    return Err(machine.foreign(at, opcode));
                }
            }
        }
    }
}

impl<'p> Machine<'p> {
    fn stop(mut self) -> Result<(Table<'p>, Place), Fault> {
        let top = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() || !self.input.is_at_end() {
            return Err(self.input.broken("something is left at its end"));
        }
        Ok((self.table, top))
    }

    /// Runs an opcode that makes or fills a container; `false` for any other opcode.
    fn container(&mut self, opcode: u8) -> Result<bool, Fault> {
        match opcode {
            EMPTY_LIST | EMPTY_TUPLE => self.push(Node::List(Vec::new()))?,
            EMPTY_DICT => self.push(Node::Dict(Vec::new()))?,
            LIST | TUPLE => {
                let items = self.pop_mark()?;
                self.push(Node::List(items))?;
            }
            TUPLE1 | TUPLE2 | TUPLE3 => {
                let items = self.pop_many(usize::from(opcode - TUPLE1) + 1)?;
                self.push(Node::List(items))?;
            }
            DICT => {
                let items = self.pop_mark()?;
                self.push(Node::Dict(Vec::new()))?;
                self.fill_dict(&items)?;
            }
            APPEND => {
                let item = self.pop()?;
                self.fill_list(&[item])?;
            }
            APPENDS => {
                let items = self.pop_mark()?;
                self.fill_list(&items)?;
            }
            SETITEM => {
                let pair = self.pop_many(2)?;
                self.fill_dict(&pair)?;
            }
            SETITEMS => {
                let items = self.pop_mark()?;
                self.fill_dict(&items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Runs an opcode of the stack, the memo or the frame; `false` for any other opcode.
    fn other(&mut self, opcode: u8) -> Result<bool, Fault> {
        match opcode {
            PROTO => match self.input.byte()? {
                0..=5 => {}
                newer => return Err(Fault::protocol(newer)),
            },
            // A frame says how much to read at once, and all is here.
            FRAME => {
                self.input.take(8_usize)?;
            }
            MARK => self.marks.push(self.stack.len()),
            // Python writes these two for a tuple that contains itself.
            POP if self.marks.last() != Some(&self.stack.len()) => {
                self.pop()?;
            }
            POP | POP_MARK => {
                self.pop_mark()?;
            }
            PUT | BINPUT | LONG_BINPUT | MEMOIZE => {
                let id = self.memo_id(opcode)?;
                let top = *self.stack.last().ok_or_else(|| self.input.broken("its stack is empty"))?;
                self.memo.insert(id, top);
                self.within(self.memo.len())?;
            }
            GET | BINGET | LONG_BINGET => {
                let id = self.memo_id(opcode)?;
                let place = self
                    .memo
                    .get(&id)
                    .ok_or_else(|| self.input.broken("it refers to what it has not put"))?;
                self.stack.push(*place);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn memo_id(&mut self, opcode: u8) -> Result<u32, Fault> {
        match opcode {
            BINPUT | BINGET => Ok(self.input.byte()?.into()),
            LONG_BINPUT | LONG_BINGET => Ok(u32::from_le_bytes(self.input.array()?)),
            PUT | GET => self.input.line_as(),
            // MEMOIZE
            _ => u32::try_from(self.memo.len()).map_err(|_| self.input.broken("its memo is full")),
        }
    }

    /// An opcode that is not read, with the class that it names.
    fn foreign(&mut self, at: usize, opcode: u8) -> Fault {
        let name = match opcode {
            GLOBAL => self.global(),
            STACK_GLOBAL => self.stack_global(),
            _ => None,
        };
        Fault::foreign(at, opcode, name)
    }

    fn global(&mut self) -> Option<String> {
        let [module, name] = [self.input.line().ok()?, self.input.line().ok()?].map(String::from_utf8_lossy);
        Some(format!("{module}.{name}"))
    }

    fn stack_global(&mut self) -> Option<String> {
        let [.., module, name] = self.stack.as_slice() else { return None };
        match (&self.table[*module], &self.table[*name]) {
            (Node::Str(module), Node::Str(name)) => Some(format!("{module}.{name}")),
            _ => None,
        }
    }

    fn push(&mut self, node: Node<'p>) -> Result<(), Fault> {
        self.stack.push(self.table.len());
        self.table.push(node);
        self.within(self.table.len())
    }

    fn within(&self, values: usize) -> Result<(), Fault> {
        if values > VALUES_MAX {
            return Err(Fault::limit(format!("it has more than {VALUES_MAX} values")));
        }
        Ok(())
    }

    /// The top of the stack, which must be above the last mark.
    fn pop(&mut self) -> Result<Place, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = if self.stack.len() > floor { self.stack.pop() } else { None };
        top.ok_or_else(|| self.input.broken("its stack is empty"))
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Place>, Fault> {
        let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        Ok(items)
    }

    /// All that is above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Place>, Fault> {
        let mark = self.marks.pop().ok_or_else(|| self.input.broken("it has no mark"))?;
        Ok(self.stack.drain(mark..).collect())
    }

    fn fill_list(&mut self, items: &[Place]) -> Result<(), Fault> {
        let top = self.stack.last().and_then(|top| self.table.get_mut(*top));
        match top {
            Some(Node::List(list)) => list.extend(items),
            _ => return Err(self.input.broken("it appends to no list")),
        }
        Ok(())
    }

    fn fill_dict(&mut self, items: &[Place]) -> Result<(), Fault> {
        let (pairs, odd) = items.as_chunks::<2>();
        let top = self.stack.last().and_then(|top| self.table.get_mut(*top));
        match top {
            Some(Node::Dict(dict)) if odd.is_empty() => {
                dict.extend(pairs.iter().map(|[name, value]| (*name, *value)));
            }
            _ => return Err(self.input.broken("it sets items of no dict")),
        }
        Ok(())
    }
}
