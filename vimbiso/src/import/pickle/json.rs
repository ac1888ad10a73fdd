//! The JSON of a machine's table. A value with many references is written at each of them, so the
//! bytes are counted on the way; a cycle ends at the limit on depth.

use serde_json::{Map, Number, Value};

use super::fault::Fault;
use super::limits::{BYTES_MAX, DEPTH_MAX};
use super::table::{Node, Place};

/// The JSON of the value at a place.
pub(super) fn value(table: &[Node], top: Place) -> Result<Value, Fault> {
    Writer { table, bytes_left: BYTES_MAX }.value(top, 0)
}

struct Writer<'m, 'p> {
    table: &'m [Node<'p>],
    bytes_left: usize,
}

impl Writer<'_, '_> {
    fn value(&mut self, place: Place, depth: usize) -> Result<Value, Fault> {
        // Each value takes a byte at least, and one for its comma.
        self.charge(2)?;
        let table = self.table;
        match &table[place] {
            Node::None => Ok(Value::Null),
            Node::Bool(value) => Ok(Value::Bool(*value)),
            Node::Int(value) => {
                Number::from_i128(*value).map(Value::Number).ok_or_else(|| Fault::not_json("such an int"))
            }
            Node::Float(value) => Number::from_f64(*value)
                .map(Value::Number)
                .ok_or_else(|| Fault::not_json("a float that is infinite or not a number")),
            Node::Str(text) => Ok(Value::String(self.text(text)?)),
            Node::List(items) => {
                let depth = deeper(depth)?;
                items.iter().map(|item| self.value(*item, depth)).collect()
            }
            Node::Dict(pairs) => Ok(Value::Object(self.members(pairs, deeper(depth)?)?)),
        }
    }

    /// As in Python, the last of equal names counts, at the place of the first.
    fn members(&mut self, pairs: &[(Place, Place)], depth: usize) -> Result<Map<String, Value>, Fault> {
        let mut members = Map::new();
        for (name, value) in pairs {
            let table = self.table;
            let Node::Str(name) = &table[*name] else {
                return Err(Fault::not_json("a key that is no str"));
            };
            members.insert(self.text(name)?, self.value(*value, depth)?);
        }
        Ok(members)
    }

    fn text(&mut self, text: &str) -> Result<String, Fault> {
        self.charge(text.len() + 2)?;
        Ok(text.to_owned())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Fault> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left =
            left.ok_or_else(|| Fault::limit(format!("its JSON would have more than {BYTES_MAX} bytes")))?;
        Ok(())
    }
}

fn deeper(depth: usize) -> Result<usize, Fault> {
    if depth == DEPTH_MAX {
        return Err(Fault::limit(format!("it nests deeper than {DEPTH_MAX}, or contains itself")));
    }
    Ok(depth + 1)
}
