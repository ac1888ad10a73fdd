//! The encoding of schemas and bindings: the whole registry, or one change of it.

use std::sync::Arc;

use crate::error::Error;
use crate::schema::bindings::{BINDINGS_MAX, Binding};
use crate::schema::compiled::Schema;
use crate::schema::registry::{Registry, SCHEMAS_MAX};
use crate::schema::source::SCHEMA_BYTES_MAX;
use crate::wire::{DecodeError, Reader, Writer};

const SET: u8 = b'S';
const REMOVE: u8 = b'R';
const BIND: u8 = b'B';
const UNBIND: u8 = b'U';
const ALL: u8 = b'A';

impl Registry {
    /// Encodes a schema that is set.
    pub fn encode_set(schema: &Schema) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(SET);
        write_schema(&mut out, schema);
        out.bytes
    }

    /// Encodes a schema that is removed.
    pub fn encode_remove(name: &str) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(REMOVE);
        out.text(name);
        out.bytes
    }

    /// Encodes a binding that is added.
    pub fn encode_bind(binding: &Binding) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(BIND);
        write_binding(&mut out, binding);
        out.bytes
    }

    /// Encodes a binding that is removed.
    pub fn encode_unbind(pattern: &str) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(UNBIND);
        out.text(pattern);
        out.bytes
    }

    /// Encodes the whole registry.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(ALL);
        out.len(self.iter().len());
        self.iter().for_each(|schema| write_schema(&mut out, schema));
        out.len(self.bindings().len());
        self.bindings().for_each(|binding| write_binding(&mut out, binding));
        out.bytes
    }

    /// Applies an encoded change of the registry; an error changes nothing.
    ///
    /// Errors: the [`DecodeError`] of a corrupt payload; `BADJSON` or `BADSCHEMA` for an invalid
    /// schema.
    pub fn apply(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut input = Reader::new(bytes);
        let unknown = input.unexpected("a kind of change of the registry");
        match input.byte()? {
            SET => {
                let schema = read_schema(&mut input)?;
                input.finish()?;
                self.put(schema);
            }
            REMOVE => {
                let name = input.name()?;
                input.finish()?;
                self.remove(&name);
            }
            BIND => {
                let binding = read_binding(&mut input)?;
                input.finish()?;
                self.bind(binding);
            }
            UNBIND => {
                let pattern = input.name()?;
                input.finish()?;
                self.unbind(&pattern);
            }
            ALL => {
                let schemas = 0..input.len(SCHEMAS_MAX)?;
                let schemas = schemas.map(|_| read_schema(&mut input)).collect::<Result<Vec<_>, Error>>()?;
                let bindings = 0..input.len(BINDINGS_MAX)?;
                let bindings = bindings.map(|_| read_binding(&mut input));
                let bindings = bindings.collect::<Result<Vec<_>, DecodeError>>()?;
                input.finish()?;
                self.clear();
                schemas.into_iter().for_each(|schema| self.put(schema));
                self.bind_all(bindings);
            }
            _ => return Err(unknown.into()),
        }
        Ok(())
    }
}

fn write_binding(out: &mut Writer, binding: &Binding) {
    out.text(&binding.pattern);
    out.text(&binding.schema);
}

fn write_schema(out: &mut Writer, schema: &Schema) {
    out.text(&schema.reference().name);
    out.number(schema.reference().revision);
    out.text(schema.text());
}

fn read_binding(input: &mut Reader) -> Result<Binding, DecodeError> {
    Ok(Binding { pattern: input.name()?, schema: input.name()? })
}

fn read_schema(input: &mut Reader) -> Result<Arc<Schema>, Error> {
    let name = input.name()?;
    let revision =
        input.expect("a revision from 1", |input| input.number().ok().filter(|revision| *revision > 0))?;
    Schema::stored(&name, revision, input.slice(SCHEMA_BYTES_MAX)?).map(Arc::new)
}
